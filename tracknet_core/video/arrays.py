"""Frames that are arrays already: all of a clip, or one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from PIL import Image

from tracknet_core.contracts import Array, FrameSource, LiveSource, Size, TimedFrame, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.video.file import check_indices
from tracknet_core.video.images import RESAMPLING


class ArrayFrames(FrameSource):
    """The frames of a clip in memory.

    Args:
        frames: (T, H, W, 3) uint8, RGB; not copied.
        fps: frames per second.
        name: how messages call them.

    Raises:
        DataError: they are of another shape or type, or there is none.
    """

    def __init__(self, frames: Array, *, fps: float, name: str = "frames") -> None:
        if frames.ndim != 4 or not len(frames):
            raise DataError(f"{name}: an array {frames.shape}. Give frames (T, H, W, 3), RGB.")
        _check(frames[0], name, None)
        self._frames: UInt8Array = frames
        self._fps = fps
        self._name = name

    @property
    def size(self) -> Size:
        """Width and height of the frames, in pixels."""
        return _size(self._frames[0])

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    def __len__(self) -> int:
        """Return T, the number of frames."""
        return len(self._frames)

    def fingerprint(self) -> None:
        """Return None: nobody sees when an array changes."""
        return

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at strictly ascending ``indices``, RGB (H, W, 3), in ``size``.

        Raises:
            DataError: an index lies outside the clip.
            ValueError: the indices do not ascend.
        """
        check_indices(indices, len(self), self._name)
        return (_resized(self._frames[number], size) for number in indices)


class PassingFrames(LiveSource):
    """Frames that come one after the other, of which none is kept.

    Args:
        frames: each (H, W, 3) uint8, RGB, all of one size; the first is taken out at once.
        fps: frames per second.
        name: how messages call them.

    Raises:
        DataError: there is none, or the first is no frame; ``play`` says it of the others.
    """

    def __init__(self, frames: Iterable[Array], *, fps: float, name: str = "frames") -> None:
        rest = iter(frames)
        first = next(rest, None)
        if first is None:
            raise DataError(f"{name}: there is no frame.")
        self._size = _size(_check(first, name, None))
        self._frames = chain([first], rest)
        self._fps = fps
        self._name = name

    @property
    def size(self) -> Size:
        """Width and height of the frames, in pixels."""
        return self._size

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    def play(self, size: Size | None = None) -> Generator[TimedFrame, None, None]:
        """Yield the frames until they end, once.

        Args:
            size: width and height to deliver, in pixels; the original size if None.

        Raises:
            DataError: one is of another shape, type or size than the first.
        """
        for number, frame in enumerate(self._frames):
            picture = _check(frame, f"{self._name}: frame {number}", self._size)
            resized = _resized(picture, size)
            # Whoever gives frames may put the next one where this one was, before anybody has looked at this one.
            yield TimedFrame(number, number / self._fps, picture.copy() if resized is picture else resized)


def _check(frame: object, name: str, size: Size | None) -> UInt8Array:
    """Return a frame, if it is one, and of this size."""
    if not isinstance(frame, np.ndarray):
        raise DataError(f"{name}: {type(frame).__name__}, and no array. Give frames (H, W, 3) of uint8, RGB.")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise DataError(f"{name}: {frame.dtype} {frame.shape}. Give frames (H, W, 3) of uint8, RGB, 0 to 255.")
    if size is not None and _size(frame) != size:
        found = "x".join(map(str, _size(frame)))
        raise DataError(f"{name}: {found} pixels, but the first has {size[0]}x{size[1]}. All have one size.")
    return frame


def _size(frame: UInt8Array) -> Size:
    return frame.shape[1], frame.shape[0]


def _resized(frame: UInt8Array, size: Size | None) -> UInt8Array:
    if size is None or size == _size(frame):
        return frame
    return np.array(Image.fromarray(np.ascontiguousarray(frame)).resize(size, RESAMPLING))
