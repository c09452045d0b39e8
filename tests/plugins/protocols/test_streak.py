"""Protocol `streak`: figures worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.testing import check_constructor, check_protocol
from tracknet_plugins.protocols.streak import StreakErrors

SIZE = torch.tensor([[1280.0, 720.0]])
Streak = tuple[float, float, float, float]
"""x and y of the middle, length, degrees."""


def ends(streaks: list[Streak | None]) -> torch.Tensor:
    """(1, K, 2, 2), NaN for None."""
    ways = [
        (x, y, length / 2 * math.cos(math.radians(degrees)), length / 2 * math.sin(math.radians(degrees)))
        for x, y, length, degrees in (streak or (math.nan,) * 4 for streak in streaks)
    ]
    return torch.tensor([[[(x - dx, y - dy), (x + dx, y + dy)] for x, y, dx, dy in ways]])


def update(
    metric: StreakErrors,
    true: list[Streak | None],
    found: list[Streak | None],
    codes: list[int] | None = None,
    counted: list[bool] | None = None,
) -> None:
    present = torch.tensor([[[streak is not None] for streak in found]])
    detections = Detections(ends(found).nan_to_num(0.0).unsqueeze(2), torch.ones(1, len(found), 1), present)
    visibility = torch.tensor([codes or [int(Visibility.EASY)] * len(true)])
    metric.update(detections, ends(true), visibility, torch.tensor([counted or [True] * len(true)]), SIZE)


def figures(metric: StreakErrors) -> dict[str, float]:
    return {name: value.item() for name, value in metric.compute().items()}


def test_the_contract_is_kept() -> None:
    check_constructor("protocols", StreakErrors)
    check_protocol(StreakErrors(radius=100.0))


def test_medians_over_two_batches() -> None:
    metric = StreakErrors()
    update(metric, [(50, 50, 10, 20), (50, 50, 10, 20)], [(51, 50, 12, 25), (50, 53, 5, 18)])
    update(metric, [(50, 50, 10, 170), (50, 50, 8, 0)], [(50, 50, 10.5, 10), (50, 50, 7, 179)])

    # Angles 5, 2, 20 (over the horizontal), 1; lengths 2, 5, 0.5, 1.
    expected = {"angle_error": 3.5, "length_error": 1.5, "streaks": 4, "streaks_found": 4}
    assert figures(metric) == pytest.approx(expected, rel=1e-4)


def test_the_order_of_the_ends_says_nothing() -> None:
    metric = StreakErrors()
    update(metric, [(50, 50, 10, 30), (50, 50, 10, 30)], [(50, 50, 10, 210), (50, 50, 10, 120)])
    assert figures(metric)["angle_error"] == pytest.approx(45, abs=1e-3)  # of 0 and 90


def test_short_hidden_and_absent_streaks_do_not_count() -> None:
    metric = StreakErrors(least=4.0)
    true = [(50, 50, 4, 0), (50, 50, 9, 0), None, (50, 50, 9, 0), (50, 50, 9, 0), (50, 50, 9, 0)]
    update(metric, true, [(50, 50, 9, 45)] * 5 + [(50, 50, 9, 7)], [1, 3, 0, -1, 1, 2], [True] * 4 + [False, True])
    assert figures(metric) == pytest.approx(
        {"angle_error": 7, "length_error": 0, "streaks": 1, "streaks_found": 1}, abs=1e-4
    )


def test_what_is_found_elsewhere_or_not_at_all_is_counted_as_not_found() -> None:
    metric = StreakErrors(radius=4.0)
    update(metric, [(50, 50, 9, 0)] * 3, [(54, 50, 9, 80), None, (53.9, 50, 9, 3)])
    assert figures(metric) == pytest.approx(
        {"angle_error": 3, "length_error": 0, "streaks": 3, "streaks_found": 1}, abs=1e-4
    )


def test_a_point_has_no_direction() -> None:
    metric = StreakErrors()
    found = Detections.at(torch.tensor([[[[50.0, 50.0]]]]), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool))
    metric.update(found, ends([(50, 50, 9, 0)]), torch.tensor([[1]]), torch.tensor([[True]]), SIZE)
    assert figures(metric) == pytest.approx({"angle_error": 90, "length_error": 9, "streaks": 1, "streaks_found": 1})


def test_without_a_streak_no_error_is_defined() -> None:
    metric = StreakErrors()
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.zeros(1, 1, 1, 2),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        SIZE,
    )
    values = figures(metric)
    assert math.isnan(values["angle_error"])
    assert math.isnan(values["length_error"])
    assert (values["streaks"], values["streaks_found"]) == (0, 0)


@pytest.mark.parametrize("name", ["least", "radius"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_parameters_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: .* is no length in pixels"):
        StreakErrors(**{name: value})
