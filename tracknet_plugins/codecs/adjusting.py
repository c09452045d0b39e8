"""Codecs that a tracker asks for more: copies of what an experiment names, which read the same answers."""

from __future__ import annotations

from copy import copy
from typing import Protocol, TypeVar

from tracknet_core.contracts import Size


class _Ranked(Protocol):
    size: Size
    candidates: int


class _Thresholded(Protocol):
    threshold: float


R = TypeVar("R", bound=_Ranked)
T = TypeVar("T", bound=_Thresholded)


def with_candidates(codec: R, candidates: int) -> R:
    """Return a codec that gives at least so many candidates per frame, as far as a map has cells."""
    other = copy(codec)
    other.candidates = max(codec.candidates, min(candidates, codec.size[0] * codec.size[1]))
    return other


def from_score(codec: T, score: float) -> T:
    """Return a codec whose candidates begin at this score or lower: for those whose threshold is one of scores.

    Where it says which cells hang together, a lower one makes other balls, at other places.
    """
    other = copy(codec)
    other.threshold = min(codec.threshold, max(score, 0.0))
    return other
