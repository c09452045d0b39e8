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

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Return what stands behind the bar."""
        metrics = trainer.callback_metrics
        return {name: metrics[name].item() for name in FIGURES if name in metrics}

    def _get_train_description(self, current_epoch: int) -> str:
        last = f"/{self.trainer.max_epochs}" if self.trainer.max_epochs else ""
        return f"Epoch {current_epoch + 1}{last}".ljust(len(self.validation_description))  # no flicker between the two


class EpochLines(ProgressBar):
    """Writes a line to the standard output at the end of every epoch.

    Such as ``epoch 3/20  train/loss 0.0123  val/loss 0.0110  val/f1 0.4530  12.3 s``; the seconds are those of
    the epoch with its validation.
    """

    def __init__(self) -> None:
        super().__init__()
        self._enabled = True
        self._start = 0.0

    def disable(self) -> None:
        """Write nothing from now on; Lightning asks for it in all processes but one."""
        self._enabled = False

    def enable(self) -> None:
        """Write again."""
        self._enabled = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the line."""
        if not self._enabled:
            return
        last = f"/{trainer.max_epochs}" if trainer.max_epochs is not None and trainer.max_epochs > 0 else ""
        metrics = trainer.callback_metrics
        parts = [
            f"epoch {trainer.current_epoch + 1}{last}",
            *(f"{name} {metrics[name].item():.4f}" for name in FIGURES if name in metrics),
            f"{time.monotonic() - self._start:.1f} s",
        ]
        sys.stdout.write("  ".join(parts) + "\n")
        sys.stdout.flush()
