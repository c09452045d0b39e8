"""What went wrong in single frames: the frames to look at, and their pictures."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from PIL import Image

from tracknet_core.contracts import FloatArray, UInt8Array, Visibility, rescale
from tracknet_core.drawing import cross, ring
from tracknet_core.errors import DataError
from tracknet_core.evaluation.results import BoolArray, ClipResult
from tracknet_core.evaluation.trajectory import visible

Kind = Literal["far", "missed", "false"]

KINDS: tuple[Kind, ...] = get_args(Kind)

EACH = 4
"""Moments of each kind."""

_VIEW = (160, 120)  # pixels of the original video that a picture shows at least
_WIDTH = 480  # of a picture, in its own pixels
_MARGIN = 1.4  # of the way between truth and prediction, so that the marks fit in


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


def picture_of(moment: Moment) -> str | None:
    """Return the frame around truth (a ring) and prediction (a cross) as a data URI; None if it cannot be read."""
    clip, frame = moment.clip, moment.frame
    try:
        [picture] = clip.frames.read([frame])
    except DataError:
        return None
    truth = clip.xy[frame] if clip.visibility[frame] > 0 else None
    prediction = clip.prediction.xy[frame] if clip.prediction.present[frame] else None
    marked = closeup(picture, truth, prediction)
    file = io.BytesIO()
    Image.fromarray(marked).save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def closeup(frame: UInt8Array, truth: FloatArray | None, prediction: FloatArray | None) -> UInt8Array:
    """Return the part of a frame that holds both places, enlarged, with a ring and a cross.

    Args:
        frame: (H, W, 3).
        truth: (2,) in pixels of ``frame``; NaN counts as None.
        prediction: (2,) in pixels of ``frame``.

    Returns:
        (h, 480, 3), h in proportion to the part.
    """
    places = np.array([place for place in (truth, prediction) if place is not None and np.isfinite(place).all()])
    height, width = frame.shape[:2]
    low, high = (places.min(axis=0), places.max(axis=0)) if len(places) else (np.zeros(2), np.array([width, height]))
    growth = max(1.0, *(_MARGIN * (high - low) / _VIEW))
    view = np.minimum(np.ceil(np.array(_VIEW) * growth), (width, height)).astype(int)
    left, top = np.clip(np.round((low + high - view) / 2), 0, np.array([width, height]) - view).astype(int)
    scale = _WIDTH / view[0]
    part = Image.fromarray(np.ascontiguousarray(frame[top : top + view[1], left : left + view[0]]))
    picture: UInt8Array = np.array(part.resize((_WIDTH, max(1, round(view[1] * scale))), Image.Resampling.BICUBIC))
    for place, mark in ((truth, ring), (prediction, cross)):
        if place is not None and np.isfinite(place).all():
            x, y = rescale(place - (left, top), scale).tolist()
            picture = mark(picture, (x, y))
    return picture


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
