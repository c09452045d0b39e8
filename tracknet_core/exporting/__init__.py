"""A trained network as a portable file, and whether it agrees with what it was made of."""

from tracknet_core.exporting.publishing import publish
from tracknet_core.exporting.writing import export

__all__ = ["export", "publish"]
