"""Built-in components of kind `datasets`."""
