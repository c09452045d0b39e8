"""Adam."""

from __future__ import annotations

import torch
from torch.optim.optimizer import ParamsT

from tracknet_core.registry import optimizers
from tracknet_plugins.optimizers.limits import require_decay_rates, require_not_negative


@optimizers.register("adam")
def adam(
    *,
    params: ParamsT,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> torch.optim.Optimizer:
    """Return Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015).

    Args:
        params: parameter groups; what a group sets itself, it keeps.
        lr: learning rate.
        weight_decay: L2 penalty, added to the gradient; ``adamw`` decays weights apart from it.
        betas: decay rates of the running means of the gradient and of its square.
        eps: added to the denominator.

    Raises:
        ValueError: a parameter is out of its range.
    """
    require_not_negative(lr=lr, weight_decay=weight_decay, eps=eps)
    require_decay_rates(**{f"betas[{index}]": beta for index, beta in enumerate(betas)})
    return torch.optim.Adam(params, lr=lr, weight_decay=weight_decay, betas=betas, eps=eps)
