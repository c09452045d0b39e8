"""The best detection of each frame, whatever its neighbours say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracknet_core.contracts import Candidates, TrackedFrame, Tracker
from tracknet_core.registry import trackers


@trackers.register("none")
class NoTracker(Tracker):
    """The best detection of each frame; no ball where the network found none."""

    memory = 0.0

    # A Protocol's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        pass

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the best detection of each frame, in order."""
        for frame in frames:
            yield TrackedFrame(frame.number, frame.time, (frame.ball(0),) if len(frame.score) else ())
