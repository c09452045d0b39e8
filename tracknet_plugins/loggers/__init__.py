"""Built-in components of kind `loggers`."""
