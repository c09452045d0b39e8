"""Built-in components of kind `schedulers`."""
