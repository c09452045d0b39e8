"""Built-in components of kind `inputs`."""
