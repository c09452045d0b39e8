"""Turn a window back to front in time."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import Transform, Window
from tracknet_core.registry import transforms


@transforms.register("reverse")
class Reverse(Transform):
    """Play the frames of a window backwards; a background stays the last picture.

    A ball in flight looks the same backwards, but for gravity and drag. Labels at the leading end of a streak (the
    tennis set of TrackNet) come to lie at its trailing end: there a smaller ``prob`` or none may do better.

    Args:
        prob: share of the windows that are reversed, 0..1.

    Raises:
        ValueError: ``prob`` is no probability.
    """

    def __init__(self, *, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob} is not a probability: give a number from 0 (never) to 1 (always)")
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window, reversed or as it is."""
        return window if rng.random() >= self.prob else window.at(range(len(window))[::-1])
