"""Protocol `pck`: figures worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.testing import check_constructor, check_protocol
from tracknet_plugins.protocols.pck import PCK

SIZE = torch.tensor([[1280.0, 720.0]])


def update(
    metric: PCK, distances: list[float | None], visibility: list[int] | None = None, counted: list[bool] | None = None
) -> None:
    """Count a batch (1, K) of balls at (0, 0), found at a distance along x, or not at all (None)."""
    frames = len(distances)
    codes = visibility or [int(Visibility.EASY)] * frames
    xy = torch.zeros(1, frames, 2)
    xy[0, [code < 1 for code in codes]] = math.nan
    metric.update(
        Detections.at(
            xy=torch.tensor([(distance or 0.0, 0.0) for distance in distances]).view(1, frames, 1, 2),
            score=torch.ones(1, frames, 1),
            present=torch.tensor([distance is not None for distance in distances], dtype=torch.bool).view(1, frames, 1),
        ),
        xy.unsqueeze(-2),
        torch.tensor([codes], dtype=torch.int64),
        torch.tensor([counted or [True] * frames], dtype=torch.bool),
        SIZE,
    )


def figures(metric: PCK) -> dict[str, float]:
    return {name: value.item() for name, value in metric.compute().items()}


def test_the_contract_is_kept() -> None:
    check_constructor("protocols", PCK)
    check_protocol(PCK())


def test_shares_worked_by_hand_over_two_batches() -> None:
    metric = PCK()
    update(metric, [0.0, 2.0, 2.5, 5.0])
    update(metric, [5.5, 15.0, 40.0, None])

    # A distance equal to the radius is within it; a ball that is not found is within none, and has no distance.
    assert figures(metric) == pytest.approx(
        {"l2": 70 / 7, "pck@2": 2 / 8, "pck@5": 4 / 8, "pck@10": 5 / 8, "pck@20": 6 / 8}
    )


def test_only_visible_counted_frames_count() -> None:
    metric = PCK(radii=(5.0,))
    codes = [1, 2, 0, 3, -1, 1]
    update(metric, [1.0, 3.0, 9.0, 9.0, 9.0, 9.0], codes, [True, True, True, True, True, False])

    assert figures(metric) == pytest.approx({"l2": 2.0, "pck@5": 1.0})


@pytest.mark.parametrize(
    ("distances", "codes", "share"),
    [([], [], math.nan), ([None, None], [1, 2], 0.0), ([3.0, None], [0, 3], math.nan)],
    ids=["empty", "blind", "no ball"],
)
def test_without_a_distance_l2_is_unknown_and_not_zero(
    distances: list[float | None], codes: list[int], share: float
) -> None:
    metric = PCK(radii=(5.0,))
    update(metric, distances, codes)

    result = figures(metric)

    assert math.isnan(result["l2"])
    assert result["pck@5"] == pytest.approx(share, nan_ok=True)


def test_a_ball_in_an_unknown_place_is_left_out() -> None:
    metric = PCK(radii=(5.0,))
    update(metric, [1.0, 3.0])
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.full((1, 1, 1, 2), math.nan),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        SIZE,
    )

    assert figures(metric) == pytest.approx({"l2": 2.0, "pck@5": 1.0})


def test_a_distance_of_exactly_the_radius_in_decimals() -> None:
    metric = PCK(radii=(5.0,))
    found = torch.tensor([129.1, 50.0]).view(1, 1, 1, 2)

    metric.update(
        Detections.at(found, torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.tensor([[[[124.1, 50.0]]]]),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        SIZE,
    )

    assert figures(metric)["pck@5"] == 1.0


def test_the_rule_says_why_there_are_no_counts() -> None:
    assert "no counts" in PCK().rule


def test_only_the_best_candidate_counts() -> None:
    metric = PCK(radii=(5.0,))
    detections = Detections.at(
        xy=torch.tensor([[[[7.0, 0.0], [0.0, 0.0]]]]),
        score=torch.tensor([[[0.9, 0.8]]]),
        present=torch.tensor([[[True, True]]]),
    )

    metric.update(detections, torch.zeros(1, 1, 1, 2), torch.tensor([[1]]), torch.tensor([[True]]), SIZE)

    assert figures(metric) == {"l2": 7.0, "pck@5": 0.0}


def test_radii_name_the_figures() -> None:
    metric = PCK(radii=[0.5, 3])  # type: ignore[arg-type]
    update(metric, [0.4, 1.0])

    assert figures(metric) == pytest.approx({"l2": 0.7, "pck@0.5": 0.5, "pck@3": 1.0})


def test_counts_of_several_processes_are_added() -> None:
    metric = PCK(radii=(2.0, 5.0))
    update(metric, [1.0, 3.0, None])

    metric.sync(dist_sync_fn=lambda state, group: [state, state], distributed_available=lambda: True)

    assert metric.within.tolist() == [2, 4]
    assert (metric.visible.item(), metric.found.item(), metric.distance.item()) == (6, 4, 8.0)


@pytest.mark.parametrize("radii", [(), (0.0,), (2.0, -1.0), (5.0, 5.0), (math.nan,)])
def test_impossible_radii_are_refused(radii: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"radii: .* must be different numbers above 0, in pixels"):
        PCK(radii=radii)
