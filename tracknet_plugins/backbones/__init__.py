"""Built-in components of kind `backbones`."""
