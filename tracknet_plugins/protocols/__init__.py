"""Built-in components of kind `protocols`."""
