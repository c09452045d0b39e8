"""Adadelta."""

from __future__ import annotations

import torch
from torch.optim.optimizer import ParamsT

from tracknet_core.registry import optimizers
from tracknet_plugins.optimizers.limits import require_decay_rates, require_not_negative


@optimizers.register("adadelta")
def adadelta(
    *,
    params: ParamsT,
    lr: float = 1.0,
    weight_decay: float = 0.0,
    rho: float = 0.9,
    eps: float = 1e-6,
) -> torch.optim.Optimizer:
    """Return Adadelta (Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012), which TrackNet and TrackNetV2 used.

    Args:
        params: parameter groups; what a group sets itself, it keeps.
        lr: factor of the steps that the method finds, 1 in the paper.
        weight_decay: L2 penalty, added to the gradient.
        rho: decay rate of the running means.
        eps: added under the roots; it also sets the first steps.

    Raises:
        ValueError: a parameter is out of its range.
    """
    require_not_negative(lr=lr, weight_decay=weight_decay, eps=eps)
    require_decay_rates(rho=rho)
    return torch.optim.Adadelta(params, lr=lr, weight_decay=weight_decay, rho=rho, eps=eps)
