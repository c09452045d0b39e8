"""Blur a window, as a lens out of focus or a camera that moves."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import Transform, UInt8Array, Window
from tracknet_core.registry import transforms

Kernel = npt.NDArray[np.uint16]

ONE = 256
"""What the weights of a kernel add up to: bytes times weights then just fit into 16 bits, the fastest way here."""


@transforms.register("blur")
class Blur(Transform):
    """Gaussian or motion blur, the same draw for all pictures of the window.

    Both are symmetric about each pixel, so places stay. Motion blur averages along a straight line of a random
    direction. Beyond the frame, its border pixels go on.

    Args:
        gaussian: least and greatest standard deviation of a Gaussian blur, in pixels of the frames.
        motion: least and greatest length of a motion blur, in pixels of the frames.
        motion_share: share of the blurred windows that get motion blur, 0..1; the rest get Gaussian blur.
        prob: share of the windows that are blurred, 0..1.

    Raises:
        ValueError: a range that is none, or a share out of 0..1.
    """

    def __init__(
        self,
        *,
        gaussian: tuple[float, float] = (0.3, 1.2),
        motion: tuple[float, float] = (2.0, 6.0),
        motion_share: float = 0.5,
        prob: float = 0.3,
    ) -> None:
        for name, strengths in (("gaussian", gaussian), ("motion", motion)):
            if not (len(strengths) == 2 and 0 <= strengths[0] <= strengths[1] < math.inf):
                raise ValueError(
                    f"{name}={list(strengths)} is no range of strengths: give [least, greatest] in pixels, at least 0"
                )
        for name, share in (("motion_share", motion_share), ("prob", prob)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name}={share} is not a share: give a number from 0 (never) to 1 (always)")
        self.gaussian = (float(gaussian[0]), float(gaussian[1]))
        self.motion = (float(motion[0]), float(motion[1]))
        self.motion_share = motion_share
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window, blurred or as it is."""
        if rng.random() >= self.prob:
            return window
        if rng.random() < self.motion_share:
            frames = _convolved(window.frames, _line(rng.uniform(*self.motion), rng.uniform(0, math.pi)))
        else:
            column = _gaussian(rng.uniform(*self.gaussian))
            frames = _convolved(_convolved(window.frames, column), column.T)
        return window.replace(frames)


def _gaussian(sigma: float) -> Kernel:
    """Return the column (n, 1) of a Gaussian with a standard deviation of ``sigma`` pixels."""
    reach = math.ceil(3 * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * max(sigma, 1e-3) ** 2))
    return _quantised(weights[:, None] / weights.sum())


def _line(length: float, angle: float) -> Kernel:
    """Return the picture (n, n) of a line of ``length`` pixels through the middle."""
    reach = math.ceil(length / 2)
    count = 8 * reach + 1
    along = ((np.arange(count) + 0.5) / count - 0.5) * length
    grid = np.arange(-reach, reach + 1)
    # Each point of the line is shared out among the four pixels around it.
    down = np.clip(1 - np.abs(along[:, None] * math.sin(angle) - grid), 0, None)
    across = np.clip(1 - np.abs(along[:, None] * math.cos(angle) - grid), 0, None)
    return _quantised(down.T @ across / len(along))


def _quantised(weights: npt.NDArray[np.float64]) -> Kernel:
    """Return weights that add up to 1, and are symmetric about the middle, as whole numbers with the same virtues."""
    half = weights.ravel()[: weights.size // 2]
    # Rounding the running sum passes what one weight loses on to the next.
    whole = np.diff(np.rint(np.cumsum(half) * ONE), prepend=0)
    kernel = np.concatenate((whole, [ONE - 2 * whole.sum()], whole[::-1]))
    return kernel.reshape(weights.shape).astype(np.uint16)


def _convolved(frames: UInt8Array, kernel: Kernel) -> UInt8Array:
    """Return the mean of the pixels (P, H, W, 3) around each one, weighted by ``kernel`` (of odd sides)."""
    height, width = frames.shape[1:3]
    down, across = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(frames, ((0, 0), (down, down), (across, across), (0, 0)), mode="edge")
    total = np.full(frames.shape, ONE // 2, dtype=np.uint16)  # the shift below rounds down
    for row, column in np.argwhere(kernel).tolist():
        part = padded[:, row : row + height, column : column + width]
        total += np.multiply(part, kernel[row, column], dtype=np.uint16)
    return (total >> 8).astype(np.uint8)
