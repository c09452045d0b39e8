"""Videos in stretches: those that are learned from, and those that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.frame_views import Excerpt

LENGTH = 150
"""Frames of a stretch: long enough for a rally, and short enough that a video of seconds has several."""

HELD_OUT = 5
"""One of so many stretches is held out."""


class Stretches(NamedTuple):
    """What is learned from, and what is held out."""

    learned: list[Excerpt]
    held_out: list[Excerpt]


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
        Excerpt(source, first, min(LENGTH, len(source) - first))
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
