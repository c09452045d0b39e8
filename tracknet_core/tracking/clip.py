"""What a checkpoint finds in clips: the same places as in the CSV that ``tracknet predict`` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tracknet_core.assembly import build
from tracknet_core.contracts import Candidates, Clip, Tracker, TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.evaluation.results import Prediction
from tracknet_core.schema import Node

PLACE_DECIMALS = 3  # of X and Y in a CSV, in pixels
SCORE_DECIMALS = 6


def predict_clip(clip: Clip, candidates: Iterable[Candidates], tracker: Node | None) -> tuple[Prediction, list[str]]:
    """Return the ball in each frame of a clip, and what a reader has to know; of several balls, the surest.

    Places and scores are rounded as in a CSV, so that scoring the CSV gives the same figures to the last digit. A frame
    that cannot be read has no ball, as one without a row in the CSV.

    Args:
        clip: the clip.
        candidates: what the network found in each of its frames that can be read, in order.
        tracker: validated node of what makes a trajectory of them; None takes the best candidate of each frame.

    Raises:
        DataError: no frame can be read.
    """
    xy = np.full((len(clip), 2), np.nan, np.float32)
    score = np.full(len(clip), np.nan, np.float32)
    numbers: list[int] = []

    def numbered() -> Iterator[Candidates]:
        for frame in candidates:
            numbers.append(frame.number)
            yield frame

    for place, points in enumerate(_followed(clip, numbered(), tracker)):
        if points:
            best = max(points, key=_score)
            xy[numbers[place]] = [round(float(side), PLACE_DECIMALS) for side in best.xy]
            score[numbers[place]] = _score(best)
    if not numbers:
        raise DataError(f"{clip.name}: no frame can be decoded. Mend the clip, or leave it out of data.split.")
    missing = len(clip) - len(numbers)
    notes = [f"{clip.name}: {missing} of {len(clip)} frames cannot be decoded, and count as without a ball."]
    return Prediction(xy, score), notes if missing else []


def _followed(clip: Clip, candidates: Iterable[Candidates], tracker: Node | None) -> Iterator[tuple[TrackPoint, ...]]:
    if tracker is not None:
        follow: Tracker = build("trackers", tracker, "--tracker", fps=clip.frames.fps, size=clip.frames.size)
        yield from follow(candidates)
        return
    for frame in candidates:
        best = zip(frame.xy[:1].tolist(), frame.score[:1].tolist(), strict=True)
        yield tuple(TrackPoint((x, y), score) for (x, y), score in best)


def _score(point: TrackPoint) -> float:
    return round(float(point.score), SCORE_DECIMALS)
