"""Hide the ball behind a patch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracknet_core.contracts import FloatArray, Transform, UInt8Array, Visibility, Window
from tracknet_core.registry import transforms

TRIES = 10
"""Random places that are tried for a patch, or for the pixels that fill it, which must not show the ball."""


@dataclass(frozen=True)
class Patch:
    """A rectangle of whole pixels of a frame."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, frame: UInt8Array) -> UInt8Array:
        """Return its pixels, a view of the frame (H, W, 3)."""
        return frame[self.top : self.top + self.height, self.left : self.left + self.width]

    def shows(self, xy: FloatArray, radius: float) -> bool:
        """Return whether a ball at ``xy`` reaches into it; False for NaN."""
        x = min(max(xy[0], self.left), self.left + self.width - 1)
        y = min(max(xy[1], self.top), self.top + self.height - 1)
        return math.hypot(xy[0] - x, xy[1] - y) <= radius + 1  # the rim of a ball covers a part of a pixel


@transforms.register("cutout")
class Cutout(Transform):
    """Cover the visible ball of some frames, so that the network learns to go by the others.

    A patch is filled with a piece of the same frame that does not show the ball: neither its colour nor its noise gives
    it away. Frames also get patches beside the ball, so that a patch does not mean a ball. A frame whose ball is hidden
    becomes OCCLUDED and keeps its place. Draws are made frame by frame, as things that pass in front of a ball differ
    from frame to frame; a background, which shows nothing that passes, stays as it is.

    Where a label marks one end of a long streak, the other end may look out: choose ``radius`` accordingly.

    Args:
        size: least and greatest width, and height, of a patch, in pixels of the frames.
        radius: pixels around the label that belong to the ball and are covered; twice as much fits into a patch.
        hide: share of the frames with a visible ball, in the windows that are changed, whose ball is hidden, 0..1.
        decoys: share of the frames in these windows that get a patch beside the ball, 0..1.
        prob: share of the windows that are changed, 0..1.

    Raises:
        ValueError: a share out of 0..1, or patches that are smaller than the ball.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (12, 32),
        radius: float = 4.0,
        hide: float = 0.4,
        decoys: float = 0.4,
        prob: float = 0.3,
    ) -> None:
        if not 0 <= radius < math.inf:
            raise ValueError(f"radius={radius} is no radius of a ball: give a number of pixels, at least 0")
        least = _covering(radius)
        if not (len(size) == 2 and least <= size[0] <= size[1]):
            raise ValueError(
                f"size={list(size)} is no range of sizes: give [least, greatest] in pixels, at least {least} to cover "
                f"a ball of radius={radius}"
            )
        for name, share in (("hide", hide), ("decoys", decoys), ("prob", prob)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name}={share} is not a share: give a number from 0 (none) to 1 (all)")
        self.size = (int(size[0]), int(size[1]))
        self.radius = radius
        self.hide = hide
        self.decoys = decoys
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window with patches, or as it is."""
        if rng.random() >= self.prob:
            return window
        frames = window.frames.copy()
        visibility = window.visibility.copy()
        for i, xy in enumerate(window.xy):
            visible = Visibility(visibility[i]).is_visible
            if visible and rng.random() < self.hide:
                self._fill(frames[i], window.frames[i], self._over(xy, frames[i], rng), xy, rng)
                visibility[i] = Visibility.OCCLUDED
            if rng.random() < self.decoys and (decoy := self._beside(xy, self._draw(rng), frames[i], rng)):
                self._fill(frames[i], window.frames[i], decoy, xy, rng)
        return window.replace(frames, visibility=visibility)

    def _draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Return the width and height of a patch."""
        width, height = rng.integers(self.size[0], self.size[1] + 1, size=2).tolist()
        return width, height

    def _over(self, xy: FloatArray, frame: UInt8Array, rng: np.random.Generator) -> Patch:
        """Return a patch that covers the ball, which may be anywhere in it; what lies outside of the frame is cut."""
        starts, ends = [], []
        for point, length, limit in zip(xy.tolist(), self._draw(rng), (frame.shape[1], frame.shape[0]), strict=True):
            first = math.floor(point - self.radius + 0.5)  # pixels that the ball reaches
            last = math.ceil(point + self.radius - 0.5)
            start = int(rng.integers(last - length + 1, first + 1))
            starts.append(max(start, 0))
            ends.append(min(start + length, limit))
        return Patch(starts[0], starts[1], ends[0] - starts[0], ends[1] - starts[1])

    def _beside(
        self, xy: FloatArray, size: tuple[int, int], frame: UInt8Array, rng: np.random.Generator
    ) -> Patch | None:
        """Return a patch of the frame that does not show the ball; None if the frame has hardly one."""
        width, height = min(size[0], frame.shape[1]), min(size[1], frame.shape[0])
        for _ in range(TRIES):
            left, top = rng.integers((frame.shape[1] - width + 1, frame.shape[0] - height + 1)).tolist()
            patch = Patch(left, top, width, height)
            if not patch.shows(xy, self.radius):
                return patch
        return None

    def _fill(
        self, frame: UInt8Array, original: UInt8Array, patch: Patch, xy: FloatArray, rng: np.random.Generator
    ) -> None:
        """Fill a patch of ``frame`` from elsewhere; with its mean colour if there is no elsewhere."""
        source = self._beside(xy, (patch.width, patch.height), original, rng)
        patch.cut(frame)[:] = original.mean(axis=(0, 1)) if source is None else source.cut(original)


def _covering(radius: float) -> int:
    """Return the pixels along one axis that a ball covers at most, wherever its centre lies."""
    return math.ceil(2 * radius) + 1
