"""Log the learning rate."""

from __future__ import annotations

from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import LearningRateMonitor

from tracknet_core.registry import callbacks


@callbacks.register("lr_monitor")
class LRMonitor(LearningRateMonitor):
    """Logs the learning rate of every parameter group, as ``lr-<optimizer>``.

    Args:
        interval: once per optimizer step, or once per epoch.

    Raises:
        ValueError: another interval.
    """

    def __init__(self, *, interval: Literal["step", "epoch"] = "epoch") -> None:
        if interval not in ("step", "epoch"):
            raise ValueError(f"interval={interval!r} is unknown: give 'step' or 'epoch'")
        super().__init__(logging_interval=interval)

    def on_train_start(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        """Find the names to log under; without a logger, which Lightning calls an error, there is nothing to do."""
        if trainer.loggers:
            super().on_train_start(trainer, *args, **kwargs)
