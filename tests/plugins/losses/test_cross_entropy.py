"""Loss `cross_entropy`."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Form, Target
from tracknet_core.testing import check_constructor, check_loss
from tracknet_plugins.losses.cross_entropy import CrossEntropy

FORM = Form("classes", channels=5, indices=True)


def target(values: torch.Tensor, weight: torch.Tensor) -> Target:
    return Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_contract_is_kept(gamma: float) -> None:
    check_constructor("losses", CrossEntropy)
    check_loss(CrossEntropy(gamma=gamma), form=FORM)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_it_is_the_weighted_mean_over_frames_of_the_mean_over_cells(gamma: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 4, 6, generator=generator)
    values = torch.randint(5, (2, 3, 4, 6), generator=generator)
    weight = torch.tensor([[1.0, 2.0, 0.0], [0.5, 1.0, 1.0]])
    expected = 0.0
    for b in range(2):
        for k in range(3):
            for y in range(4):
                for x in range(6):
                    exponentials = [math.exp(value) for value in logits[b, k, :, y, x].tolist()]
                    p = exponentials[int(values[b, k, y, x])] / sum(exponentials)
                    expected -= float(weight[b, k]) * (1 - p) ** gamma * math.log(p) / 24
    cost = CrossEntropy(gamma=gamma)(logits, target(values, weight))
    assert float(cost.total) == pytest.approx(expected, rel=1e-5)
    assert float(cost.count) == 5.5


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_extreme_logits_stay_finite_and_half_types_are_summed_in_float32(gamma: float) -> None:
    values = torch.randint(5, (1, 2, 4, 6), generator=torch.Generator().manual_seed(0))
    for extreme in (60.0, -60.0):
        logits = torch.zeros(1, 2, 5, 4, 6, dtype=torch.bfloat16)
        logits[:, :, 2] = extreme
        logits.requires_grad_()
        total = CrossEntropy(gamma=gamma)(logits, target(values, torch.ones(1, 2))).total
        total.backward()
        assert total.dtype == torch.float32
        assert total.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


def test_a_negative_exponent_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gamma: -1\.0 is no exponent"):
        CrossEntropy(gamma=-1.0)
