"""Loss `soft_iou`."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Target
from tracknet_plugins.losses.soft_iou import SoftIoU


def target(values: torch.Tensor, weight: torch.Tensor | None = None) -> Target:
    shape = values.shape[:2]
    return Target(values, torch.ones(shape) if weight is None else weight, torch.ones(shape, dtype=torch.bool))


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_soft_iou_worked_by_hand(smooth: float) -> None:
    # A window of two frames of one row: p = 0.75 and 0.5 against 1 and 0; p = 0.2 and 0.5 against 0 and 0.5.
    logits = torch.tensor([[[[math.log(3.0), 0.0]], [[math.log(0.25), 0.0]]]])
    values = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.5]]]])
    both = 0.75 + 0.5 * 0.5
    either = 1.0 + 0.5 + 0.2 + (0.5 + 0.5 - 0.25)
    cost = SoftIoU(smooth=smooth)(logits, target(values))
    assert cost.mean().item() == pytest.approx(1 - (both + 2 * smooth) / (either + 2 * smooth), rel=1e-6)
    assert cost.count.item() == 2


def test_windows_count_as_often_as_their_frames() -> None:
    torch.manual_seed(0)
    logits, values = torch.randn(3, 2, 4, 5), torch.rand(3, 2, 4, 5)
    weight = torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 0.5]])
    alone = torch.stack([SoftIoU()(logits[:1], target(values[:1])).mean()])
    for i, frame in ((1, 0), (2, 1)):  # of which one frame counts alone
        one = slice(frame, frame + 1)
        cost = SoftIoU()(logits[i : i + 1, one], target(values[i : i + 1, one])).mean()
        alone = torch.cat((alone, cost[None]))
    expected = (alone * torch.tensor([2.0, 2.0, 0.5])).sum() / 4.5
    torch.testing.assert_close(SoftIoU()(logits, target(values, weight)).mean(), expected)


def test_a_window_without_a_ball_trains_only_where_it_is_smoothed() -> None:
    values = torch.zeros(1, 2, 3, 4)
    for smooth, trains in ((0.0, False), (1.0, True)):
        logits = torch.zeros(1, 2, 3, 4, requires_grad=True)
        cost = SoftIoU(smooth=smooth)(logits, target(values)).mean()
        cost.backward()
        assert logits.grad is not None
        assert bool(logits.grad.any()) == trains


def test_nothing_asked_and_nothing_said_is_finite() -> None:
    logits = torch.full((1, 1, 2, 2), -200.0, requires_grad=True)
    cost = SoftIoU(smooth=0.0)(logits, target(torch.zeros(1, 1, 2, 2))).mean()
    cost.backward()
    assert cost.item() == 1
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


@pytest.mark.parametrize("smooth", [-1.0, math.nan])
def test_a_negative_number_of_cells_is_refused(smooth: float) -> None:
    with pytest.raises(ValueError, match=r"smooth: (-1.0|nan) is no number of cells"):
        SoftIoU(smooth=smooth)
