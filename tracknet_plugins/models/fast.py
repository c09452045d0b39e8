"""Finds the ball in real video at hundreds of frames a second, of rendered rallies alone; twelve of 640 x 352."""

from pathlib import Path

from tracknet_core.registry import models


@models.register("fast")
def fast() -> Path:
    """Return the folder; its card says what it was trained and tested on."""
    return Path(__file__).parent / "weights" / "fast"
