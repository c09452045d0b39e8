"""Loss `focal`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tracknet_core.contracts import Target
from tracknet_plugins.losses.focal import Focal


def mean(loss: Any, logits: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))).mean()
    return cost


def test_focal_worked_by_hand() -> None:
    # One ball, in the first cell though it has only 0.8 there; p = 0.75, 0.5, 0.2.
    logits = torch.tensor([[[[math.log(3.0), 0.0, math.log(0.25)]]]])
    target = torch.tensor([[[[0.8, 0.6, 0.0]]]])
    expected = -(0.25**2 * math.log(0.75) + 0.4**4 * 0.5**2 * math.log(0.5) + 0.2**2 * math.log(0.8))

    torch.testing.assert_close(mean(Focal(), logits, target, torch.ones(1, 1)), torch.tensor(expected))


def test_focal_equals_a_loop_over_the_cells_and_divides_by_the_balls() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 2, 5, 6))
    target = np.zeros((2, 2, 5, 6))
    rows, columns = np.mgrid[:5, :6]
    places = {(0, 0): (1.4, 2.2), (0, 1): (3.5, 4.1), (1, 0): (0.0, 5.0)}  # the fourth frame has no ball
    for frame, (row, column) in places.items():
        target[frame] = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)
    balls = {(0, 0): (1, 2), (0, 1): (3, 4), (1, 0): (0, 5)}  # of rows 3 and 4, equally near to 3.5, the first
    weight = np.array([[1.0, 0.5], [2.0, 1.0]])
    alpha, beta = 1.5, 3.0

    total = 0.0
    for b, k, i, j in np.ndindex(logits.shape):
        p = 1 / (1 + math.exp(-logits[b, k, i, j]))
        if balls.get((b, k)) == (i, j):
            cost = -((1 - p) ** alpha) * math.log(p)
        else:
            cost = -((1 - target[b, k, i, j]) ** beta) * p**alpha * math.log(1 - p)
        total += weight[b, k] * cost

    value = mean(
        Focal(alpha=alpha, beta=beta),
        *(torch.tensor(array, dtype=torch.float32) for array in (logits, target, weight)),
    )
    torch.testing.assert_close(value, torch.tensor(total / 3.5, dtype=torch.float32))


def test_the_tail_of_a_ball_outside_is_no_ball() -> None:
    logits = torch.zeros(1, 1, 1, 3)
    target = torch.tensor([[[[0.3, 0.1, 0.0]]]])
    expected = -(0.7**4 + 0.9**4 + 1) * 0.25 * math.log(0.5)

    torch.testing.assert_close(mean(Focal(), logits, target, torch.ones(1, 1)), torch.tensor(expected))


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_negative_exponents_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: -1.0 is no exponent of a focal loss. Give a number of at least 0"):
        Focal(**{name: -1.0})
