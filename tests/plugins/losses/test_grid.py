"""Loss `grid`."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Form, Target
from tracknet_core.testing import check_constructor, check_loss
from tracknet_plugins.losses.grid import GridLoss

FORM = Form("offsets", channels=3)


def target(weight: torch.Tensor) -> Target:
    """One ball per frame in grids of 4 x 3 cells, but for the last frame."""
    values = torch.zeros(*weight.shape, 3, 3, 4)
    values[:, :, :, 1, 2] = torch.tensor([1.0, 0.25, 0.75])
    values[-1, -1] = 0
    return Target(values, weight, values[:, :, 0].flatten(2).any(dim=-1))


def test_the_contract_is_kept() -> None:
    check_constructor("losses", GridLoss)
    check_loss(GridLoss(), form=FORM)
    check_loss(GridLoss(offset_weight=1.0), form=FORM)


def test_it_is_a_focal_loss_of_the_cells_and_the_distance_in_that_of_the_ball() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 3, 3, 4, generator=generator)
    wanted = target(torch.tensor([[1.0, 2.0], [0.0, 0.5]]))
    expected = 0.0
    for b in range(2):
        for k in range(2):
            cost = 0.0
            for y in range(3):
                for x in range(4):
                    p, dx, dy = (1 / (1 + math.exp(-value)) for value in logits[b, k, :, y, x].tolist())
                    if wanted.values[b, k, 0, y, x]:
                        cost -= 0.7 * (1 - p) ** 1.5 * math.log(p) / 12
                        cost += 0.1 * (abs(dx - 0.25) + abs(dy - 0.75))
                    else:
                        cost -= 0.3 * p**1.5 * math.log(1 - p) / 12
            expected += float(wanted.weight[b, k]) * cost
    cost = GridLoss(alpha=0.7, gamma=1.5, offset_weight=0.1)(logits, wanted)
    assert float(cost.total) == pytest.approx(expected, rel=1e-5)
    assert float(cost.count) == 3.5


def test_the_place_in_a_cell_without_a_ball_is_nobodys_business() -> None:
    logits = torch.zeros(1, 1, 3, 3, 4, requires_grad=True)
    GridLoss()(logits, target(torch.ones(1, 1))).total.backward()  # the last frame, without a ball
    assert logits.grad is not None
    assert (logits.grad[:, :, 0] > 0).all()
    assert not logits.grad[:, :, 1:].any()


def test_extreme_logits_stay_finite_and_half_types_are_summed_in_float32() -> None:
    for extreme in (90.0, -90.0):
        logits = torch.full((2, 2, 3, 3, 4), extreme, dtype=torch.bfloat16, requires_grad=True)
        total = GridLoss()(logits, target(torch.ones(2, 2))).total
        total.backward()
        assert total.dtype == torch.float32
        assert total.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("name", "value"), [("alpha", 1.5), ("alpha", -0.5), ("gamma", -1.0), ("offset_weight", -1.0)])
def test_bad_values_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name}: {value}"):
        GridLoss(**{name: value})
