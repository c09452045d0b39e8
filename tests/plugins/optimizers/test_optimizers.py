"""Optimizers: what they are set to, that groups keep their own values, one step worked by hand, and refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tracknet_core.testing import check_constructor
from tracknet_plugins.optimizers.adadelta import adadelta
from tracknet_plugins.optimizers.adam import adam
from tracknet_plugins.optimizers.adamw import adamw
from tracknet_plugins.optimizers.sgd import sgd

FACTORIES: list[Callable[..., torch.optim.Optimizer]] = [adamw, adam, sgd, adadelta]


def step_from_one(factory: Callable[..., torch.optim.Optimizer], gradient: float, **parameters: Any) -> float:
    """Return where a weight of 1 is after a step along a gradient."""
    weight = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = factory(params=[weight], **parameters)
    weight.grad = torch.tensor(gradient)
    optimizer.step()
    return weight.item()


@pytest.mark.parametrize(
    ("factory", "kind", "lr", "weight_decay"),
    [
        (adamw, torch.optim.AdamW, 1e-3, 0.01),
        (adam, torch.optim.Adam, 1e-3, 0.0),
        (sgd, torch.optim.SGD, 0.01, 0.0),
        (adadelta, torch.optim.Adadelta, 1.0, 0.0),
    ],
)
def test_defaults(
    factory: Callable[..., torch.optim.Optimizer], kind: type[torch.optim.Optimizer], lr: float, weight_decay: float
) -> None:
    optimizer = factory(params=[torch.nn.Parameter(torch.zeros(2))])

    assert type(optimizer) is kind
    assert optimizer.defaults["lr"] == lr
    assert optimizer.defaults["weight_decay"] == weight_decay


@pytest.mark.parametrize("factory", FACTORIES)
def test_the_contract_is_kept(factory: Callable[..., torch.optim.Optimizer]) -> None:
    check_constructor("optimizers", factory)


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_group_keeps_what_it_sets_itself(factory: Callable[..., torch.optim.Optimizer]) -> None:
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(2))]},
        {"params": [torch.nn.Parameter(torch.zeros(2))], "weight_decay": 0.0},
        {"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.002},
    ]

    optimizer = factory(params=groups, lr=0.02, weight_decay=0.3)

    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.02, 0.002]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3, 0.0, 0.3]


def test_adamw_decays_apart_from_the_gradient() -> None:
    # The first step of Adam is lr * sign(gradient); the decay is lr * weight_decay * weight.
    assert step_from_one(adamw, 0.4, lr=0.1, weight_decay=0.5) == pytest.approx(1 - 0.1 * 0.5 - 0.1, abs=1e-6)


def test_adam_adds_the_decay_to_the_gradient() -> None:
    assert step_from_one(adam, -0.4, lr=0.1, weight_decay=0.5) == pytest.approx(1 - 0.1, abs=1e-6)
    assert step_from_one(adam, -0.6, lr=0.1, weight_decay=0.5) == pytest.approx(1 + 0.1, abs=1e-6)


def test_sgd_goes_along_the_gradient_and_with_nesterov_further() -> None:
    assert step_from_one(sgd, 0.4, lr=0.1) == pytest.approx(1 - 0.04)
    assert step_from_one(sgd, 0.4, lr=0.1, nesterov=True) == pytest.approx(1 - 0.1 * (0.4 + 0.9 * 0.4))


def test_adadelta_takes_the_step_of_its_paper() -> None:
    # RMS of past steps over RMS of gradients, both decayed means with rho = 0.9.
    expected = 1 - math.sqrt(1e-6) / math.sqrt(0.1 * 0.4**2 + 1e-6) * 0.4
    assert step_from_one(adadelta, 0.4) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("name", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, math.nan])
def test_negative_rates_are_refused(factory: Callable[..., torch.optim.Optimizer], name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: {value} is out of range. Give a number of at least 0"):
        factory(params=[torch.nn.Parameter(torch.zeros(2))], **{name: value})


@pytest.mark.parametrize(
    ("factory", "parameters", "message"),
    [
        (adamw, {"betas": (0.9, 1.0)}, r"betas\[1\]: 1.0 is out of range"),
        (adam, {"betas": (-0.1, 0.9)}, r"betas\[0\]: -0.1 is out of range"),
        (adamw, {"eps": -1.0}, "eps: -1.0"),
        (adam, {"eps": -1.0}, "eps: -1.0"),
        (adadelta, {"rho": 1.5}, "rho: 1.5 is out of range. Give a number from 0 to below 1"),
        (adadelta, {"eps": -1.0}, "eps: -1.0"),
        (sgd, {"momentum": 1.0}, "momentum: 1.0"),
        (sgd, {"momentum": 0.0, "nesterov": True}, "nesterov: True has no meaning with momentum 0"),
    ],
)
def test_parameters_of_one_optimizer_out_of_range_are_refused(
    factory: Callable[..., torch.optim.Optimizer], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        factory(params=[torch.nn.Parameter(torch.zeros(2))], **parameters)


def test_betas_from_yaml_are_a_list() -> None:
    step_from_one(adamw, 0.4, betas=[0.8, 0.9])
