"""A constant learning rate."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tracknet_core.registry import schedulers
from tracknet_plugins.schedulers.warmup import warmed_up, warmup_steps


@schedulers.register("constant")
def constant(
    *,
    optimizer: Optimizer,
    total_steps: int,
    steps_per_epoch: int,
    warmup_epochs: float = 0.0,
    warmup_start_factor: float = 0.01,
) -> LRScheduler:
    """Return a linear warm-up to the learning rate, which then stays.

    Args:
        optimizer: each parameter group starts from its own ``lr``.
        total_steps: optimizer steps of the training.
        steps_per_epoch: optimizer steps of an epoch.
        warmup_epochs: length of the warm-up in epochs; 0 for none.
        warmup_start_factor: share of the learning rate at the first step.

    Raises:
        ValueError: the warm-up is longer than the training, or a parameter is out of its range.
    """
    steps = warmup_steps(warmup_epochs, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    return warmed_up(optimizer, lambda _: 1.0, steps=steps, start_factor=warmup_start_factor)
