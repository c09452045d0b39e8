"""Videos in stretches: those that are learned from, and those that are held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import DataError

LENGTH = 150
"""Frames of a stretch: long enough for a rally, and short enough that a video of seconds has several."""

HELD_OUT = 5
"""One of so many stretches is held out."""


class Stretch(FrameSource):
    """A run of frames of another source.

    Args:
        source: the frames.
        first: number of its first one.
        count: how many there are.
    """

    def __init__(self, source: FrameSource, first: int, count: int) -> None:
        self._source, self._first, self._count = source, first, count

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._count

    @property
    def size(self) -> Size:
        """Width and height of the original frames, in pixels."""
        return self._source.size

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._source.fps

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame, in seconds from the first of the stretch."""
        times = self._source.times[self._first : self._first + self._count]
        return [time - times[0] for time in times]

    def fingerprint(self) -> str | None:
        """Return that of the source, and which stretch it is."""
        whole = self._source.fingerprint()
        return None if whole is None else f"{whole} {self._first} {self._count}"

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield frames of the stretch."""
        return self._source.read([self._first + number for number in indices], size)


class Stretches(NamedTuple):
    """What is learned from, and what is held out."""

    learned: list[Stretch]
    held_out: list[Stretch]


def cut_stretches(sources: Sequence[FrameSource], *, most: int, least: int) -> Stretches:
    """Cut videos into stretches, evenly spread over all of them.

    Args:
        sources: the videos.
        most: frames that are looked at.
        least: frames of a stretch; a shorter rest of a video is left out.

    Raises:
        DataError: there is too little video.
    """
    found = [
        Stretch(source, first, min(LENGTH, len(source) - first))
        for source in sources
        for first in range(0, len(source), LENGTH)
        if len(source) - first >= least
    ]
    wanted = max(HELD_OUT, most // LENGTH)
    chosen = found if len(found) <= wanted else [found[i * len(found) // wanted] for i in range(wanted)]
    held_out = chosen[HELD_OUT // 2 :: HELD_OUT]
    learned = [stretch for i, stretch in enumerate(chosen) if i % HELD_OUT != HELD_OUT // 2]
    if not held_out or not learned:
        frames = sum(map(len, sources))
        raise DataError(
            f"VIDEO: {frames} frames are too few to learn from some and to watch over it by others. Give minutes, "
            f"and at least {(HELD_OUT // 2 + 1) * LENGTH} frames."
        )
    return Stretches(learned, held_out)
