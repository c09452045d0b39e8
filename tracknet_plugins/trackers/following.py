"""One ball through a clip: which detection is it, when is it lost, when does another track begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tracknet_core.contracts import Candidates, Size, TrackPoint
from tracknet_plugins.trackers.motion import Belief, Motion


@dataclass(frozen=True)
class Rules:
    """When a detection belongs to a track, and how long a track lives.

    Attributes:
        gate: Mahalanobis distance up to which a detection can be the ball.
        max_gap: frames without a detection that a track outlives.
        confirm: detections that a track needs to outlive any; a younger one is dropped at the first miss.

    Raises:
        ValueError: a value is out of its range.
    """

    gate: float
    max_gap: int
    confirm: int

    def __post_init__(self) -> None:
        if not self.gate > 0:
            raise ValueError(f"gate: {self.gate} is no distance. Give a positive number of standard deviations.")
        if self.max_gap < 0:
            raise ValueError(f"max_gap: {self.max_gap} is no number of frames. Give 0 to bridge no gaps, or more.")
        if self.confirm < 1:
            raise ValueError(f"confirm: {self.confirm} is no number of detections. Give at least 1.")

    def is_over(self, track: Track) -> bool:
        """Whether a track has been without a detection for too long."""
        return track.missed > (self.max_gap if track.detections >= self.confirm else 0)


@dataclass(frozen=True)
class Track:
    """A ball that is followed.

    Attributes:
        belief: place and velocity in the present frame.
        ball: the last detection.
        detections: how many there were.
        missed: frames since the last one.
    """

    belief: Belief
    ball: TrackPoint
    detections: int = 1
    missed: int = 0

    def seen(self, belief: Belief, ball: TrackPoint) -> Track:
        """Return the track with one more detection."""
        return Track(belief, ball, self.detections + 1)

    def unseen(self) -> Track:
        """Return the track with one more frame without a detection."""
        return replace(self, missed=self.missed + 1)

    def point(self, size: Size, decay: float, number: int = 0) -> TrackPoint | None:
        """Return what is given out for the present frame; None if the ball is predicted outside of the image.

        A place is what is believed; the points keep the offsets from it that they had in the last detection.

        Args:
            size: (W, H) pixels of the video.
            decay: factor of the score per frame without a detection.
            number: of the track.
        """
        ball = replace(self.ball.moved_to(self.belief.xy), track=number)
        if self.missed == 0:
            return ball
        if not self.belief.is_inside(size):
            return None
        return replace(ball, score=ball.score * decay**self.missed, origin="predicted")


def check_decay(decay: float) -> None:
    """Refuse a factor of the score per frame without a detection.

    Raises:
        ValueError: not in 0..1.
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"decay: {decay} is no factor. Give a number from 0 to 1; 1 keeps the score.")


class Step(NamedTuple):
    """What one frame brought.

    Attributes:
        seconds: since the frame before.
        frame: the candidates.
        track: the ball; None if none is followed.
        chosen: number of the candidate that was taken; None if none was.
        begins: whether the track is a new one.
    """

    seconds: float
    frame: Candidates
    track: Track | None
    chosen: int | None
    begins: bool


def follow(frames: Iterable[Candidates], motion: Motion, rules: Rules) -> Iterator[Step]:
    """Follow one ball, a step for each frame; memory does not grow.

    Where no track is, one begins at the best candidate.
    """
    track: Track | None = None
    before = 0.0
    for frame in frames:
        seconds, before = frame.time - before, frame.time
        chosen: int | None = None
        if track is not None:
            belief = motion.predict(track.belief, seconds)
            chosen = choose(frame, belief, motion, rules.gate)
            if chosen is None:
                track = replace(track, belief=belief).unseen()
                track = None if rules.is_over(track) else track
            else:
                track = track.seen(motion.update(belief, frame.xy[chosen]), frame.ball(chosen))
        begins = track is None and len(frame.score) > 0
        if begins:
            chosen = 0
            track = Track(motion.begin(frame.xy[0]), frame.ball(0))
        yield Step(seconds, frame, track, chosen, begins)


def choose(frame: Candidates, belief: Belief, motion: Motion, gate: float) -> int | None:
    """Return the candidate with the largest score times density; None if none is inside of the gate.

    Args:
        frame: the candidates.
        belief: of the ball in this frame, without these.
        motion: how exact candidates are.
        gate: Mahalanobis distance up to which a candidate can be the ball.
    """
    distance, surprise = motion.misfit(belief, frame.xy)
    inside = (distance <= gate) & (frame.score > 0)  # a score of 0 is no evidence at all
    if not inside.any():
        return None
    value = np.log(frame.score, where=inside, out=np.full(len(inside), -np.inf)) - surprise
    return int(np.argmax(value))
