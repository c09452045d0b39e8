"""Loss `mse`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tracknet_core.contracts import Target
from tracknet_plugins.losses.mse import MSE


def mean(loss: Any, logits: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))).mean()
    return cost


def test_mse_worked_by_hand() -> None:
    # Heights 0.5, 0.75, 0.5, 0.2 against 0.5, 1, 0, 0: squares 0, 0.0625, 0.25, 0.04.
    logits = torch.tensor([[[[0.0, math.log(3.0)], [0.0, math.log(0.25)]]]])
    target = torch.tensor([[[[0.5, 1.0], [0.0, 0.0]]]])

    torch.testing.assert_close(mean(MSE(), logits, target, torch.ones(1, 1)), torch.tensor(0.3525 / 4))


def test_mse_is_zero_at_the_target() -> None:
    target = torch.tensor([[[[0.2, 0.9], [0.5, 0.1]]]])

    assert mean(MSE(), target.logit(), target, torch.ones(1, 1)) < 1e-12
