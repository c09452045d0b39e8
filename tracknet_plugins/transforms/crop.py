"""Cut the same rectangle out of all frames of a window."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import FloatArray, Size, Transform, Visibility, Window
from tracknet_core.registry import transforms

_STEP = 4
"""Pixels between those that are looked at for changes."""
_CHANGE = 60
"""Grey levels, added up over red, green and blue, that are more than noise."""


@transforms.register("crop")
class Crop(Transform):
    """A random crop that often holds the ball, but not at a telling place.

    A ball covers a thousandth of a frame, so crops placed blindly would mostly show none. A share ``ball`` of the
    windows gets a crop that contains the visible ball of one of its frames, drawn at random; among the positions
    that do, every one is equally likely, so the network cannot learn where in a crop to look. The rest, and
    windows without a visible ball, get a crop anywhere in the frame; or, a share ``motion`` of them, one that
    contains a pixel that changes from a frame to the next. Players, rackets and spectators are taken for a ball, and
    blind crops show few of them.

    Points outside of the crop become ABSENT, with NaN for a place; UNLABELLED frames stay so.

    Args:
        size: width and height of the crop, in pixels of the frames.
        ball: share of the windows whose crop is placed on a ball, 0..1.
        motion: share of the others whose crop is placed where something moves, 0..1.
        align: positions are multiples of this many pixels; the patch size keeps a patch grid where it is on
            whole frames.

    Raises:
        ValueError: a size or ``align`` below one pixel, or a share that is none.
    """

    def __init__(self, *, size: tuple[int, int], ball: float = 0.75, motion: float = 0.0, align: int = 1) -> None:
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size={list(size)} is no size: give [width, height] in pixels, both at least 1")
        if not 0 <= ball <= 1:
            raise ValueError(f"ball={ball} is not a share: give a number from 0 (crops anywhere) to 1 (on the ball)")
        if not 0 <= motion <= 1:
            raise ValueError(f"motion={motion} is not a share: give a number from 0 (never) to 1 (always)")
        if align < 1:
            raise ValueError(f"align={align} is no grid: give the step between positions in pixels, at least 1")
        self.size = (int(size[0]), int(size[1]))
        self.ball = ball
        self.motion = motion
        self.align = align

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the crop; the frames are a view of those that came in.

        Raises:
            ValueError: the crop is larger than the frames.
        """
        height, width = window.frames.shape[1:3]
        crop_width, crop_height = self.output_size((width, height))
        target = self._pick_ball(window, rng)
        if target is None and self.motion and rng.random() < self.motion:
            target = _pick_change(window, rng)
        left = self._place(rng, width, crop_width, None if target is None else float(target[0]))
        top = self._place(rng, height, crop_height, None if target is None else float(target[1]))
        frames = window.frames[:, top : top + crop_height, left : left + crop_width]
        return window.moved(frames, window.labels.points - np.array((left, top), dtype=np.float32))

    def output_size(self, size: Size) -> Size:
        """Return the crop's size.

        Raises:
            ValueError: the crop is larger than frames of ``size``.
        """
        if self.size[0] > size[0] or self.size[1] > size[1]:
            raise ValueError(
                f"size={list(self.size)} is larger than the frames, which have {list(size)} (width, height): "
                "make the crop smaller or the frames larger"
            )
        return self.size

    def _pick_ball(self, window: Window, rng: np.random.Generator) -> FloatArray | None:
        """Return (x, y) of the ball to hold, or None for a crop anywhere."""
        height, width = window.frames.shape[1:3]
        visible = np.isin(window.visibility, (Visibility.EASY, Visibility.HARD))
        inside = np.all((window.xy > -0.5) & (window.xy < (width - 0.5, height - 0.5)), axis=1)  # NaN compares False
        choices = np.flatnonzero(visible & inside)
        if len(choices) == 0 or rng.random() >= self.ball:
            return None
        place: FloatArray = window.xy[rng.choice(choices)]
        return place

    def _place(self, rng: np.random.Generator, length: int, crop: int, point: float | None) -> int:
        """Return where the crop begins along one axis, so that it covers ``point`` if there is one.

        A crop from ``start`` covers the points of [start - 0.5, start + crop - 0.5). Where the grid of ``align``
        has no such start, one off the grid is better than a crop without the ball.
        """
        last = length - crop
        if point is None:
            return self.align * int(rng.integers(last // self.align + 1))
        pixel = int(np.floor(point + 0.5))
        low, high = max(0, pixel - crop + 1), min(last, pixel)
        first_step, last_step = -(-low // self.align), high // self.align
        if first_step > last_step:
            return int(rng.integers(low, high + 1))
        return self.align * int(rng.integers(first_step, last_step + 1))


def _pick_change(window: Window, rng: np.random.Generator) -> FloatArray | None:
    """Return (x, y) of a pixel that changes between two consecutive frames; None where none does."""
    if len(window) < 2:
        return None
    first = int(rng.integers(len(window) - 1))
    # Every fourth row and column finds whatever is as large as a hand.
    before, after = window.frames[first : first + 2, ::_STEP, ::_STEP].astype(np.int16)
    changed = np.flatnonzero(np.abs(after - before).sum(-1) > _CHANGE)
    if len(changed) == 0:
        return None
    row, column = np.unravel_index(rng.choice(changed), before.shape[:2])
    return np.array((column * _STEP, row * _STEP), dtype=np.float32)
