"""Built-in components of kind `transforms`."""
