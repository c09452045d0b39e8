"""Fragments, gaps, jumps and jitter, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tracknet_core.evaluation.continuity import continuity, visible
from tracknet_core.evaluation.results import Continuity

Place = tuple[float, float] | None


def way(points: list[Place], expected: str | None = None, width: float = 1000.0) -> Continuity:
    """Return the figures of one clip; ``expected`` has an x where the truth shows a ball."""
    xy = np.array([(np.nan, np.nan) if point is None else point for point in points], np.float32).reshape(-1, 2)
    shown = np.array([letter == "x" for letter in expected or "x" * len(points)], bool)
    return continuity([(xy, shown, width)])


def test_runs_of_balls_are_fragments() -> None:
    assert way([None, (1, 1), (2, 1), None, (4, 1), None, None, (7, 1)]).fragments == 3


def test_a_gap_counts_only_where_there_is_a_ball() -> None:
    points: list[Place] = [(0, 0), None, None, None, (4, 0), None, (6, 0)]

    assert way(points).longest_gap == 3
    assert way(points, "xx..xxx").longest_gap == 1
    assert way(points, ".......").longest_gap == 0


def test_a_step_of_more_than_a_tenth_of_the_width_is_a_jump() -> None:
    assert way([(0, 0), (100, 0), (100, 100.5)]).jumps == 1
    assert way([(0, 0), (300, 400)], width=5000.0).jumps == 0
    assert way([(0, 0), (300, 400)], width=4999.0).jumps == 1


def test_a_step_over_a_gap_is_no_jump() -> None:
    assert way([(0, 0), None, (900, 0)]).jumps == 0


def test_jitter_is_the_median_of_second_differences() -> None:
    # Straight on twice, then a turn of (3, 4) - (10, 0) = (-7, 4), then back to straight.
    points: list[Place] = [(0, 0), (10, 0), (20, 0), (30, 0), (33, 4), (36, 8)]

    assert way(points).jitter == pytest.approx(0.0)
    assert way(points[2:5]).jitter == pytest.approx(math.hypot(7, 4))


@pytest.mark.parametrize("points", [[], [None], [(1, 1), (2, 2), None, (4, 4), (5, 5)]])
def test_without_three_balls_in_a_row_there_is_no_jitter(points: list[Place]) -> None:
    assert math.isnan(way(points).jitter)


def test_several_clips_are_one_count_without_steps_between_them() -> None:
    near, far = np.zeros((3, 2), np.float32), np.full((3, 2), 900.0, np.float32)
    shown = np.ones(3, bool)

    assert continuity([(near, shown, 1000.0), (far, shown, 1000.0)]) == Continuity(2, 0, 0, 0.0)


def test_a_tracker_is_expected_to_find_easy_and_hard_balls() -> None:
    assert visible(np.array([-1, 0, 1, 2, 3])).tolist() == [False, False, True, True, False]
