"""Stochastic gradient descent."""

from __future__ import annotations

import torch
from torch.optim.optimizer import ParamsT

from tracknet_core.registry import optimizers
from tracknet_plugins.optimizers.limits import require_decay_rates, require_not_negative


@optimizers.register("sgd")
def sgd(
    *,
    params: ParamsT,
    lr: float = 0.01,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Return stochastic gradient descent with momentum.

    Args:
        params: parameter groups; what a group sets itself, it keeps.
        lr: learning rate.
        weight_decay: L2 penalty, added to the gradient.
        momentum: share of the last step that is kept; 0 for none.
        nesterov: look ahead by the momentum (Sutskever et al., ICML 2013); needs a momentum.

    Raises:
        ValueError: a parameter is out of its range, or ``nesterov`` is without momentum.
    """
    require_not_negative(lr=lr, weight_decay=weight_decay)
    require_decay_rates(momentum=momentum)
    if nesterov and momentum == 0:
        raise ValueError(
            "nesterov: True has no meaning with momentum 0. Give a momentum, such as 0.9, or leave it out."
        )
    return torch.optim.SGD(params, lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov)
