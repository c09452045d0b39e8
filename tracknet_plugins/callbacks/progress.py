"""Show how far the training is."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar

from tracknet_core.registry import callbacks

FIGURES = ("train/loss", "val/loss", "val/f1", "val/gap_error")
"""What a line shows, if it is logged."""

_MINUTE = 60.0


@callbacks.register("progress")
def progress(*, style: Literal["auto", "bar", "lines"] = "auto") -> ProgressBar:
    """Return what shows the progress: Rich's bars, or one plain line per epoch.

    Args:
        style: ``auto`` takes bars in a terminal, and lines where the output goes to a file or a pipe.

    Raises:
        ValueError: another style.
    """
    if style not in ("auto", "bar", "lines"):
        raise ValueError(f"style={style!r} is unknown: give 'auto', 'bar' or 'lines'")
    bar = sys.stdout.isatty() if style == "auto" else style == "bar"
    return EpochBars() if bar else EpochLines()


class EpochBars(RichProgressBar):
    """Rich's bars, with the figures of :data:`FIGURES` and epochs that count from 1 as in the lines."""

    _validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Believe figures of validation from the first whole one on, not those of the batch before training."""
        self._validated = self._validated or not trainer.sanity_checking
        super().on_validation_end(trainer, pl_module)

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Return what stands behind the bar."""
        metrics = trainer.callback_metrics
        shown = (name for name in FIGURES if self._validated or not name.startswith("val/"))
        return {name: metrics[name].item() for name in shown if name in metrics}

    def _get_train_description(self, current_epoch: int) -> str:
        last = f"/{self.trainer.max_epochs}" if self.trainer.max_epochs else ""
        return f"Epoch {current_epoch + 1}{last}".ljust(len(self.validation_description))  # no flicker between the two


class EpochLines(ProgressBar):
    """Writes a line to the standard output at the end of every epoch.

    Such as ``epoch 3/20  train/loss 0.0123  val/loss 0.0110  val/f1 0.4530  12.3 s``; the seconds are those of
    the epoch with its validation. In a long epoch a line such as ``epoch 3/20  batch 120/800`` is written every minute.
    """

    def __init__(self) -> None:
        super().__init__()
        self._enabled = True
        self._start = self._told = 0.0

    def disable(self) -> None:
        """Write nothing from now on; Lightning asks for it in all processes but one."""
        self._enabled = False

    def enable(self) -> None:
        """Write again."""
        self._enabled = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = self._told = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Say how far the epoch is, if nothing was said for long."""
        if self._enabled and time.monotonic() - self._told >= _MINUTE:
            self._told = time.monotonic()
            self._write([_epoch(trainer), f"batch {batch_idx + 1}/{self.total_train_batches}"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the line."""
        if not self._enabled:
            return
        metrics = trainer.callback_metrics
        figures = (f"{name} {metrics[name].item():.4f}" for name in FIGURES if name in metrics)
        self._write([_epoch(trainer), *figures, f"{time.monotonic() - self._start:.1f} s"])

    def _write(self, parts: list[str]) -> None:
        sys.stdout.write("  ".join(parts) + "\n")
        sys.stdout.flush()


def _epoch(trainer: pl.Trainer) -> str:
    last = f"/{trainer.max_epochs}" if trainer.max_epochs is not None and trainer.max_epochs > 0 else ""
    return f"epoch {trainer.current_epoch + 1}{last}"
