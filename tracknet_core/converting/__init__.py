"""A published network's weights to a checkpoint, with which all commands work."""

from tracknet_core.converting.converting import Converted, convert

__all__ = ["Converted", "convert"]
