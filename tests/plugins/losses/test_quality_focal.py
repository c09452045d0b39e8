"""Loss `quality_focal`."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tracknet_core.contracts import Target
from tracknet_plugins.losses.quality_focal import QualityFocal
from tracknet_plugins.losses.wbce import WBCE


def mean(loss: Any, logits: Tensor, values: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))).mean()
    return cost


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_quality_focal_worked_by_hand(beta: float) -> None:
    # p = 0.75 against y = 1 and y = 0.5, p = 0.5 against y = 0, p = 0.2 against y = 0.
    logits = torch.tensor([[[[math.log(3.0), math.log(3.0)], [0.0, math.log(0.25)]]]])
    target = torch.tensor([[[[1.0, 0.5], [0.0, 0.0]]]])
    expected = (
        -(
            0.25**beta * math.log(0.75)
            + 0.25**beta * (0.5 * math.log(0.75) + 0.5 * math.log(0.25))
            + 0.5**beta * math.log(0.5)
            + 0.2**beta * math.log(0.8)
        )
        / 4
    )
    torch.testing.assert_close(mean(QualityFocal(beta=beta), logits, target), torch.tensor(expected))


def test_of_a_binary_target_it_makes_what_wbce_makes() -> None:
    torch.manual_seed(0)
    logits, target = 3 * torch.randn(1, 1, 4, 6), (torch.rand(1, 1, 4, 6) > 0.5).float()
    torch.testing.assert_close(mean(QualityFocal(), logits, target), mean(WBCE(), logits, target))


def test_a_height_between_0_and_1_costs_nothing_where_it_is_reached() -> None:
    height = torch.full((1, 1, 2, 2), 0.7)
    assert mean(QualityFocal(), height.logit(), height) == pytest.approx(0, abs=1e-9)
    assert mean(QualityFocal(), height.logit() + 1, height) > 1e-3


@pytest.mark.parametrize("beta", [0.5, math.nan])
def test_a_bad_exponent_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match=r"beta: (0.5|nan) is no exponent"):
        QualityFocal(beta=beta)
