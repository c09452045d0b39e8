"""The frames of another source, looked at in another way: a part of them, or with what to see where one is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import ClipError, DataError


class FrameView(FrameSource):
    """Frames as many, as large and as fast as those of another source, unless a subclass says otherwise.

    Args:
        source: the frames.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._source)

    @property
    def size(self) -> Size:
        """Width and height of the original frames, in pixels."""
        return self._source.size

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._source.fps


class Excerpt(FrameView):
    """A run of the frames of another source.

    Args:
        source: the frames.
        start: number of its frame that is frame 0 here.
        count: number of frames.
    """

    def __init__(self, source: FrameSource, start: int, count: int) -> None:
        super().__init__(source)
        self._start, self._count = start, count

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._count

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame, in seconds from the first of the excerpt."""
        times = self._source.times[self._start : self._start + self._count]
        return [time - times[0] for time in times]

    def fingerprint(self) -> str | None:
        """Return that of the source, and the place in it.

        Raises:
            DataError: a file is missing.
        """
        whole = self._source.fingerprint()
        return None if whole is None else f"{whole} {self._start}+{self._count}"

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at ``indices``, RGB, uint8 (H, W, 3).

        Args:
            indices: frame numbers in the excerpt, strictly ascending.
            size: width and height to deliver, in pixels; the original size if None.

        Raises:
            DataError: an index lies outside the excerpt (at once), or a frame cannot be decoded (when its turn comes).
            ValueError: the indices do not ascend.
        """
        for index in indices:
            if not 0 <= index < self._count:
                raise DataError(f"frame {index} lies outside of a clip of {self._count} frames.")
        return self._source.read([self._start + index for index in indices], size)


class ReadableFrames(FrameView):
    """The frames of a clip; in the place of one that cannot be read, the one before it, or a black one.

    Args:
        source: the frames.

    Attributes:
        broken: what is wrong with those that could not be read, by number.
    """

    def __init__(self, source: FrameSource) -> None:
        super().__init__(source)
        self.broken: dict[int, str] = {}

    def fingerprint(self) -> str | None:
        """Return that of the source."""
        return self._source.fingerprint()

    def kept(self, size: Size) -> UInt8Array | None:
        """Return the frames where they lie ready."""
        return self._source.kept(size)

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield the frames at ``indices``, whatever is wrong with some of them.

        Raises:
            ClipError: the clip as a whole cannot be used.
        """
        width, height = size or self.size
        picture = np.zeros((height, width, 3), np.uint8)
        rest = list(indices)
        while rest:
            try:
                for picture in self._source.read(rest.copy(), size):
                    rest.pop(0)
                    yield picture
            except ClipError:
                raise
            except DataError as error:
                self.broken[rest.pop(0)] = str(error)
                yield picture
