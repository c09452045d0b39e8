"""Built-in components of kind `callbacks`."""
