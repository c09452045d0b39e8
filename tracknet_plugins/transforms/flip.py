"""Mirror a window left to right."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import Transform, Window
from tracknet_core.registry import transforms


@transforms.register("flip")
class Flip(Transform):
    """Horizontal flip, the same for all frames of the window.

    Column ``x`` becomes column ``W - 1 - x``: with pixel centres at whole numbers that is exact also for
    places between pixels.

    Args:
        prob: share of the windows that are flipped, 0..1.

    Raises:
        ValueError: ``prob`` is no probability.
    """

    def __init__(self, *, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob} is not a probability: give a number from 0 (never) to 1 (always)")
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window, flipped or as it is; the frames are a view of those that came in."""
        if rng.random() >= self.prob:
            return window
        points = window.labels.points.copy()
        points[..., 0] = window.frames.shape[2] - 1 - points[..., 0]
        return window.replace(window.frames[:, :, ::-1], points=points)
