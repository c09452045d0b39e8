"""Schedulers: the learning rate at each step, a resume from the state, and refusals."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler

from tracknet_core.testing import check_constructor
from tracknet_plugins.schedulers.constant import constant
from tracknet_plugins.schedulers.cosine import cosine
from tracknet_plugins.schedulers.multistep import multistep


def make_optimizer(*lrs: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in lrs])


def rates(optimizer: torch.optim.Optimizer, scheduler: LRScheduler, steps: int) -> list[list[float]]:
    """Return, for each group, the learning rate that each of the next steps is taken with."""
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return [list(group) for group in zip(*seen, strict=True)]


def test_cosine_warms_up_and_ends_at_zero() -> None:
    optimizer = make_optimizer(2.0)
    scheduler = cosine(
        optimizer=optimizer, total_steps=8, steps_per_epoch=4, warmup_epochs=1.0, warmup_start_factor=0.2
    )

    (seen,) = rates(optimizer, scheduler, 9)

    # Rise by 0.2 of the rate at each of 4 steps, then half a cosine over 4.
    half = math.sqrt(0.5)
    assert seen == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0, 1 + half, 1.0, 1 - half, 0.0])


def test_cosine_equals_torch_linear_then_cosine() -> None:
    total, warmup = 50, 12
    optimizer = make_optimizer(0.3)
    (seen,) = rates(
        optimizer,
        cosine(optimizer=optimizer, total_steps=total, steps_per_epoch=8, warmup_epochs=1.5, min_lr_factor=0.1),
        total,
    )

    rising, falling = make_optimizer(0.3), make_optimizer(0.3)
    (rise,) = rates(rising, LinearLR(rising, start_factor=0.01, total_iters=warmup), warmup)
    (fall,) = rates(falling, CosineAnnealingLR(falling, T_max=total - warmup, eta_min=0.03), total - warmup)
    assert seen == pytest.approx(rise + fall)


def test_cosine_without_warm_up_starts_at_the_full_rate() -> None:
    optimizer = make_optimizer(1.0)
    scheduler = cosine(optimizer=optimizer, total_steps=4, steps_per_epoch=2, warmup_epochs=0, min_lr_factor=0.5)

    (seen,) = rates(optimizer, scheduler, 5)

    half = math.sqrt(0.5) / 4
    assert seen == pytest.approx([1.0, 0.75 + half, 0.75, 0.75 - half, 0.5])


def test_cosine_stays_at_its_end_when_training_goes_on() -> None:
    optimizer = make_optimizer(1.0)
    scheduler = cosine(optimizer=optimizer, total_steps=4, steps_per_epoch=2, min_lr_factor=0.25)

    (seen,) = rates(optimizer, scheduler, 8)

    assert seen[4:] == [0.25] * 4


def test_each_group_follows_from_its_own_rate() -> None:
    optimizer = make_optimizer(1.0, 0.1)
    scheduler = cosine(optimizer=optimizer, total_steps=10, steps_per_epoch=2, min_lr_factor=0.2)

    head, backbone = rates(optimizer, scheduler, 11)

    assert backbone == pytest.approx([rate / 10 for rate in head])
    assert head[-1] == pytest.approx(0.2)


def test_a_warm_up_as_long_as_the_training_only_rises() -> None:
    optimizer = make_optimizer(1.0)
    scheduler = cosine(optimizer=optimizer, total_steps=2, steps_per_epoch=2, warmup_start_factor=0.5)

    (seen,) = rates(optimizer, scheduler, 3)

    assert seen == pytest.approx([0.5, 0.75, 1.0])


def test_multistep_falls_at_epochs_counted_from_the_start() -> None:
    optimizer = make_optimizer(1.0)
    scheduler = multistep(
        optimizer=optimizer,
        total_steps=8,
        steps_per_epoch=2,
        milestones=[2, 3],
        gamma=0.1,
        warmup_epochs=1,
        warmup_start_factor=0.5,
    )

    (seen,) = rates(optimizer, scheduler, 8)

    assert seen == pytest.approx([0.5, 0.75, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01])


def test_constant_stays_after_its_warm_up() -> None:
    optimizer = make_optimizer(0.2)
    scheduler = constant(
        optimizer=optimizer, total_steps=6, steps_per_epoch=4, warmup_epochs=0.5, warmup_start_factor=0.5
    )

    (seen,) = rates(optimizer, scheduler, 6)

    assert seen == pytest.approx([0.1, 0.15, 0.2, 0.2, 0.2, 0.2])


def test_constant_alone_changes_nothing() -> None:
    optimizer = make_optimizer(0.2)

    (seen,) = rates(optimizer, constant(optimizer=optimizer, total_steps=3, steps_per_epoch=3), 3)

    assert seen == [0.2, 0.2, 0.2]


FACTORIES: list[tuple[Callable[..., LRScheduler], dict[str, Any]]] = [
    (cosine, {"warmup_epochs": 1.5}),
    (multistep, {"milestones": [1, 4], "warmup_epochs": 1.5}),
    (constant, {"warmup_epochs": 3.0}),
]


@pytest.mark.parametrize("factory", [factory for factory, _ in FACTORIES])
def test_the_contract_is_kept(factory: Callable[..., LRScheduler]) -> None:
    check_constructor("schedulers", factory)


@pytest.mark.parametrize(("factory", "parameters"), FACTORIES)
@pytest.mark.parametrize("pause", [3, 6, 7, 13])
def test_a_resumed_scheduler_goes_on_with_equal_rates(
    factory: Callable[..., LRScheduler], parameters: dict[str, Any], pause: int
) -> None:
    def make() -> tuple[torch.optim.Optimizer, LRScheduler]:
        optimizer = make_optimizer(0.37, 0.05)
        return optimizer, factory(optimizer=optimizer, total_steps=20, steps_per_epoch=4, **parameters)

    whole = rates(*make(), 20)
    optimizer, scheduler = make()
    before = rates(optimizer, scheduler, pause)
    states = pickle.dumps((optimizer.state_dict(), scheduler.state_dict()))

    optimizer, scheduler = make()
    optimizer_state, scheduler_state = pickle.loads(states)
    optimizer.load_state_dict(optimizer_state)
    scheduler.load_state_dict(scheduler_state)
    after = rates(optimizer, scheduler, 20 - pause)

    assert [first + second for first, second in zip(before, after, strict=True)] == whole


@pytest.mark.parametrize(("factory", "parameters"), FACTORIES)
def test_the_state_is_made_of_plain_values(
    factory: Callable[..., LRScheduler], parameters: dict[str, Any], tmp_path: Any
) -> None:
    scheduler = factory(optimizer=make_optimizer(1.0), total_steps=20, steps_per_epoch=4, **parameters)

    torch.save(scheduler.state_dict(), tmp_path / "state.pt")

    assert torch.load(tmp_path / "state.pt", weights_only=True)["base_lrs"] == [1.0]


@pytest.mark.parametrize(("factory", "parameters"), FACTORIES)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"warmup_epochs": 5.5}, r"warmup_epochs: 5.5 is longer than the training, 5 epochs \(20 steps\)"),
        ({"warmup_epochs": -1.0}, "warmup_epochs: -1.0 is no length"),
        ({"warmup_start_factor": 0.0}, "warmup_start_factor: 0.0 is out of range"),
        ({"warmup_start_factor": 1.1}, "above 0 and at most 1"),
    ],
)
def test_impossible_warm_ups_are_refused(
    factory: Callable[..., LRScheduler], parameters: dict[str, Any], wrong: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        factory(optimizer=make_optimizer(1.0), total_steps=20, steps_per_epoch=4, **{**parameters, **wrong})


@pytest.mark.parametrize(
    ("factory", "parameters", "message"),
    [
        (cosine, {"min_lr_factor": 1.5}, "min_lr_factor: 1.5 is out of range"),
        (cosine, {"min_lr_factor": -0.1}, "min_lr_factor: -0.1"),
        (multistep, {"milestones": [3, 2]}, r"milestones: \[3, 2\] must be epochs of at least 1 in ascending order"),
        (multistep, {"milestones": [2, 2]}, r"milestones: \[2, 2\]"),
        (multistep, {"milestones": [0, 2]}, r"milestones: \[0, 2\]"),
        (multistep, {"milestones": [2], "gamma": 0.0}, "gamma: 0.0 is out of range"),
        (multistep, {"milestones": [2], "gamma": 1.1}, "above 0 and at most 1"),
    ],
)
def test_parameters_of_one_scheduler_out_of_range_are_refused(
    factory: Callable[..., LRScheduler], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        factory(optimizer=make_optimizer(1.0), total_steps=20, steps_per_epoch=4, **parameters)
