"""From detections to points of a trajectory."""

from __future__ import annotations

from tracknet_core.contracts import Candidates, TrackPoint


def detected(frame: Candidates, index: int) -> TrackPoint:
    """Return detection ``index`` of a frame as it was found."""
    x, y = frame.xy[index].tolist()
    return TrackPoint((x, y), float(frame.score[index]))
