"""The weights of ``accurate``, looking at 640 x 352: a third of the work."""

from pathlib import Path

from tracknet_core.registry import models


@models.register("fast")
def fast() -> Path:
    """Return the folder; its card says what it was trained and tested on."""
    return Path(__file__).parent / "weights" / "fast"
