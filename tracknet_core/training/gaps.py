"""How far off a tracker is inside gaps: places of true trajectories are hidden, and asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tracknet_core.contracts import Candidates, Clip, FloatArray, Size, Tracker

SHORTEST, LONGEST = 3, 15
"""Frames of a hidden gap."""

APART = (5, 12)
"""Frames with a place between two gaps, at least and at most."""

NOISE = 1.0
"""Standard deviation of what places are moved by along an axis, in pixels of the original video."""


class HiddenFrame(NamedTuple):
    """A frame whose ball was hidden.

    Attributes:
        gap: frames of the gap that it lies in.
        error: distance of what a tracker says from the true place, in pixels of the original video; NaN if it says
            nothing.
    """

    gap: int
    error: float


@dataclass(frozen=True)
class HiddenGaps:
    """A clip with gaps.

    Attributes:
        clip: the clip.
        candidates: one in each frame with a place, but for those of the gaps.
        gaps: length of the gap that each hidden frame lies in, by its number.
    """

    clip: Clip
    candidates: list[Candidates]
    gaps: dict[int, int]

    def errors(self, tracker: Tracker) -> Iterator[HiddenFrame]:
        """Yield what a tracker makes of each hidden frame; of several balls, the surest counts."""
        for frame in tracker(self.candidates):
            if frame.number in self.gaps:
                ball = max(frame.balls, key=lambda ball: ball.score, default=None)
                error = math.nan if ball is None else math.dist(ball.xy, self.clip.xy[frame.number].tolist())
                yield HiddenFrame(self.gaps[frame.number], error)


def hide(clip: Clip, seed: int = 0) -> HiddenGaps:
    """Return a clip with gaps of :data:`SHORTEST` to :data:`LONGEST` frames, wherever its true places are known.

    Args:
        clip: the clip; its pictures are not looked at.
        seed: of the draws.
    """
    rng = np.random.default_rng([seed, len(clip)])
    known = np.isfinite(clip.xy[:, 0])
    gaps: dict[int, int] = {}
    start = 0
    while True:
        before = int(rng.integers(APART[0], APART[1], endpoint=True))
        length = int(rng.integers(SHORTEST, LONGEST, endpoint=True))
        end = start + before + length + APART[0]
        if end > len(clip):
            break
        if not known[start:end].all():
            start += 1
            continue
        first = start + before
        gaps.update(dict.fromkeys(range(first, first + length), length))
        start = first + length
    moved = clip.xy + rng.normal(0, NOISE, clip.xy.shape).astype(np.float32)
    candidates = [
        Candidates.at(n, n / clip.frames.fps, *_found(moved[n], is_there=bool(known[n]) and n not in gaps))
        for n in range(len(clip))
    ]
    return HiddenGaps(clip, candidates, gaps)


def gap_errors(clips: Iterable[HiddenGaps], build: Callable[[float, Size], Tracker]) -> list[HiddenFrame]:
    """Return what a tracker makes of every hidden frame.

    Args:
        clips: with gaps.
        build: gives the tracker for a clip, from its frames per second and its size.
    """
    return [
        frame for hidden in clips for frame in hidden.errors(build(hidden.clip.frames.fps, hidden.clip.frames.size))
    ]


def _found(xy: FloatArray, *, is_there: bool) -> tuple[FloatArray, FloatArray]:
    """Return the places (D, 2) and the scores (D,) of one candidate or none."""
    count = int(is_there)
    return xy[None][:count], np.full(count, 0.9, np.float32)
