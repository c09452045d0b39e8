"""The online tracker of WASB: not far from where the ball was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tracknet_core.contracts import Candidates, TrackedFrame, Tracker, TrackPoint
from tracknet_core.registry import trackers


@trackers.register("wasb")
class WASB(Tracker):
    """The tracker of WASB (Tarashima et al., BMVC 2023), as its code does it.

    If the frame before had a ball, detections at ``max_distance`` or farther from it are dropped. Of the rest, the one
    with the highest score is the ball. A frame without a ball removes the gate. (The paper also predicts the place
    by constant acceleration; its code computes that, and does not use it.)

    Args:
        max_distance: pixels of the original video; whoever has video other than of 1280 x 720 at 30 frames per
            second scales it.

    Raises:
        ValueError: the distance is not positive.
    """

    memory = 10.0  # the last frame without a ball, which removes the gate, is seldom longer ago

    def __init__(self, *, max_distance: float = 300.0) -> None:
        if not max_distance > 0:
            raise ValueError(
                f"max_distance: {max_distance} is no distance. Give a positive number of pixels of the original video, "
                "such as 300."
            )
        self.max_distance = max_distance

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the ball of each frame, in order; memory does not grow."""
        last: TrackPoint | None = None
        for frame in frames:
            near = np.arange(len(frame.score))
            if last is not None:
                near = near[np.linalg.norm(frame.xy - np.array(last.xy), axis=1) < self.max_distance]
            last = frame.ball(int(near[np.argmax(frame.score[near])])) if len(near) else None
            yield TrackedFrame(frame.number, frame.time, () if last is None else (last,))
