"""Several balls at once, each with a number that stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from tracknet_core.contracts import Candidates, FloatArray, Size, TrackedFrame, Tracker, TrackPoint, Wanted
from tracknet_core.registry import trackers
from tracknet_plugins.trackers.distinct import check_separation, distinct
from tracknet_plugins.trackers.following import Rules, Track, check_decay
from tracknet_plugins.trackers.motion import Motion


@dataclass(frozen=True)
class _Ball:
    """A track, and its number once it is given out."""

    track: Track
    number: int | None = None


@trackers.register("multi")
class Multi(Tracker):
    """Several balls, each by a Kalman filter as in the tracker ``kalman``; frame by frame.

    Detections closer than ``separation`` to a better one of their frame are the same ball. The others are given to
    tracks greedily, the likeliest pair first, tracks that are given out before those that are not yet; a pair is
    possible within ``gate``. A detection that no track takes begins one. A track is given out from its ``confirm``-th
    detection in a row on, and gets the next number then; ``TrackPoint.track`` holds it. Without a detection it gives
    its predicted place, as ``kalman`` does, and ends after more than ``max_gap`` such frames. Numbers are not used
    again.

    It asks the codec for ``candidates``, by which it finds several balls whatever the network was trained to give.

    Args:
        size: (W, H) pixels of the video.
        noise: standard deviation of a detection along an axis, in image heights: 0.003 is 2 pixels of 720.
        speed: standard deviation of a new ball's velocity along an axis, in image heights per second.
        agility: standard deviation of the change of velocity along an axis after one second, by hits, drag and the
            camera, in image heights per second; after t seconds it is ``agility * sqrt(t)``.
        gravity: in image heights per second^2, downwards: 9.81 divided by the metres that the image is high where the
            ball flies. 0 if unknown.
        gate: in standard deviations.
        max_gap: frames without a detection that are bridged.
        confirm: detections in a row before a ball is given out; 1 gives every detection out.
        decay: factor of the score per predicted frame, in 0..1.
        separation: in image heights; 0 takes every candidate for a ball of its own.
        candidates: that the codec gives per frame, at least.

    Raises:
        ValueError: a parameter is out of its range.
    """

    def __init__(
        self,
        *,
        size: Size,
        noise: float = 0.003,
        speed: float = 1.0,
        agility: float = 4.0,
        gravity: float = 0.0,
        gate: float = 4.0,
        max_gap: int = 3,
        confirm: int = 3,
        decay: float = 0.7,
        separation: float = 0.02,
        candidates: int = 8,
    ) -> None:
        self._motion = Motion.scaled(size, noise=noise, speed=speed, agility=agility, gravity=gravity)
        self._rules = Rules(gate=gate, max_gap=max_gap, confirm=confirm)
        check_decay(decay)
        check_separation(separation)
        self._size = size
        self._decay = decay
        self._separation = separation * size[1]
        self.wanted = Wanted(candidates=candidates)

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the balls of each frame, in order, by number; memory grows with the balls in view alone."""
        balls: list[_Ball] = []
        numbers = count()
        before = 0.0
        for frame in frames:
            seconds, before = frame.time - before, frame.time
            balls = self._advanced(balls, frame, seconds)
            for place, ball in enumerate(balls):
                if ball.number is None and ball.track.detections >= self._rules.confirm:
                    balls[place] = replace(ball, number=next(numbers))
            points = (self._point(ball) for ball in balls)
            given = sorted((point for point in points if point is not None), key=lambda point: point.track)
            yield TrackedFrame(frame.number, frame.time, tuple(given))

    def _point(self, ball: _Ball) -> TrackPoint | None:
        return None if ball.number is None else ball.track.point(self._size, self._decay, ball.number)

    def _advanced(self, balls: list[_Ball], frame: Candidates, seconds: float) -> list[_Ball]:
        """Return the balls of the next frame: those that go on, and those that begin."""
        candidates = distinct(frame, self._separation)
        xy = frame.xy[candidates]
        balls = [
            replace(ball, track=replace(ball.track, belief=self._motion.predict(ball.track.belief, seconds)))
            for ball in balls
        ]
        taken = self._assigned(balls, xy)
        advanced = []
        for place, ball in enumerate(balls):
            if place in taken:
                found = taken[place]
                belief = self._motion.update(ball.track.belief, xy[found])
                advanced.append(replace(ball, track=ball.track.seen(belief, frame.ball(candidates[found]))))
            elif not self._rules.is_over(track := ball.track.unseen()):
                advanced.append(replace(ball, track=track))
        free = sorted({*range(len(xy))} - {*taken.values()})
        return advanced + [_Ball(Track(self._motion.begin(xy[found]), frame.ball(candidates[found]))) for found in free]

    def _assigned(self, balls: list[_Ball], xy: FloatArray) -> dict[int, int]:
        """Return the detection (one of D) of each ball that has one; no detection is given to two."""
        pairs = []
        for place, ball in enumerate(balls):
            distance, surprise = self._motion.misfit(ball.track.belief, xy)
            for found in np.flatnonzero(distance <= self._rules.gate).tolist():
                pairs.append((ball.number is None, float(surprise[found]), place, found))
        taken: dict[int, int] = {}
        given = set()
        for _, _, place, found in sorted(pairs):
            if place not in taken and found not in given:
                taken[place] = found
                given.add(found)
        return taken
