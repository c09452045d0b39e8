"""What a network says of a clip forwards in time and backwards, and where both agree.

Letters: N frames of the clip, Q points of a ball.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracknet_core.contracts import ArrayLabels, Candidates, FrameSource, Labels, TrackedFrame, TrackPoint, Visibility
from tracknet_core.schema import Node
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip import detect_clip
from tracknet_core.tracking.trackers import build_tracker

NEAR = 0.01
"""Distance of two places that are the same, in image heights: 7 pixels of 720."""


@dataclass(frozen=True)
class BothWays:
    """The ball in each frame of a clip, forwards and backwards.

    Attributes:
        forwards: detections on the trajectory, by the number of the frame; places that a tracker made up are none.
        backwards: those of the trajectory that begins at the end.
        surest: by the number of the frame, what the network would answer without a trajectory; only where it has one.
        frames: N.
        height: of the video, in pixels.
    """

    forwards: dict[int, TrackPoint]
    backwards: dict[int, TrackPoint]
    surest: dict[int, TrackPoint]
    frames: int
    height: int

    @property
    def agreed(self) -> dict[int, TrackPoint]:
        """The balls that both trajectories have in the same place, by the number of the frame."""
        return self._confirmed(self.forwards, self.backwards)

    @property
    def singled_out(self) -> dict[int, TrackPoint]:
        """Those of them that are the surest candidate of their frame, too, by its number."""
        return self._confirmed(self.agreed, self.surest)

    def _confirmed(self, balls: dict[int, TrackPoint], others: dict[int, TrackPoint]) -> dict[int, TrackPoint]:
        """Return the balls that others are near to in the same frame."""
        return {
            number: ball
            for number, ball in balls.items()
            if number in others and np.hypot(*np.subtract(ball.xy, others[number].xy)) <= NEAR * self.height
        }

    def labels(self) -> ArrayLabels:
        """Return (N,) labels: the balls that both agree about; nobody says anything of the other frames."""
        balls = self.agreed
        most = max((len(ball.points) for ball in balls.values()), default=1)
        points = np.full((self.frames, most, 2), np.nan, np.float32)
        visibility = np.full(self.frames, int(Visibility.UNLABELLED))
        for number, ball in balls.items():
            points[number], visibility[number] = ball.points, Visibility.EASY
        return Labels(points, visibility, np.zeros(self.frames, np.float32))


def look_both_ways(detector: Detector, frames: FrameSource, tracker: Node) -> BothWays:
    """Return what a network and a tracker say of a clip in both directions of time.

    Args:
        detector: the network.
        frames: the clip.
        tracker: validated node.

    Raises:
        DataError: the clip cannot be read.
    """
    follow = build_tracker(tracker, fps=frames.fps, size=frames.size)
    candidates = list(detect_clip(detector.adjusted(follow.wanted), frames))
    turned = _turned(candidates)
    return BothWays(
        _found(follow(candidates), candidates),
        _found(follow(turned), candidates[::-1]),
        {frame.number: frame.ball(0) for frame in candidates if len(frame.score)},
        len(frames),
        frames.size[1],
    )


def agreement(clips: Iterable[BothWays]) -> float:
    """Return how much a network agrees with itself, 0 to 1.

    It is the share of the frames with a ball on any of the two trajectories in which both have it in the same place,
    and the network would have said so without them. Two trajectories agree nearly always; a network that knows the
    hall is also surer of the ball than of anything else.
    """
    seen = list(clips)
    singled_out = sum(len(one.singled_out) for one in seen)
    return singled_out / max(1, sum(len(one.forwards.keys() | one.backwards.keys()) for one in seen))


def _turned(candidates: Sequence[Candidates]) -> list[Candidates]:
    """Return a clip backwards: its frames are numbered from its end, where its time begins."""
    if not candidates:
        return []
    last = candidates[-1]
    return [
        replace(frame, number=last.number - frame.number, time=last.time - frame.time) for frame in candidates[::-1]
    ]


def _found(tracked: Iterable[TrackedFrame], candidates: Sequence[Candidates]) -> dict[int, TrackPoint]:
    """Return the detected balls by the numbers that their frames have forwards."""
    return {
        frame.number: ball
        for frame, one in zip(candidates, tracked, strict=True)
        for ball in one.balls[:1]
        if ball.origin == "detected"
    }
