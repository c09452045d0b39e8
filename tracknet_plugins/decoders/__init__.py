"""Built-in components of kind `decoders`."""
