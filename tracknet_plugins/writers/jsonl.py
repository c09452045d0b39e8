"""A line of JSON for each frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tracknet_core.contracts import TrackedFrame, TrackPoint
from tracknet_core.registry import writers
from tracknet_core.row_file import PLACE_DECIMALS, SCORE_DECIMALS, RowWriter


@writers.register("jsonl")
class JSONLines(RowWriter):
    """One line per frame: ``{"frame": 3, "time": 0.1, "balls": [{"x": …, "y": …, "confidence": …, …}]}``.

    A streak has also ``"points": [[x, y], [x, y]]``, its ends; x and y are the middle.
    """

    suffix = ".jsonl"

    def encode(self, frame: TrackedFrame) -> str:
        """Return one line."""
        balls = [_as_dict(ball) for ball in frame.balls]
        return json.dumps({"frame": frame.number, "time": round(frame.time, 6), "balls": balls}) + "\n"

    def number(self, line: str) -> int:
        """Return the value of ``frame``."""
        return int(json.loads(line)["frame"])

    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines in order."""
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            yield TrackedFrame(row["frame"], row["time"], tuple(map(_as_ball, row["balls"])))


def _as_dict(ball: TrackPoint) -> dict[str, Any]:
    points = tuple((round(float(x), PLACE_DECIMALS), round(float(y), PLACE_DECIMALS)) for x, y in ball.points)
    x, y = replace(ball, points=points).xy  # of the points as they are read again
    return {
        "x": round(x, PLACE_DECIMALS),
        "y": round(y, PLACE_DECIMALS),
        "confidence": round(float(ball.score), SCORE_DECIMALS),
        "origin": ball.origin,
        "track": ball.track,
    } | ({"points": points} if len(points) > 1 else {})


def _as_ball(row: dict[str, Any]) -> TrackPoint:
    points = tuple((x, y) for x, y in row.get("points", [(row["x"], row["y"])]))
    return TrackPoint(points, row["confidence"], row["origin"], row["track"])
