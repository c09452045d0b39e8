"""Clips of which some frames cannot be read, for a training that goes on without these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import ClipError, DataError


class ReadableFrames(FrameSource):
    """The frames of a clip; in the place of one that cannot be read, the one before it, or a black one.

    Args:
        source: the frames.

    Attributes:
        broken: what is wrong with those that could not be read, by number.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.broken: dict[int, str] = {}

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
