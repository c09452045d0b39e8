"""Stop a training that gets no better."""

from __future__ import annotations

from typing import Literal

from lightning.pytorch import callbacks as lightning_callbacks

from tracknet_core.registry import callbacks


@callbacks.register("early_stopping")
class EarlyStopping(lightning_callbacks.EarlyStopping):
    """Ends the training when a figure has not improved for a number of validations in a row.

    Args:
        monitor: logged figure to watch.
        patience: validations without an improvement that end the training, at least 1.
        min_delta: smallest change that counts as an improvement, at least 0.
        mode: whether less or more of the figure is better.

    Raises:
        ValueError: a bad value. RuntimeError follows in training if nobody logs ``monitor``.
    """

    def __init__(
        self,
        *,
        monitor: str = "val/loss",
        patience: int = 5,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        if patience < 1:
            raise ValueError(f"patience={patience} is too small: give the number of validations to wait, at least 1")
        if not min_delta >= 0:
            raise ValueError(f"min_delta={min_delta} is no size of an improvement: give a number of at least 0")
        if mode not in ("min", "max"):
            raise ValueError(f"mode={mode!r} is unknown: give 'min' (a loss) or 'max' (a score)")
        super().__init__(monitor=monitor, patience=patience, min_delta=min_delta, mode=mode)
