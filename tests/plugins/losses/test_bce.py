"""Loss `bce`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tracknet_core.contracts import Target
from tracknet_plugins.losses.bce import BCE


def mean(loss: Any, logits: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))).mean()
    return cost


def test_bce_worked_by_hand() -> None:
    # p = 0.75 against y = 1 and y = 0.5, p = 0.5 against y = 0, p = 0.2 against y = 0.
    logits = torch.tensor([[[[math.log(3.0), math.log(3.0)], [0.0, math.log(0.25)]]]])
    target = torch.tensor([[[[1.0, 0.5], [0.0, 0.0]]]])
    expected = -(math.log(0.75) + 0.5 * math.log(0.75) + 0.5 * math.log(0.25) + math.log(0.5) + math.log(0.8)) / 4

    torch.testing.assert_close(mean(BCE(), logits, target, torch.ones(1, 1)), torch.tensor(expected))


def test_bce_is_least_at_the_target() -> None:
    target = torch.tensor([[[[0.2, 0.9], [0.5, 0.1]]]])
    logits = target.logit().requires_grad_()

    mean(BCE(), logits, target, torch.ones(1, 1)).backward()

    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), atol=1e-7, rtol=0)
