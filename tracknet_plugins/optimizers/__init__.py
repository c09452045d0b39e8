"""Built-in components of kind `optimizers`."""
