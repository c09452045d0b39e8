"""AdamW."""

from __future__ import annotations

import torch
from torch.optim.optimizer import ParamsT

from tracknet_core.registry import optimizers
from tracknet_plugins.optimizers.limits import require_decay_rates, require_not_negative


@optimizers.register("adamw")
def adamw(
    *,
    params: ParamsT,
    lr: float = 1e-3,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019).

    Args:
        params: parameter groups; what a group sets itself, it keeps.
        lr: learning rate.
        weight_decay: share of a weight that decays per step, times the learning rate.
        betas: decay rates of the running means of the gradient and of its square.
        eps: added to the denominator.

    Raises:
        ValueError: a parameter is out of its range.
    """
    require_not_negative(lr=lr, weight_decay=weight_decay, eps=eps)
    require_decay_rates(**{f"betas[{index}]": beta for index, beta in enumerate(betas)})
    return torch.optim.AdamW(params, lr=lr, weight_decay=weight_decay, betas=betas, eps=eps)
