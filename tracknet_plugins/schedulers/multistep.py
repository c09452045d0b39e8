"""A learning rate that falls at given epochs."""

from __future__ import annotations

from bisect import bisect_right

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tracknet_core.registry import schedulers
from tracknet_plugins.schedulers.warmup import warmed_up, warmup_steps


@schedulers.register("multistep")
def multistep(
    *,
    optimizer: Optimizer,
    total_steps: int,
    steps_per_epoch: int,
    milestones: list[int],
    gamma: float = 0.1,
    warmup_epochs: float = 0.0,
    warmup_start_factor: float = 0.01,
) -> LRScheduler:
    """Return a linear warm-up, then a learning rate that is multiplied by ``gamma`` at each milestone.

    Args:
        optimizer: each parameter group starts from its own ``lr``.
        total_steps: optimizer steps of the training.
        steps_per_epoch: optimizer steps of an epoch.
        milestones: epochs after which the rate falls, ascending, counted from the start of the training (and not, as
            in ``SequentialLR``, from the end of the warm-up).
        gamma: factor per milestone, above 0 and at most 1.
        warmup_epochs: length of the warm-up in epochs; 0 for none.
        warmup_start_factor: share of the learning rate at the first step.

    Raises:
        ValueError: the warm-up is longer than the training, or a parameter is out of its range.
    """
    if any(milestone < 1 for milestone in milestones) or sorted(set(milestones)) != list(milestones):
        raise ValueError(
            f"milestones: {list(milestones)} must be epochs of at least 1 in ascending order, such as [20, 25]."
        )
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma: {gamma} is out of range. Give the factor per milestone, above 0 and at most 1.")
    warmup = warmup_steps(warmup_epochs, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    falls = [milestone * steps_per_epoch for milestone in milestones]
    return warmed_up(
        optimizer,
        lambda step: gamma ** bisect_right(falls, step),
        steps=warmup,
        start_factor=warmup_start_factor,
    )
