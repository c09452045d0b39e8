"""Built-in components of kind `converters`."""
