"""What went wrong in single frames, and which of them are worth a look."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from tracknet_core.contracts import FloatArray, Visibility
from tracknet_core.evaluation.continuity import visible
from tracknet_core.evaluation.results import BoolArray, ClipResult

Kind = Literal["far", "missed", "false"]

KINDS: tuple[Kind, ...] = get_args(Kind)

EACH = 4
"""Moments of each kind."""


@dataclass(frozen=True)
class Verdicts:
    """How each frame of a clip went, without any protocol's rule.

    Attributes:
        distance: (N,) from the visible ball to the prediction, in pixels of the original video; NaN where one lacks.
        missed: (N,) a visible ball (1 or 2), and no prediction.
        false: (N,) no ball (0), and a prediction.
    """

    distance: FloatArray
    missed: BoolArray
    false: BoolArray


@dataclass(frozen=True)
class Moment:
    """A frame worth looking at.

    Attributes:
        clip: its clip.
        frame: its number, 0-based.
        kind: ``far``: a prediction far from the ball; ``missed``: none; ``false``: one where there is no ball.
        weight: how bad: the distance in pixels, the length of the gap in frames, or the score.
    """

    clip: ClipResult
    frame: int
    kind: Kind
    weight: float


def verdicts(clip: ClipResult) -> Verdicts:
    """Return how each frame of a clip went."""
    present, ball = clip.prediction.present, visible(clip.visibility)
    apart = np.linalg.norm(clip.prediction.xy - clip.xy, axis=1)
    return Verdicts(
        distance=np.where(ball, apart, np.float32(np.nan)),
        missed=ball & ~present,
        false=(clip.visibility == Visibility.ABSENT) & present,
    )


def worst_moments(clips: Sequence[ClipResult], each: int = EACH) -> list[Moment]:
    """Return the largest errors, the misses in the longest gaps and the surest false predictions, by turns.

    There is one at most in a second of a clip: neighbouring frames show the same.

    Args:
        clips: where to look.
        each: how many of each kind at most.
    """
    found = [moment for clip in clips for moment in _moments(clip)]
    waiting = {
        kind: iter(sorted((one for one in found if one.kind == kind), key=lambda one: -one.weight)) for kind in KINDS
    }
    chosen: list[Moment] = []
    for _ in range(each):  # by turns, since a moment of one kind may take the second of another's
        for moments in waiting.values():
            free = (one for one in moments if not any(_is_near(one, other) for other in chosen))
            chosen.extend(itertools.islice(free, 1))
    return chosen


def _moments(clip: ClipResult) -> Iterator[Moment]:
    verdict = verdicts(clip)
    for frame in np.flatnonzero(np.isfinite(verdict.distance)).tolist():
        yield Moment(clip, frame, "far", float(verdict.distance[frame]))
    for missed, run in itertools.groupby(range(len(clip)), key=lambda frame: bool(verdict.missed[frame])):
        gap = list(run)
        if missed:
            yield from (Moment(clip, frame, "missed", len(gap)) for frame in gap)
    for frame in np.flatnonzero(verdict.false).tolist():
        yield Moment(clip, frame, "false", float(np.nan_to_num(clip.prediction.score[frame])))


def _is_near(one: Moment, other: Moment) -> bool:
    return one.clip is other.clip and abs(one.frame - other.frame) < one.clip.fps
