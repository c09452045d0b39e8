"""A line of JSON for each frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tracknet_core.contracts import TrackedFrame, TrackPoint
from tracknet_core.registry import writers
from tracknet_core.row_file import RowWriter


@writers.register("jsonl")
class JSONLines(RowWriter):
    """One line per frame: ``{"frame": 3, "time": 0.1, "balls": [{"x": …, "y": …, "confidence": …, …}]}``."""

    suffix = ".jsonl"

    def encode(self, frame: TrackedFrame) -> str:
        """Return one line."""
        balls = [
            {
                "x": round(float(ball.xy[0]), 3),
                "y": round(float(ball.xy[1]), 3),
                "confidence": round(float(ball.score), 6),
                "origin": ball.origin,
                "track": ball.track,
            }
            for ball in frame.balls
        ]
        return json.dumps({"frame": frame.number, "time": round(frame.time, 6), "balls": balls}) + "\n"

    def number(self, line: str) -> int:
        """Return the value of ``frame``."""
        return int(json.loads(line)["frame"])

    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines in order."""
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            balls = (
                TrackPoint((ball["x"], ball["y"]), ball["confidence"], ball["origin"], ball["track"])
                for ball in row["balls"]
            )
            yield TrackedFrame(row["frame"], row["time"], tuple(balls))
