"""Tracker `wasb`: the gate of 300 px, which one missed frame removes."""

from __future__ import annotations

import pytest

from tracknet_core.contracts import TrackedFrame, TrackPoint
from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.wasb import WASB


def places(points: list[TrackedFrame]) -> list[tuple[float, float] | None]:
    return [frame.balls[0].xy if frame.balls else None for frame in points]


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", WASB)
    check_tracker(WASB())


def test_at_exactly_the_distance_a_detection_is_dropped(clip) -> None:
    # 180^2 + 240^2 = 300^2.
    assert places(list(WASB()(clip([(100, 100, 1)], [(280, 340, 1)])))) == [(100, 100), None]
    assert places(list(WASB()(clip([(100, 100, 1)], [(280, 339, 1)])))) == [(100, 100), (280, 339)]


def test_the_highest_score_within_the_gate_wins_over_a_nearer_one(clip) -> None:
    frames = clip([(100, 100, 20)], [(900, 100, 30), (300, 100, 22), (101, 100, 21)])

    assert [frame.balls for frame in WASB()(frames)] == [
        (TrackPoint.at((100.0, 100.0), 20.0),),
        (TrackPoint.at((300.0, 100.0), 22.0),),
    ]


def test_one_missed_frame_removes_the_gate(clip) -> None:
    far = [(900, 100, 1)]

    assert places(list(WASB()(clip([(100, 100, 1)], far, far, far)))) == [(100, 100), None, (900, 100), (900, 100)]
    assert places(list(WASB()(clip([(100, 100, 1)], [], far)))) == [(100, 100), None, (900, 100)]


def test_the_gate_is_around_the_last_frames_ball_and_not_around_a_dropped_one(clip) -> None:
    frames = clip([(100, 100, 1)], [(900, 100, 2), (350, 100, 1)], [(900, 100, 2), (600, 100, 1)], [(899, 100, 2)])

    assert places(list(WASB()(frames))) == [(100, 100), (350, 100), (600, 100), (899, 100)]


def test_the_distance_is_a_parameter(clip) -> None:
    assert places(list(WASB(max_distance=50)(clip([(100, 100, 1)], [(151, 100, 1)])))) == [(100, 100), None]


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_a_distance_that_is_none_is_refused(distance: float) -> None:
    with pytest.raises(ValueError, match=r"max_distance: .* is no distance"):
        WASB(max_distance=distance)
