"""Trackers: candidates of a clip, to balls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from tracknet_core.contracts import Candidates, Size, TrackedFrame, Tracker, TrackPoint
from tracknet_core.testing.require import require

ENDS = np.array([[-6, -2], [6, 2]], dtype=np.float32)
"""Of a streak, in pixels from its middle."""


def check_tracker(component: Tracker, *, size: Size = (1280, 720), fps: float = 30.0) -> None:
    """Check a tracker: each frame comes back, in order, with well-formed balls; a call is a clip of its own.

    It is given a ball that crosses the image in a straight line and misses some frames, among false candidates; one
    that is a streak; clips without any; an uneven clock; and no frames at all. What it makes of these is its own
    affair, but that a ball found in every frame, alone, is found, as a streak if it is one; and that what was before
    its ``memory`` makes no difference.

    Args:
        component: the tracker.
        size: (W, H) pixels of the video that it was built for.
        fps: frames per second of that video.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    require(list(component(iter(()))) == [], "a clip without frames gives nothing")
    empty = [_candidates(number, number / fps, ()) for number in range(3, 8)]  # as after frames that are broken
    tracked = _tracked(component, empty)
    require(not any(frame.balls for frame in tracked), f"a ball was found where there never was a candidate: {tracked}")

    plain, busy = _crossing(size, fps, busy=False), _crossing(size, fps, busy=True)
    found = _tracked(component, plain)
    late = found[len(found) // 2 :]
    near = [
        any(math.dist(point.xy, frame.xy[0]) < 0.01 * size[1] for point in tracked.balls)
        for tracked, frame in zip(late, plain[len(found) // 2 :], strict=True)
    ]
    require(all(near), "a ball that is found in every frame, and alone, is not followed")

    # A streak: the ends stay where they are seen from its middle.
    streaks = [replace(frame, points=frame.points + ENDS) for frame in plain]
    middle = [
        point for tracked in _tracked(component, streaks) for point in tracked.balls if point.origin == "detected"
    ]
    require(
        all(np.allclose(np.array(point.points) - point.xy, ENDS, atol=1e-3) for point in middle),
        "the points of a ball keep their offsets from its place, as those of Candidates.ball(index).moved_to(xy) do",
    )

    kept = [(frame.points.copy(), frame.xy.copy(), frame.score.copy()) for frame in busy]
    alone = _tracked(component, busy)
    require(
        all(
            np.array_equal(f.points, points) and np.array_equal(f.xy, xy) and np.array_equal(f.score, score)
            for f, (points, xy, score) in zip(busy, kept, strict=True)
        ),
        "the tracker changed the candidates that it got",
    )
    # Two clips side by side: what one call remembers must not reach the other.
    pairs = list(zip(component(iter(busy)), component(iter(plain)), strict=True))
    require(
        [one for one, _ in pairs] == alone and [other for _, other in pairs] == found,
        "two calls at the same time disturb each other; all that a tracker remembers belongs to one call",
    )
    if math.isfinite(component.memory):
        _require_short_memory(component, busy, fps)


def _candidates(number: int, time: float, places: Sequence[tuple[float, float, float]]) -> Candidates:
    """Return a frame's candidates from (x, y, score), best first."""
    table = np.array(sorted(places, key=lambda place: -place[2]), dtype=np.float32).reshape(-1, 3)
    return Candidates.at(number, time, table[:, :2].copy(), table[:, 2].copy())


def _crossing(size: Size, fps: float, *, busy: bool) -> list[Candidates]:
    """Return 24 frames with a ball that flies across the image; if ``busy``, with gaps, false ones and a bad clock."""
    width, height = size
    rng = np.random.default_rng(0)
    frames = []
    for number in range(24):
        places = [(width * (0.1 + 0.03 * number), height * (0.2 + 0.02 * number), 0.9)]
        time = number / fps
        if busy:
            places = [] if number in (5, 11, 12, 20, 21, 22, 23) else places
            places += [(*rng.uniform((0, 0), size).tolist(), 0.6) for _ in range(number % 3)]
            time = (number + 0.4 * (number % 2)) / fps if number != 9 else 8 / fps
        frames.append(_candidates(number, time, places))
    return frames


def _require_short_memory(component: Tracker, once: Sequence[Candidates], fps: float) -> None:
    """The balls of a clip, played over and over, are the same where the frames before the tracker's memory are not."""
    count = len(once)
    again = math.ceil(component.memory * fps)
    frames = [
        replace(frame, number=start + frame.number, time=start / fps + frame.time)
        for start in range(0, again + 3 * count, count)
        for frame in once
    ]
    whole = _tracked(component, frames)[-count:]
    late = _tracked(component, frames[-again - count :])[-count:]
    for balls, others in ((one.balls, other.balls) for one, other in zip(whole, late, strict=True)):
        same = [(ball.origin, ball.track) for ball in balls] == [(ball.origin, ball.track) for ball in others]
        require(
            same and all(math.dist(ball.xy, other.xy) < 1e-3 for ball, other in zip(balls, others, strict=True)),
            f"a clip that begins {component.memory:g} s earlier, its memory, has other balls: {others} for {balls}",
        )


def _tracked(component: Tracker, frames: Sequence[Candidates]) -> list[TrackedFrame]:
    """Return what a tracker makes of a clip, whose form is checked."""
    asked = 0

    def given() -> Iterator[Candidates]:
        nonlocal asked
        for frame in frames:
            asked += 1
            yield frame

    result = []
    for tracked in component(given()):
        require(
            isinstance(tracked, TrackedFrame),
            "a tracker yields frames, such as TrackedFrame(frame.number, frame.time, balls), not the balls alone: got "
            f"{tracked!r}",
        )
        result.append(tracked)
        require(
            asked <= len(result) + component.delay,
            f"the balls of a frame are given after at most {component.delay:g} later ones, its delay: frame "
            f"{len(result) - 1} came after {asked} frames were asked for",
        )
    require(len(result) == len(frames), f"{len(frames)} frames give as many, got {len(result)}")
    for number, (given_one, tracked) in enumerate(zip(frames, result, strict=True)):
        where = f"frame {number}: "
        require(
            (tracked.number, tracked.time) == (given_one.number, given_one.time),
            f"{where}number {given_one.number} and time {given_one.time} stay those of the candidates, got "
            f"{tracked.number} and {tracked.time}",
        )
        balls = tracked.balls
        require(
            isinstance(balls, tuple) and all(isinstance(point, TrackPoint) for point in balls),
            f"{where}a tuple of TrackPoint is due, got {balls!r}",
        )
        for point in balls:
            require(
                bool(point.points) and all(isinstance(place, tuple) and len(place) == 2 for place in point.points),
                f"{where}points are a tuple of (x, y), as in TrackPoint.at((x, y), score), got {point}",
            )
            numbers = [*chain(*point.points), point.score]
            require(
                all(isinstance(value, float) and math.isfinite(value) for value in numbers),
                f"{where}place and score are finite floats, got {point}",
            )
            require(point.origin in ("detected", "predicted", "filled"), f"{where}unknown origin '{point.origin}'")
            require(
                point.origin != "filled" or component.delay > 0,
                f"{where}a tracker without a delay knows no later frames, and so fills nothing",
            )
        tracks = [point.track for point in balls]
        require(len({*tracks}) == len(tracks), f"{where}two balls have the same track: {tracks}")
    return result
