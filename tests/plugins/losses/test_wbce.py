"""Loss `wbce`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tracknet_core.contracts import Target
from tracknet_plugins.losses.wbce import WBCE


def mean(loss: Any, logits: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))).mean()
    return cost


def test_wbce_worked_by_hand() -> None:
    # p = 0.75 against y = 1 and y = 0.5, p = 0.5 against y = 0, p = 0.2 against y = 0.
    logits = torch.tensor([[[[math.log(3.0), math.log(3.0)], [0.0, math.log(0.25)]]]])
    target = torch.tensor([[[[1.0, 0.5], [0.0, 0.0]]]])
    expected = (
        -(
            0.25**2 * math.log(0.75)
            + 0.25**2 * 0.5 * math.log(0.75)
            + 0.75**2 * 0.5 * math.log(0.25)
            + 0.5**2 * math.log(0.5)
            + 0.2**2 * math.log(0.8)
        )
        / 4
    )

    torch.testing.assert_close(mean(WBCE(), logits, target, torch.ones(1, 1)), torch.tensor(expected))


def test_wbce_forgives_a_cell_that_is_nearly_right() -> None:
    target = torch.tensor([[[[1.0, 0.0]]]])
    near = torch.tensor([[[[math.log(9.0), -math.log(9.0)]]]])  # p = 0.9 and 0.1

    # Each cell costs 0.1^2 * -log 0.9, a hundredth of the plain cross-entropy.
    torch.testing.assert_close(mean(WBCE(), near, target, torch.ones(1, 1)), torch.tensor(-0.01 * math.log(0.9)))
