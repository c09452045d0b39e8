"""Finds the ball in real video, of rendered rallies alone; 450 thousand parameters, nine frames of 1024 x 576."""

from pathlib import Path

from tracknet_core.registry import models


@models.register("accurate")
def accurate() -> Path:
    """Return the folder; its card says what it was trained and tested on."""
    return Path(__file__).parent / "weights" / "accurate"
