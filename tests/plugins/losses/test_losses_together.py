"""What every loss keeps: weights, empty batches, extreme logits, float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Target
from tracknet_core.testing import check_constructor, check_loss
from tracknet_plugins.losses.bce import BCE
from tracknet_plugins.losses.focal import Focal
from tracknet_plugins.losses.mse import MSE
from tracknet_plugins.losses.quality_focal import QualityFocal
from tracknet_plugins.losses.soft_iou import SoftIoU
from tracknet_plugins.losses.wbce import WBCE


def mean(loss: Any, logits: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch alone."""
    cost: Tensor = loss(logits, Target(values, weight, torch.ones(weight.shape, dtype=torch.bool))).mean()
    return cost


LOSSES = [MSE(), Focal(), BCE(), QualityFocal(), SoftIoU(), WBCE()]


@pytest.fixture(params=LOSSES, ids=lambda loss: type(loss).__name__)
def loss(request: pytest.FixtureRequest) -> nn.Module:
    module: nn.Module = request.param
    return module


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Logits and targets (2, 3, 6, 8); one ball in each frame but the last."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 6, 8, generator=generator)
    row, column = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    target = torch.exp(-((row - 2.3) ** 2 + (column - 4.6) ** 2) / 4).repeat(2, 3, 1, 1)
    target[1, 2] = 0
    return logits, target


def test_the_contract_is_kept(loss: nn.Module) -> None:
    check_constructor("losses", type(loss))
    check_loss(loss)


def test_a_frame_of_weight_zero_is_as_if_it_were_not_there(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    logits, target = batch
    weight = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    logits = logits.clone().requires_grad_()

    value = mean(loss, logits, target, weight)
    value.backward()

    torch.testing.assert_close(value, mean(loss, logits[:1], target[:1], weight[:1]))
    assert logits.grad is not None
    assert logits.grad[0].abs().sum() > 0
    assert torch.equal(logits.grad[1], torch.zeros(3, 6, 8))


def test_a_frame_of_weight_two_counts_as_two(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    logits, target = batch
    twice = mean(loss, logits[:, [0, 0, 1, 2]], target[:, [0, 0, 1, 2]], torch.ones(2, 4))

    torch.testing.assert_close(mean(loss, logits, target, torch.tensor([[2.0, 1.0, 1.0]] * 2)), twice)


def test_the_scale_of_all_weights_does_not_matter(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    logits, target = batch

    torch.testing.assert_close(
        mean(loss, logits, target, torch.full((2, 3), 0.1)), mean(loss, logits, target, torch.ones(2, 3))
    )


def test_no_frame_at_all_costs_nothing_and_has_a_gradient_of_zeros(
    loss: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    logits, target = batch
    logits = logits.clone().requires_grad_()

    value = mean(loss, logits, target, torch.zeros(2, 3))
    value.backward()

    assert value.shape == ()
    assert value == 0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_frames_without_a_ball_are_pressed_down(loss: nn.Module) -> None:
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)

    mean(loss, logits, torch.zeros(1, 1, 4, 4), torch.ones(1, 1)).backward()

    assert logits.grad is not None
    assert (logits.grad > 0).all()


def test_extreme_logits_stay_finite(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    _, target = batch
    for extreme in (200.0, -200.0):
        logits = torch.full_like(target, extreme).requires_grad_()
        value = mean(loss, logits, target, torch.ones(2, 3))
        value.backward()
        assert value.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


def test_the_loss_is_float32_for_half_logits_and_under_autocast(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    logits, target = batch
    logits = logits.bfloat16()
    exact = mean(loss, logits.float(), target, torch.ones(2, 3))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = mean(loss, logits, target, torch.ones(2, 3))

    assert value.dtype == torch.float32
    assert torch.equal(value, exact)


def test_weights_of_a_half_type_count_a_thousand_frames(loss: nn.Module) -> None:
    logits, target = torch.zeros(1, 1003, 2, 2), torch.ones(1, 1003, 2, 2)
    exact = mean(loss, logits, target, torch.ones(1, 1003))

    assert mean(loss, logits, target, torch.ones(1, 1003, dtype=torch.bfloat16)) == exact


def test_descending_a_gradient_finds_the_ball(loss: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    _, target = batch
    logits = torch.zeros_like(target).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(80):
        optimizer.zero_grad()
        mean(loss, logits, target, torch.ones(2, 3)).backward()
        optimizer.step()

    heights = logits.detach().sigmoid()
    balls, places = heights.flatten(2).max(dim=-1)
    with_ball = torch.ones(2, 3, dtype=torch.bool)
    with_ball[1, 2] = False
    assert (places[with_ball] == 2 * 8 + 5).all()  # row 2, column 5: the cell nearest to (4.6, 2.3)
    assert (balls[with_ball] > 0.6).all()
    assert balls[1, 2] < 0.2
