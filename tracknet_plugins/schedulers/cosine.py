"""Half a cosine from the learning rate down."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tracknet_core.registry import schedulers
from tracknet_plugins.schedulers.warmup import warmed_up, warmup_steps


@schedulers.register("cosine")
def cosine(
    *,
    optimizer: Optimizer,
    total_steps: int,
    steps_per_epoch: int,
    warmup_epochs: float = 1.0,
    warmup_start_factor: float = 0.01,
    min_lr_factor: float = 0.0,
) -> LRScheduler:
    """Return a linear warm-up, then half a cosine to the end of the training.

    The rates are those of ``LinearLR``, then ``CosineAnnealingLR`` (Loshchilov and Hutter, "SGDR", ICLR 2017, without
    restarts), over the steps that the warm-up leaves.

    Args:
        optimizer: each parameter group starts from its own ``lr``.
        total_steps: optimizer steps of the training.
        steps_per_epoch: optimizer steps of an epoch.
        warmup_epochs: length of the warm-up in epochs; 0 for none.
        warmup_start_factor: share of the learning rate at the first step.
        min_lr_factor: share of the learning rate that the cosine ends at, 0 to 1.

    Raises:
        ValueError: the warm-up is longer than the training, or a parameter is out of its range.
    """
    if not 0 <= min_lr_factor <= 1:
        raise ValueError(
            f"min_lr_factor: {min_lr_factor} is out of range. Give the share of the learning rate to end with, 0 to 1."
        )
    warmup = warmup_steps(warmup_epochs, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    decay = max(total_steps - warmup, 1)

    def factor(step: int) -> float:
        progress = min((step - warmup) / decay, 1.0)
        return min_lr_factor + (1 - min_lr_factor) * (1 + math.cos(math.pi * progress)) / 2

    return warmed_up(optimizer, factor, steps=warmup, start_factor=warmup_start_factor)
