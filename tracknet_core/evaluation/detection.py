"""What a checkpoint finds in clips: the same places as in the CSV that ``tracknet predict`` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tracknet_core.assembly import build
from tracknet_core.contracts import Candidates, Clip, Tracker, TrackPoint
from tracknet_core.evaluation.results import Prediction
from tracknet_core.schema import Node

PLACE_DECIMALS = 3  # of X and Y in a CSV, in pixels
SCORE_DECIMALS = 6


def predict_clip(clip: Clip, candidates: Iterable[Candidates], tracker: Node | None) -> Prediction:
    """Return the ball in each frame of a clip; where a tracker gives several, the surest.

    Places and scores are rounded as in a CSV, so that scoring the CSV gives the same figures to the last digit.

    Args:
        clip: the clip.
        candidates: what the network found in each of its frames, in order.
        tracker: validated node of what makes a trajectory of them; None takes the best candidate of each frame.
    """
    xy = np.full((len(clip), 2), np.nan, np.float32)
    score = np.full(len(clip), np.nan, np.float32)
    for frame, points in enumerate(_followed(clip, candidates, tracker)):
        if points:
            best = max(points, key=_score)
            xy[frame] = [round(float(side), PLACE_DECIMALS) for side in best.xy]
            score[frame] = _score(best)
    return Prediction(xy, score)


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
