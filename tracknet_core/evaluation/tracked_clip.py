"""What a checkpoint finds in a clip, as evaluation scores it: the same places as in the CSV of ``tracknet predict``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tracknet_core.contracts import Candidates, Clip, Point, Tracker, TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.evaluation.results import Prediction
from tracknet_core.row_file import PLACE_DECIMALS, SCORE_DECIMALS, ends_of_streak, length_and_angle


def predict_clip(clip: Clip, candidates: Iterable[Candidates], tracker: Tracker) -> tuple[Prediction, list[str]]:
    """Return the ball in each frame of a clip, and what a reader has to know; of several balls, the surest.

    What the network found is noted on its way to the tracker, so that both are known after one pass.

    Places and scores are rounded as in a CSV, so that scoring the CSV gives the same figures to the last digit. A frame
    that cannot be read has no ball, as one without a row in the CSV.

    Args:
        clip: the clip.
        candidates: what the network found in each of its frames that can be read, in order.
        tracker: makes a trajectory of them.

    Raises:
        DataError: no frame can be read.
    """
    points: dict[int, Sequence[Point]] = {}
    score = np.full(len(clip), np.nan, np.float32)
    made = np.zeros(len(clip), bool)
    found = [np.empty((0, 2), np.float32)] * len(clip)

    def noted() -> Iterator[Candidates]:
        for frame in candidates:
            found[frame.number] = frame.xy.round(PLACE_DECIMALS)
            yield frame

    missing = len(clip)
    for frame in tracker(noted()):
        missing -= 1
        if frame.balls:
            best = max(frame.balls, key=_score)
            x, y = (round(float(side), PLACE_DECIMALS) for side in best.xy)
            is_streak = len(best.points) > 1
            points[frame.number] = ends_of_streak((x, y), *length_and_angle(best.points)) if is_streak else ((x, y),)
            score[frame.number] = _score(best)
            made[frame.number] = best.origin != "detected"
    if missing == len(clip):
        raise DataError(f"{clip.name}: no frame can be decoded. Mend the clip, or leave it out of data.split.")
    notes = [f"{clip.name}: {missing} of {len(clip)} frames cannot be decoded, and count as without a ball."]
    return Prediction.of(points, score, made, found), notes if missing else []


def _score(point: TrackPoint) -> float:
    return round(float(point.score), SCORE_DECIMALS)
