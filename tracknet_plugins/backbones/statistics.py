"""Mean and deviation that a backbone without published weights of its own asks frames to be brought to."""

from __future__ import annotations

from typing import Literal

from tracknet_core.contracts import PLAIN, Normalization

Statistics = Literal["plain", "imagenet", "imagenet_bgr"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of red, green and blue at 0..1, over the pictures of ImageNet; nearly all code that normalises has these numbers."""


def normalization(statistics: Statistics) -> Normalization:
    """Return mean and deviation of RGB frames.

    Args:
        statistics: ``plain`` leaves frames at 0..1; ``imagenet`` has the numbers of ImageNet; ``imagenet_bgr`` has
            those of red for blue and the other way round, as code that gives frames of OpenCV what is meant for RGB.

    Raises:
        ValueError: ``statistics`` is unknown.
    """
    if statistics == "plain":
        return PLAIN
    if statistics == "imagenet":
        return Normalization(IMAGENET_MEAN, IMAGENET_STD)
    if statistics == "imagenet_bgr":
        return Normalization(IMAGENET_MEAN[::-1], IMAGENET_STD[::-1])
    raise ValueError(f"statistics: {statistics!r} is unknown. It accepts: plain, imagenet, imagenet_bgr.")
