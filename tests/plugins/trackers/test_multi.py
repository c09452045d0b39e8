"""Tracker `multi`: several balls, each with a number that stays."""

from __future__ import annotations

import numpy as np
import pytest

from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.multi import Multi

SIZE = (1280, 720)


def numbers(points) -> list[list[int]]:
    return [[ball.track for ball in frame.balls] for frame in points]


def place_of(points, number: int) -> np.ndarray:
    return np.array([ball.xy for frame in points for ball in frame.balls if ball.track == number])


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", Multi)
    check_tracker(Multi(size=SIZE))
    check_tracker(Multi(size=(640, 360), confirm=1, separation=0.0), size=(640, 360), fps=120.0)
    assert Multi.memory == float("inf")  # of the numbers


def test_two_balls_that_cross_keep_their_numbers(clip) -> None:
    times = np.arange(40) / 30
    right = np.stack([200 + 600 * times, 200 + 240 * times], axis=1)
    left = np.stack([1000 - 600 * times, 200 + 240 * times], axis=1)  # they meet in frame 20
    frames = []
    for a, b in zip(right, left, strict=True):
        places = [(*a, 0.9), (*b, 0.8)]
        frames.append(places if np.linalg.norm(a - b) > 20 else places[:1])  # one blob where they meet

    points = list(Multi(size=SIZE, agility=1.0)(clip(*frames)))

    assert numbers(points) == [[]] * 2 + [[0, 1]] * 38
    assert np.linalg.norm(place_of(points, 0) - right[2:], axis=1).max() < 5
    assert np.linalg.norm(place_of(points, 1) - left[2:], axis=1).max() < 5


def test_a_ball_is_given_out_from_its_third_detection_in_a_row(clip) -> None:
    ball = [(300, 300, 0.9)]

    points = list(Multi(size=SIZE, confirm=3)(clip(ball, ball, [], ball, ball, ball)))

    assert numbers(points) == [[], [], [], [], [], [0]]


def test_a_lost_ball_is_predicted_then_gone_and_its_number_is_not_used_again(clip) -> None:
    one, other = (300, 300, 0.9), (900, 500, 0.8)
    frames = clip(*[[one, other]] * 4, *[[one]] * 3, *[[one, other]] * 4)

    points = list(Multi(size=SIZE, confirm=3, max_gap=2, decay=0.5)(frames))

    expected = [[], [], [0, 1], [0, 1], [0, 1], [0, 1], [0], [0], [0], [0, 2], [0, 2]]
    assert numbers(points) == expected
    lost = [points[n].balls[1] for n in (4, 5)]
    assert [ball.origin for ball in lost] == ["predicted", "predicted"]
    assert [ball.score for ball in lost] == pytest.approx([0.4, 0.2])


def test_candidates_close_to_a_better_one_are_the_same_ball(clip) -> None:
    # 0.02 of 720 px is 14.4 px: as overlapping windows give the same ball several times.
    frames = clip(*[[(300, 300, 0.9), (310, 300, 0.8), (300, 314, 0.7), (315, 300, 0.6)]] * 4)

    points = list(Multi(size=SIZE, confirm=1)(frames))

    assert numbers(points) == [[0, 1]] * 4
    assert points[0].balls[1].xy == (315.0, 300.0)


def test_no_detection_is_given_to_two_balls(clip) -> None:
    apart, together = [(300, 300, 0.9), (340, 300, 0.8)], [(318, 300, 0.9)]

    points = list(Multi(size=SIZE, max_gap=3)(clip(*[apart] * 6, together)))

    assert [ball.origin for ball in points[-1].balls] == ["detected", "predicted"]


def test_a_new_detection_does_not_take_the_detection_of_a_ball_that_is_known(clip) -> None:
    # A false one appears 20 px beside the ball; then only the ball is found, right where the false one was.
    frames = [[(300.0 + 20 * n, 300.0, 0.9)] for n in range(8)]
    frames[6].append((440.0, 300.0, 0.5))

    points = list(Multi(size=SIZE)(clip(*frames)))

    assert numbers(points) == [[]] * 2 + [[0]] * 6
    assert points[7].balls[0].origin == "detected"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"separation": -0.1}, "separation: -0.1 is no distance"),
        ({"confirm": 0}, "confirm: 0 is no number of detections"),
        ({"decay": 2.0}, "decay: 2.0 is no factor"),
        ({"agility": 0.0}, "agility: 0.0 is out of range"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Multi(size=SIZE, **parameters)
