"""Loss `softmax_bce`."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Form, Target
from tracknet_core.testing import check_constructor, check_loss
from tracknet_plugins.losses.softmax_bce import SoftmaxBCE

SIDES = Form("sides", layout="sides")


def test_the_contract_is_kept() -> None:
    check_constructor("losses", SoftmaxBCE)
    values = torch.rand(2, 3, 25, generator=torch.Generator().manual_seed(0))
    check_loss(SoftmaxBCE(), form=SIDES, values=values / values.sum(-1, keepdim=True))


def test_a_sum_over_cells_and_frames_by_weight_worked_by_hand() -> None:
    logits = torch.tensor([[[0.75, 0.25], [0.5, 0.5]]]).log()
    values = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    weight = torch.tensor([[2.0, 3.0]])
    first = -math.log(0.75) - math.log(1 - 0.25)
    second = -2 * math.log(0.5)

    cost = SoftmaxBCE()(logits, Target(values, weight, weight > 0))

    assert cost.total.item() == pytest.approx(2 * first + 3 * second)
    assert cost.count.item() == 5


@pytest.mark.parametrize("extreme", [0.0, 200.0])
def test_the_surest_distributions_stay_finite_and_wrong_ones_learn(extreme: float) -> None:
    scores = torch.tensor([[[extreme, 0.0, 0.0, 0.0]]], requires_grad=True)
    target = Target(torch.tensor([[[0.0, 1.0, 0.0, 0.0]]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))

    loss = SoftmaxBCE()(scores.log_softmax(-1), target).mean()
    loss.backward()

    assert loss.isfinite()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
    assert scores.grad[0, 0, 0] > 0 > scores.grad[0, 0, 1]


def test_the_loss_is_float32_for_half_logits() -> None:
    logits = torch.randn(1, 2, 5, generator=torch.Generator().manual_seed(0)).log_softmax(-1).bfloat16()
    target = Target(torch.full((1, 2, 5), 0.2), torch.ones(1, 2), torch.ones(1, 2, dtype=torch.bool))
    assert SoftmaxBCE()(logits, target).total.dtype == torch.float32
