"""What forwards and backwards agree about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from tracknet_core.adapting import both_ways
from tracknet_core.adapting.both_ways import BothWays, agreement, look_both_ways
from tracknet_core.contracts import Candidates, TrackedFrame, Tracker, TrackPoint, Visibility, Wanted


class Since(Tracker):
    """The ball from its second frame in a row on, with the time that has passed as score; the first one is made up."""

    wanted = Wanted(candidates=3)

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        seen = False
        for frame in frames:
            balls: tuple[TrackPoint, ...] = ()
            if len(frame.score):
                x, y = frame.xy[0].tolist()
                balls = (TrackPoint.at((x, y), frame.time, "detected" if seen else "predicted"),)
            seen = bool(balls)
            yield TrackedFrame(frame.number, frame.time, balls)


class Frames:
    size = (100, 200)
    fps = 10.0

    def __len__(self) -> int:
        return 8


class Network:
    """A detector that knows what it was asked for."""

    def adjusted(self, wanted: Wanted) -> Network:
        assert wanted == Wanted(candidates=3)
        return self


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> BothWays:
    """Frames 1 to 5 of 8 have a ball, and frame 3 cannot be read."""
    numbers = [0, 1, 2, 4, 5, 6, 7]
    found = [
        Candidates.at(n, n / 10, np.array([[10 * n, 5]] * count, np.float32).reshape(-1, 2), np.ones(count, np.float32))
        for n in numbers
        for count in [int(n in (1, 2, 4, 5))]
    ]
    monkeypatch.setattr(both_ways, "detect_clip", lambda detector, frames: iter(found))
    monkeypatch.setattr(both_ways, "build_tracker", lambda node, *, fps, size: Since())
    return look_both_ways(Network(), Frames(), {"name": "since"})  # type: ignore[arg-type]


def test_a_clip_is_followed_from_both_ends_and_only_what_was_detected_counts(looked: BothWays) -> None:
    assert {n: ball.score for n, ball in looked.forwards.items()} == pytest.approx({2: 0.2, 4: 0.4, 5: 0.5})
    assert {n: ball.score for n, ball in looked.backwards.items()} == pytest.approx({4: 0.3, 2: 0.5, 1: 0.6})


def test_where_both_agree_is_a_label_and_of_the_rest_nobody_says_anything(looked: BothWays) -> None:
    labels = looked.labels()

    assert labels.visibility.tolist() == [-1, -1, 1, -1, 1, -1, -1, -1]
    np.testing.assert_allclose(labels.points[[2, 4], 0], [[20, 5], [40, 5]])
    assert np.isnan(labels.points[labels.visibility == Visibility.UNLABELLED]).all()
    assert agreement([looked]) == pytest.approx(2 / 4)  # frames 2 and 4 of 1, 2, 4 and 5


def test_places_that_are_hundredths_of_the_height_apart_are_the_same() -> None:
    ways = BothWays(
        {n: TrackPoint.at((50.0, 50.0), 1.0) for n in range(3)},
        {n: TrackPoint.at((50.0 + 1.5 * n, 50.0), 1.0) for n in range(3)},
        {},
        frames=3,
        height=200,
    )

    assert list(ways.agreed) == [0, 1]


def test_a_network_that_is_surer_of_something_else_agrees_less() -> None:
    balls = {n: TrackPoint.at((50.0, 50.0), 0.4) for n in range(4)}
    sock = TrackPoint.at((90.0, 90.0), 0.8)
    ways = BothWays(balls, balls, balls | {1: sock}, frames=4, height=100)

    assert list(ways.agreed) == [0, 1, 2, 3]
    assert list(ways.singled_out) == [0, 2, 3]
    assert agreement([ways]) == 3 / 4


def test_without_any_ball_nothing_agrees() -> None:
    assert agreement([BothWays({}, {}, {}, 5, 100)]) == 0
    assert math.isfinite(agreement([]))
