"""The trajectory with the knowledge of the future: smoothed, cleaned, and filled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import Candidates, Size, TrackedFrame, Tracker, TrackPoint
from tracknet_core.registry import trackers
from tracknet_plugins.trackers.following import Rules, Step, check_decay, choose, follow
from tracknet_plugins.trackers.motion import Belief, Motion

Choices = npt.NDArray[np.int64]

MAX_PASSES = 5
"""Rounds of dropping and taking detections; each smooths the track again."""

MARGIN = 64
"""Frames to each side that a place is smoothed with at least; what lies farther away does not move it."""

NEAR = 2
"""Frames to each side that are the neighbours of an outlier."""

NONE = -1
"""Instead of a candidate's number: none."""


@trackers.register("smooth")
class Smooth(Tracker):
    """One ball in both directions of time: Kalman filter forwards, Rauch-Tung-Striebel smoother backwards.

    Tracks are those of the tracker ``kalman``. Within one, every place is what the detections before and after say
    together. A detection farther from what all others say than ``gate`` is dropped, and candidates within it are
    taken where the filter, which did not know the future, took none; then the track is smoothed again. Frames without
    a detection between two of a track are filled, with ``origin="filled"``, if there are at most ``max_gap`` in a row
    and the place is inside of the image; their score is the lower of both sides' times ``decay`` for each frame to the
    nearer side. A track of fewer than ``confirm`` detections is dropped as a whole: detections that stand alone are
    mostly false.

    It gives a track out at its end, and a long one in pieces, each smoothed together with its neighbourhood: memory
    does not grow, but the answers come hundreds of frames late. For files, not for live streams.

    Args:
        size: (W, H) pixels of the video.
        noise: standard deviation of a detection along an axis, in image heights: 0.003 is 2 pixels of 720.
        speed: standard deviation of a new ball's velocity along an axis, in image heights per second.
        agility: standard deviation of the change of velocity along an axis after one second, by hits, drag and the
            camera, in image heights per second; after t seconds it is ``agility * sqrt(t)``.
        gravity: in image heights per second^2, downwards: 9.81 divided by the metres that the image is high where the
            ball flies. 0 if unknown.
        gate: in standard deviations.
        max_gap: frames without a detection that are filled.
        confirm: detections in a row that a track begins with; 1 keeps also those that stand alone.
        decay: factor of the score per filled frame, in 0..1.

    Raises:
        ValueError: a parameter is out of its range.
    """

    delay = math.inf
    memory = 10.0  # as that of kalman, whose tracks it smooths

    def __init__(
        self,
        *,
        size: Size,
        noise: float = 0.003,
        speed: float = 1.0,
        agility: float = 4.0,
        gravity: float = 0.0,
        gate: float = 4.0,
        max_gap: int = 5,
        confirm: int = 2,
        decay: float = 0.7,
    ) -> None:
        self._motion = Motion.scaled(size, noise=noise, speed=speed, agility=agility, gravity=gravity)
        self._rules = Rules(gate=gate, max_gap=max_gap, confirm=confirm)
        check_decay(decay)
        self._size = size
        self._decay = decay
        # Longer than any gap that is filled, and with enough detections that no piece of a track is dropped.
        self._margin = MARGIN + confirm * (max_gap + 1)

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the ball of each frame, in order, a piece of a track at a time."""
        steps: list[Step] = []
        given = 0  # how many of them were given out before, and are there for what follows
        for step in follow(frames, self._motion, self._rules):
            if step.begins or step.track is None:
                yield from self._tracked(steps)[given:]
                steps, given = [], 0
            if step.track is None:
                yield TrackedFrame(step.frame.number, step.frame.time)
                continue
            steps.append(step)
            if len(steps) == 8 * self._margin:
                yield from self._tracked(steps)[given : -self._margin]
                steps, given = steps[-2 * self._margin :], self._margin
        yield from self._tracked(steps)[given:]

    def _tracked(self, steps: Sequence[Step]) -> list[TrackedFrame]:
        """Return the frames of one track."""
        return [
            TrackedFrame(step.frame.number, step.frame.time, () if point is None else (point,))
            for step, point in zip(steps, self._points(steps), strict=True)
        ]

    def _points(self, steps: Sequence[Step]) -> list[TrackPoint | None]:
        """Return the ball in each frame of one track."""
        points: list[TrackPoint | None] = [None] * len(steps)
        chosen = np.array([NONE if step.chosen is None else step.chosen for step in steps], dtype=np.int64)
        if (chosen != NONE).sum() < self._rules.confirm:
            return points
        chosen, beliefs = self._revised(steps, chosen)
        found = {n: steps[n].frame.ball(int(chosen[n])) for n in np.flatnonzero(chosen != NONE).tolist()}
        for n, ball in found.items():
            points[n] = ball.moved_to(beliefs[n].xy)
        for left, right in pairwise(found):
            if right - left - 1 > self._rules.max_gap:
                continue
            for n in range(left + 1, right):
                if beliefs[n].is_inside(self._size):
                    faded = min(found[left].score, found[right].score) * self._decay ** min(n - left, right - n)
                    nearer = found[left if n - left <= right - n else right]
                    points[n] = replace(nearer.moved_to(beliefs[n].xy), score=faded, origin="filled")
        return points

    def _revised(self, steps: Sequence[Step], chosen: Choices) -> tuple[Choices, list[Belief]]:
        """Return the candidates that fit together, and what they say about every frame."""
        beliefs = self._smoothed(steps, chosen)
        for _ in range(MAX_PASSES):
            revised = self._without_outliers(steps, chosen, beliefs)
            first = int(np.argmax(chosen != NONE))
            for n in (first + np.flatnonzero(chosen[first:] == NONE)).tolist():
                found = choose(steps[n].frame, beliefs[n], self._motion, self._rules.gate)
                revised[n] = NONE if found is None else found
            if np.array_equal(revised, chosen) or (revised != NONE).sum() < self._rules.confirm:
                break
            chosen = revised
            beliefs = self._smoothed(steps, chosen)
        return chosen, beliefs

    def _without_outliers(self, steps: Sequence[Step], chosen: Choices, beliefs: Sequence[Belief]) -> Choices:
        """Return the choices without those that do not fit to all others."""
        deviation = np.zeros(len(steps))
        for n in np.flatnonzero(chosen != NONE).tolist():
            # The belief, of variance P, has the detection in it: their difference has the variance noise^2 - P, and
            # the ratio is the same as without it. At the end of a short track, both can round to 0.
            variance = self._motion.noise**2
            rest = max(variance - float(beliefs[n].covariance[0, 0]), 1e-6 * variance)
            deviation[n] = np.linalg.norm(steps[n].frame.xy[chosen[n]] - beliefs[n].mean[0]) / math.sqrt(rest)
        # An outlier also pulls at its neighbours: of those that stand out together, only the worst is dropped.
        around = np.lib.stride_tricks.sliding_window_view(np.pad(deviation, NEAR), 2 * NEAR + 1).max(axis=1)
        return np.where((deviation > self._rules.gate) & (deviation == around), NONE, chosen)

    def _smoothed(self, steps: Sequence[Step], chosen: Choices) -> list[Belief]:
        """Return what the chosen candidates say about every frame; before the first of them, the same as there."""
        first = int(np.argmax(chosen != NONE))
        belief = self._motion.begin(steps[first].frame.xy[chosen[first]])
        filtered = [belief]
        for step, number in zip(steps[first + 1 :], chosen[first + 1 :], strict=True):
            belief = self._motion.predict(belief, step.seconds)
            if number != NONE:
                belief = self._motion.update(belief, step.frame.xy[number])
            filtered.append(belief)
        smoothed = self._motion.smooth(filtered, [step.seconds for step in steps[first:]])
        return smoothed[:1] * first + smoothed
