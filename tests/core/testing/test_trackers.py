"""The kit accepts trackers that keep the contract and tells what breaks it."""

import math
from dataclasses import replace
from typing import Any

import pytest

from tracknet_core.contracts import Candidates, TrackedFrame, Tracker, TrackPoint
from tracknet_core.testing import check_tracker


class BestOfEach(Tracker):
    """The best candidate of every frame."""

    def point(self, frame: Candidates) -> TrackPoint:
        return frame.ball(0)

    def balls(self, frame: Candidates) -> Any:
        return (self.point(frame),) if len(frame.score) else ()

    def __call__(self, frames: Any) -> Any:
        for frame in frames:
            yield self.frame(frame)

    def frame(self, frame: Candidates) -> Any:
        return TrackedFrame(frame.number, frame.time, self.balls(frame))


class Offline(BestOfEach):
    delay = math.inf

    def __call__(self, frames: Any) -> Any:
        yield from [self.frame(frame) for frame in frames]


class LookingAhead(Offline):
    delay = 3


class LosingOne(BestOfEach):
    def __call__(self, frames: Any) -> Any:
        yield from [self.frame(frame) for frame in frames][:-1]

    delay = math.inf


class Inventing(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return (TrackPoint.at((1.0, 1.0), 1.0),)


class Blind(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return ()


class Twins(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return super().balls(frame) * 2


class Listing(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return list(super().balls(frame))


class Arrays(BestOfEach):
    def point(self, frame: Any) -> Any:
        return TrackPoint.at(tuple(frame.xy[0]), float(frame.score[0]))


class OldPoints(BestOfEach):
    """Gives x and y where points are due, as trackers once did."""

    def point(self, frame: Any) -> Any:
        return TrackPoint(tuple(frame.xy[0].tolist()), float(frame.score[0]))


class MiddleOnly(BestOfEach):
    """Knows nothing of streaks."""

    def point(self, frame: Any) -> Any:
        return TrackPoint.at(tuple(frame.xy[0].tolist()), float(frame.score[0]))


class Prophet(BestOfEach):
    def point(self, frame: Any) -> Any:
        return replace(super().point(frame), origin="filled")


class Guessing(BestOfEach):
    def point(self, frame: Any) -> Any:
        return replace(super().point(frame), origin="guessed")


class Moving(BestOfEach):
    def point(self, frame: Any) -> Any:
        point = super().point(frame)
        frame.xy[0] += 1
        return point


class Remembering(BestOfEach):
    """Gives the ball of the frame before where there is none, and keeps it in itself."""

    last: Any = None

    def balls(self, frame: Any) -> Any:
        self.last = super().balls(frame) or (() if self.last is None or frame.number < 5 else self.last)
        return self.last


class Counting(BestOfEach):
    """Numbers all balls of a clip, and says that it remembers but a second."""

    memory = 1.0

    def __call__(self, frames: Any) -> Any:
        number = 0
        for frame in frames:
            balls = self.balls(frame)
            number += len(balls)
            yield TrackedFrame(frame.number, frame.time, tuple(replace(ball, track=number) for ball in balls))


class OldForm(BestOfEach):
    """Gives the balls alone, as trackers once did."""

    def frame(self, frame: Any) -> Any:
        return self.balls(frame)


class CountingFromZero(BestOfEach):
    def __call__(self, frames: Any) -> Any:
        for number, frame in enumerate(frames):
            yield replace(self.frame(frame), number=number)


class Short(BestOfEach):
    memory = 0.0


@pytest.mark.parametrize("tracker", [BestOfEach(), Offline(), Short()])
def test_a_tracker_passes(tracker):
    check_tracker(tracker)
    check_tracker(tracker, size=(640, 360), fps=120.0)


@pytest.mark.parametrize(
    ("tracker", "words"),
    [
        (LookingAhead(), "after at most 3 later ones, its delay: frame 0 came after 5 frames were asked for"),
        (LosingOne(), "5 frames give as many, got 4"),
        (Inventing(), "where there never was a candidate"),
        (Blind(), "is not followed"),
        (Twins(), r"frame 0: two balls have the same track: \[0, 0\]"),
        (Listing(), "a tuple of TrackPoint is due, got \\[\\]"),
        (Arrays(), "place and score are finite floats"),
        (OldPoints(), r"points are a tuple of \(x, y\), as in TrackPoint.at"),
        (MiddleOnly(), "keep their offsets from its place"),
        (Prophet(), "a tracker without a delay knows no later frames"),
        (Guessing(), "unknown origin 'guessed'"),
        (Moving(), "changed the candidates"),
        (Remembering(), "two calls at the same time disturb each other"),
        (
            OldForm(),
            r"yields frames, such as TrackedFrame\(frame.number, frame.time, balls\), not the balls alone: got \(\)",
        ),
        (CountingFromZero(), "frame 0: number 3 and time .* stay those of the candidates, got 0 and"),
        (Counting(), "a clip that begins 1 s earlier, its memory, has other balls"),
    ],
)
def test_broken_trackers_are_refused(refused, tracker, words):
    with refused(words):
        check_tracker(tracker)
