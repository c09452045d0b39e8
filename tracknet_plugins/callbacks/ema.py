"""A moving average of the weights."""

from __future__ import annotations

from lightning.pytorch.callbacks import EMAWeightAveraging

from tracknet_core.registry import callbacks


@callbacks.register("ema")
def ema(*, decay: float = 0.999, start: int = 0) -> EMAWeightAveraging:
    """Return Lightning's exponential moving average of weights and buffers, which validation and checkpoints take.

    Training itself goes on with the weights as they are, and so does ``--resume``.

    Args:
        decay: share of the average that a step leaves, in 0..1: 0.999 looks back over about 1,000 steps.
        start: step from which on weights are averaged.

    Raises:
        ValueError: a parameter is out of range.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay: {decay:g} is no share of the average that stays. Give one in 0..1, such as 0.999.")
    if start < 0:
        raise ValueError(f"start: {start} is no step. Give 0 or more.")
    return EMAWeightAveraging(decay=decay, update_starting_at_step=start)
