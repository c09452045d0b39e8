"""Training for a given time, with a schedule that ends when the time does."""

from __future__ import annotations

import time
from typing import Any

import lightning.pytorch as pl
import torch
from torch.optim.lr_scheduler import LambdaLR

from tracknet_core.contracts import Batch
from tracknet_core.errors import ConfigError


class TimeBudget(pl.Callback):
    """Counts the time of training, and ends it when a budget is spent.

    What is counted are the steps of training with the loading of their batches: not the first step of a process, in
    which whatever later steps use is made, nor validation, nor the building of caches. On a GPU it is the time on the
    wall; on a CPU that of the processor, divided by torch's threads, so that it is the same on a machine that others
    use as well. What other processes load is not counted then.

    Where there is a budget, epochs follow one another until it is spent, and learning rates are those that the schedule
    has at the same share of the epochs of the settings: what was to come after half of the epochs comes after half of
    the time, warm-up and milestones alike.

    Args:
        seconds: the budget; None trains for the epochs of the settings.

    Attributes:
        spent: seconds of training so far, those before an interruption included.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.spent = 0.0
        self._since: float | None = None
        self._planned = 0  # steps that the schedule is made for

    def state_dict(self) -> dict[str, Any]:
        """Return what was counted."""
        return {"spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.spent = float(state_dict["spent"])

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the limit of epochs away, after the schedule was made for it.

        Raises:
            ConfigError: the schedule is none whose rates follow from the number of the step.
        """
        if self.seconds is None:
            return
        for config in trainer.lr_scheduler_configs:
            if not isinstance(config.scheduler, LambdaLR):
                raise ConfigError(
                    f"training.scheduler: a {type(config.scheduler).__name__} cannot be fitted to a time, since only a "
                    "LambdaLR says its rate for any step. Take another scheduler, or a budget of epochs."
                )
        self._planned = int(trainer.estimated_stepping_batches)
        trainer.fit_loop.max_epochs = -1

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock, but not before the first step of a process."""
        if self._since is not None:
            self._since = _now(pl_module)
        if self._is_spent():  # an interrupted run that was at its end
            self._end(trainer)

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Put the schedule where the share of the time is that is spent."""
        if self.seconds is None:
            return
        self._count(pl_module)
        step = min(int(self._planned * self.spent / self.seconds), self._planned)
        for config in trainer.lr_scheduler_configs:
            config.scheduler.last_epoch = step - 1  # Lightning steps once after the optimizer has

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count the step, and end the training if it is time."""
        self._count(pl_module)
        if self._is_spent():
            self._end(trainer)

    def _count(self, module: pl.LightningModule) -> None:
        now = _now(module)
        self.spent += 0.0 if self._since is None else now - self._since
        self._since = now

    def _is_spent(self) -> bool:
        return self.seconds is not None and self.spent >= self.seconds

    def _end(self, trainer: pl.Trainer) -> None:
        trainer.check_val_every_n_epoch = 1  # the last epoch is validated, whatever the settings say
        trainer.should_stop = True


def _now(module: pl.LightningModule) -> float:
    return time.process_time() / torch.get_num_threads() if module.device.type == "cpu" else time.monotonic()
