"""Built-in components of kind `heads`."""
