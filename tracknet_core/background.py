"""The background of a clip: what its pixels show most of the time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from tracknet_core.contracts import Clip, Size, UInt8Array
from tracknet_core.files import replaced_file

SAMPLED_FRAMES = 128
"""A clip that is longer is sampled evenly, so that memory is bounded (57 MB at 512 x 288) and short passes suffice."""

_ROWS = 16  # sorted at a time, so that the copy stays small and in the processor's cache


class Backgrounds:
    """The backgrounds of clips, each computed when it is first asked for, and kept as an image in a folder.

    The background is the median of the frames, as in TrackNetV3 (Chen & Wang 2023), here of at most
    ``SAMPLED_FRAMES`` of them.

    Args:
        folder: where to keep them; made when needed.
        size: (W, H) that frames are scaled to.
    """

    def __init__(self, folder: Path, size: Size) -> None:
        self._folder = folder
        self._size = size
        self._held: dict[str, UInt8Array] = {}

    def __call__(self, clip: Clip) -> UInt8Array:
        """Return the background of a clip, RGB (H, W, 3).

        Raises:
            DataError: the clip cannot be read.
        """
        if clip.name not in self._held:
            self._held[clip.name] = self._kept(clip)
        return self._held[clip.name]

    def _kept(self, clip: Clip) -> UInt8Array:
        fingerprint = clip.frames.fingerprint()
        if fingerprint is None:
            return self._computed(clip)
        key = hashlib.sha256(f"{fingerprint}\n{self._size}\n{SAMPLED_FRAMES}".encode()).hexdigest()[:32]
        path = self._folder / f"background_{key}.png"
        if path.is_file():
            with Image.open(path) as image:
                return np.array(image.convert("RGB"))
        background = self._computed(clip)
        self._folder.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as part:
            Image.fromarray(background).save(part, format="png")
        return background

    def _computed(self, clip: Clip) -> UInt8Array:
        return median(clip.frames.read(sampled_frames(len(clip.frames)), self._size))


def sampled_frames(count: int) -> list[int]:
    """Return the numbers of the frames that stand for a clip of ``count`` frames, evenly along it, in order."""
    places = np.linspace(0, count - 1, min(count, SAMPLED_FRAMES)).round()
    return [int(place) for place in np.unique(places)]


def median(frames: Iterable[UInt8Array]) -> UInt8Array:
    """Return the median of frames (H, W, 3), pixel by pixel and colour by colour; of an even number the lower one."""
    stack = np.stack(list(frames))  # (N, H, W, 3)
    middle = (len(stack) - 1) // 2
    rows = range(0, stack.shape[1], _ROWS)
    return np.concatenate([np.partition(stack[:, row : row + _ROWS], middle, axis=0)[middle] for row in rows])
