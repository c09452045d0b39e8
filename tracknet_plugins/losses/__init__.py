"""Built-in components of kind `losses`."""
