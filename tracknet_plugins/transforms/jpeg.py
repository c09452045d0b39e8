"""Give a window the noise of JPEG compression."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tracknet_core.contracts import Transform, Window
from tracknet_core.registry import transforms


@transforms.register("jpeg")
class JPEG(Transform):
    """Compress and decompress every picture of the window as JPEG, all with the same drawn quality.

    Blocks and ringing around edges are much like those of compressed video, and so is the colour at half the
    resolution (4:2:0). Places stay.

    Args:
        quality: least and greatest quality, 1 (worst) to 95.
        prob: share of the windows that are compressed, 0..1.

    Raises:
        ValueError: a quality or a share out of its range.
    """

    def __init__(self, *, quality: tuple[int, int] = (40, 90), prob: float = 0.3) -> None:
        if not (len(quality) == 2 and 1 <= quality[0] <= quality[1] <= 95):
            raise ValueError(
                f"quality={list(quality)} is no range of qualities: give [least, greatest], from 1 (worst) to 95"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob} is not a probability: give a number from 0 (never) to 1 (always)")
        self.quality = (int(quality[0]), int(quality[1]))
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window, compressed or as it is."""
        if rng.random() >= self.prob:
            return window
        quality = int(rng.integers(self.quality[0], self.quality[1] + 1))
        frames = np.empty(window.frames.shape, dtype=np.uint8)
        for picture, out in zip(window.frames, frames, strict=True):
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling="4:2:0")
            with Image.open(file, formats=("JPEG",)) as image:
                out[:] = image
        return window.replace(frames)
