"""Show a window as a camera with a lower frame rate would."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import Transform, Window
from tracknet_core.registry import transforms


@transforms.register("frame_rate")
class FrameRate(Transform):
    """Keep every k-th frame, with k drawn anew for every window: the ball is k times as fast.

    Windows come in long enough for the greatest k. A smaller one leaves frames over: which of them go out, before or
    after, is drawn too. The exposure stays that of the camera, so streaks do not grow with the speed.

    Args:
        steps: least and greatest k, in frames; every whole number from one to the other is equally likely.

    Raises:
        ValueError: ``steps`` is no range of whole numbers of at least 1.
    """

    def __init__(self, *, steps: tuple[int, int] = (1, 2)) -> None:
        if not (len(steps) == 2 and 1 <= steps[0] <= steps[1]):
            raise ValueError(
                f"steps={list(steps)} is no range of steps: give [least, greatest] in frames, at least 1 "
                "([1, 1] keeps all frames)"
            )
        self.steps = (int(steps[0]), int(steps[1]))

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window of the frames that are kept; a background stays the last picture."""
        longest = self.steps[1]
        count = (len(window) - 1) // longest + 1
        step = int(rng.integers(self.steps[0], longest + 1))
        span = (count - 1) * step + 1
        first = int(rng.integers(len(window) - span + 1))
        return window.at(range(first, first + span, step))

    def input_frames(self, frames: int) -> int:
        """Return how many consecutive frames hold ``frames`` of them at the greatest step."""
        return (frames - 1) * self.steps[1] + 1
