"""The linear warm-up that every scheduler here begins with.

The schedules are closed forms in the step (LambdaLR), with the values of ``LinearLR`` followed by another of torch's
schedulers: chained by ``SequentialLR``, those drift by rounding, warn on some versions of torch, and have
a lowest rate that is not in proportion to the rate of each parameter group.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmup_steps(epochs: float, *, total_steps: int, steps_per_epoch: int) -> int:
    """Return the optimizer steps that a warm-up takes.

    Args:
        epochs: length of the warm-up in epochs; fractions are rounded to a step.
        total_steps: optimizer steps of the training.
        steps_per_epoch: optimizer steps of an epoch.

    Raises:
        ValueError: the warm-up is negative, or longer than the training.
    """
    if not epochs >= 0:
        raise ValueError(f"warmup_epochs: {epochs} is no length. Give 0 for no warm-up, or a positive number.")
    steps = round(epochs * steps_per_epoch)
    if steps > total_steps:
        raise ValueError(
            f"warmup_epochs: {epochs} is longer than the training, {total_steps / steps_per_epoch:g} epochs "
            f"({total_steps} steps). Give fewer warm-up epochs, or train for longer."
        )
    return steps


def warmed_up(optimizer: Optimizer, factor: Callable[[int], float], *, steps: int, start_factor: float) -> LambdaLR:
    """Return a scheduler that rises in a straight line to the learning rate, and then follows ``factor``.

    Step s of the warm-up has the rate ``lr * (start_factor + (1 - start_factor) * s / steps)``, as ``LinearLR``.

    Args:
        optimizer: each parameter group starts from its own ``lr``.
        factor: what the learning rate is multiplied by at a step of the training, from step ``steps`` on.
        steps: steps of the warm-up.
        start_factor: share of the learning rate at step 0, above 0 and at most 1.

    Raises:
        ValueError: ``start_factor`` is out of its range.
    """
    if not 0 < start_factor <= 1:
        raise ValueError(
            f"warmup_start_factor: {start_factor} is out of range. Give the share of the learning rate to start with, "
            "above 0 and at most 1."
        )

    # A plain function: LambdaLR would save the attributes of a callable object in the checkpoint.
    def schedule(step: int) -> float:
        if step < steps:
            return start_factor + (1 - start_factor) * step / steps
        return factor(step)

    return LambdaLR(optimizer, schedule)
