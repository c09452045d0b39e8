"""Finds the ball in real video at a ninth of the work, of rendered rallies alone; nine frames of 640 x 352."""

from pathlib import Path

from tracknet_core.registry import models


@models.register("fast")
def fast() -> Path:
    """Return the folder; its card says what it was trained and tested on."""
    return Path(__file__).parent / "weights" / "fast"
