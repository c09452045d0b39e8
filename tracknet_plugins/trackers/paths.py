"""The best path through several candidates of each frame, with a look at what comes after."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from tracknet_core.contracts import Candidates, FloatArray, Size, TrackedFrame, Tracker, TrackPoint, Wanted
from tracknet_core.registry import trackers
from tracknet_plugins.trackers.distinct import check_separation, distinct
from tracknet_plugins.trackers.following import check_decay
from tracknet_plugins.trackers.motion import Array
from tracknet_plugins.trackers.trellis import Costs, Link, Trellis

SUREST = 1e-3
"""Scores nearer to 0 and 1 than this are all the same: a sigmoid can round to 1, and sums of heights exceed it."""


@trackers.register("paths")
class Paths(Tracker):
    """One ball: of all paths through the candidates of a clip that which costs least, by dynamic programming.

    A network that sees a white sock as surely as the ball is right about the ball nearly always, but not in the first
    place: the motion tells them apart. So the codec is asked for ``candidates`` per frame, down to a low ``score``. A
    path is a run of candidates, and costs, in natural logarithms of odds: ``start`` once; for each candidate the logit
    of ``level`` less that of its score; for each frame that it leaves out ``miss``; for each change of velocity the
    square of it, in standard deviations, halved, and at most ``hit``; and for a ball that stands still ``rest``, less
    for one that is nearly as fast as ``slow``. A frame that is on no path costs nothing. What costs least together is
    the best answer, and the sum runs over pairs of candidates, whose velocity is known (Viterbi's algorithm of second
    order).

    Each frame is given out ``delay`` seconds late, along the path that is best by then, so memory does not grow; in
    clips that are shorter, the path is the best one of all. A path that leaves out the frame of a hit pays for a change
    of velocity less, whatever is seen there. So in a frame that it leaves out, the surest candidate that is ``near``
    to the line between its neighbours is the ball, from the score ``level`` on; without one the place on the line is,
    with ``origin="filled"`` and the lower score of both times ``decay`` for each frame to the nearer one. And networks
    are less sure of a ball that came to rest: where a path has ended, the surest candidate ``near`` to that place is
    the ball for up to ``stay`` seconds, as long as there is one.

    Args:
        fps: frames per second.
        size: (W, H) pixels of the video.
        candidates: per frame.
        score: from which candidates are looked at, where scores are probabilities.
        level: score of a candidate that neither speaks for a ball nor against it, between 0 and 1.
        start: cost of a path.
        miss: cost of each frame that a path leaves out.
        hit: greatest cost of a change of velocity, however large: a hit is paid once.
        rest: cost of each frame in which the ball stands still.
        slow: in image heights per second; a faster ball does not stand still at all.
        agility: standard deviation of the change of velocity along an axis after one second, in image heights per
            second; after t seconds it is ``agility * sqrt(t)``.
        speed: standard deviation of a new ball's velocity along an axis, in image heights per second.
        noise: standard deviation of a candidate along an axis, in image heights: 0.003 is 2 pixels of 720.
        separation: a candidate nearer to a better one is the same ball; in image heights.
        max_gap: frames in a row that a path may leave out, or that a ball at rest may not be seen in.
        near: how far a candidate may be from where the ball should be, in frames that a path leaves out and after its
            end; in image heights.
        stay: seconds after the end of a path in which the ball may lie there; 0 for none.
        delay: in seconds.
        decay: factor of the score per filled frame, in 0..1.

    Raises:
        ValueError: a parameter is out of its range.
    """

    def __init__(
        self,
        *,
        fps: float,
        size: Size,
        candidates: int = 6,
        score: float = 0.02,
        level: float = 0.45,
        start: float = 8.0,
        miss: float = 0.35,
        hit: float = 4.0,
        rest: float = 2.0,
        slow: float = 0.04,
        agility: float = 1.35,
        speed: float = 3.4,
        noise: float = 0.003,
        separation: float = 0.01,
        max_gap: int = 2,
        near: float = 0.025,
        stay: float = 1.0,
        delay: float = 1.0,
        decay: float = 0.7,
    ) -> None:
        if candidates < 1:
            raise ValueError(f"candidates: {candidates} per frame is out of range. Give at least 1.")
        if not 0 < level < 1:
            raise ValueError(f"level: {level} is out of range. Give a score between 0 and 1.")
        for name, cost in (("start", start), ("miss", miss), ("hit", hit), ("rest", rest)):
            if not 0 <= cost < math.inf:
                raise ValueError(f"{name}: {cost} is no cost. Give 0 or more; 2.3 outweighs odds of 10 to 1.")
        for name, share in (("slow", slow), ("agility", agility), ("speed", speed), ("noise", noise)):
            if not 0 < share < math.inf:
                raise ValueError(f"{name}: {share} is out of range. Give a positive share of the image height.")
        if max_gap < 0:
            raise ValueError(f"max_gap: {max_gap} is no number of frames. Give 0 to leave none out, or more.")
        if not 0 <= delay < math.inf:
            raise ValueError(f"delay: {delay} is no time. Give seconds, 0 or more.")
        if not 0 <= stay < math.inf:
            raise ValueError(f"stay: {stay} is no time. Give seconds, 0 or more.")
        if not 0 <= near < math.inf:
            raise ValueError(f"near: {near} is no distance. Give a share of the image height, such as 0.02.")
        check_separation(separation)
        check_decay(decay)
        height = size[1]
        self._candidates = candidates
        self._score, self._level = level, math.log(level / (1 - level))
        self._costs = Costs(
            start=start,
            miss=miss,
            hit=hit,
            rest=rest,
            slow=slow * height,
            agility=agility * height,
            speed=speed * height,
            noise=noise * height,
        )
        self._separation = separation * height
        self._near = near * height
        self._stay = stay
        self.memory = 10.0 + stay  # paths are seldom so long, and what follows does not depend on them
        self._reach = max_gap + 1
        self._decay = decay
        self.delay = self._late = max(math.ceil(delay * fps), max_gap)  # both ends of a gap are known
        self.wanted = Wanted(candidates, score)

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the ball of each frame, in order."""
        end: tuple[tuple[float, float], float] | None = None  # place and time of the last ball on a path
        unseen = 0
        for frame, ball in self._along(frames):
            if ball is not None:
                end, unseen = (ball.xy, frame.time), 0
            elif end is not None:
                ball = self._surest(frame, end[0], -math.inf) if frame.time - end[1] <= self._stay else None
                unseen = unseen + 1 if ball is None else 0
                end = end if unseen < self._reach else None
            yield TrackedFrame(frame.number, frame.time, () if ball is None else (ball,))

    def _along(self, frames: Iterable[Candidates]) -> Iterator[tuple[Candidates, TrackPoint | None]]:
        """Yield each frame and the ball in it along the best path."""
        trellis = Trellis(self._candidates, self._reach, self._costs, window=self._late + 1 + self._reach)
        kept: dict[int, Candidates] = {}  # by place in the run of frames
        count = 0
        for frame in frames:
            kept[count] = candidates = self._distinct(frame)
            most = slice(self._candidates)
            trellis.add(frame.time, candidates.xy[most], self._evidence(candidates.score[most]))
            due = count - self._late
            count += 1
            if due >= 0:
                yield kept[due], self._ball(due, kept, trellis.best())
                kept.pop(due - self._reach, None)
        path = trellis.best()
        for due in range(max(count - self._late, 0), count):
            yield kept[due], self._ball(due, kept, path)

    def _distinct(self, frame: Candidates) -> Candidates:
        """Return a frame with each candidate once."""
        chosen = distinct(frame, self._separation)
        return replace(frame, points=frame.points[chosen], score=frame.score[chosen])

    def _evidence(self, score: FloatArray) -> Array:
        """Return what speaks for candidates with these scores, (D,) logits."""
        sure = np.clip(score.astype(np.float64), SUREST, 1 - SUREST)
        logit: Array = np.log(sure / (1 - sure)) - self._level
        return logit

    def _surest(self, frame: Candidates, place: tuple[float, float], least: float) -> TrackPoint | None:
        """Return the surest candidate near a place whose score is at least ``least``; None if there is none."""
        close = np.hypot(*(frame.xy - place).T) <= self._near
        chosen = np.flatnonzero(close & (frame.score >= least))
        return frame.ball(int(chosen[frame.score[chosen].argmax()])) if len(chosen) else None

    def _ball(self, at: int, kept: Mapping[int, Candidates], path: Mapping[int, Link | None]) -> TrackPoint | None:
        """Return the ball along a path in a frame, found there or where its neighbours have it; None if none is."""
        if at in path:
            return _found(at, kept, path)
        filled = self._filled(at, kept, path)
        return filled and (self._surest(kept[at], filled.xy, self._score) or filled)

    def _filled(self, at: int, kept: Mapping[int, Candidates], path: Mapping[int, Link | None]) -> TrackPoint | None:
        """Return the ball in a frame that the path leaves out; None if the path was another when its start was due."""
        gap = range(1, self._reach)
        left = next((at - step for step in gap if at - step in path), at)
        right = next((at + step for step in gap if at + step in path), at)
        before, after = _found(left, kept, path), _found(right, kept, path)
        if before is None or after is None:
            return None
        seconds = kept[right].time - kept[left].time
        share = (kept[at].time - kept[left].time) / seconds if seconds > 0 else 0.5
        nearer = before if at - left <= right - at else after
        x, y = (one + share * (other - one) for one, other in zip(before.xy, after.xy, strict=True))
        score = min(before.score, after.score) * self._decay ** min(at - left, right - at)
        return replace(nearer.moved_to((x, y)), score=score, origin="filled")


def _found(at: int, kept: Mapping[int, Candidates], path: Mapping[int, Link | None]) -> TrackPoint | None:
    """Return the candidate that a path goes through; None if there is none."""
    link = path.get(at)
    return None if link is None else kept[at].ball(link.place)
