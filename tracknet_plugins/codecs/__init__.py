"""Built-in components of kind `codecs`."""
