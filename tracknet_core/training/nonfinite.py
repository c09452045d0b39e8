"""What becomes of batches whose loss is no finite number."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import lightning.pytorch as pl

from tracknet_core.contracts import Batch
from tracknet_core.errors import DataError

_NAMED = 3
"""How many windows of a batch a message names."""


class NonFiniteLosses(pl.Callback):
    """Ends the training at a batch whose loss is NaN or infinite, which the module has left out.

    Nothing of such a batch is in the weights, nor in a checkpoint.

    Args:
        clips: names of the training clips, in their order.
        limit: how many such batches are passed over with a warning, in all epochs together; of several processes, how
            many of each.

    Raises:
        DataError: in training, one more.
    """

    def __init__(self, clips: Sequence[str], limit: int) -> None:
        self._clips = clips
        self._limit = limit
        self._skipped = 0

    def state_dict(self) -> dict[str, Any]:
        """Return how many were passed over."""
        return {"skipped": self._skipped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self._skipped = int(state_dict["skipped"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count the batch if it was left out."""
        if not pl_module.left_out:
            return
        self._skipped += 1
        windows = list(self._windows(batch))
        more = f" and {len(windows) - _NAMED} more windows" if len(windows) > _NAMED else ""
        found = (
            f"epoch {trainer.current_epoch + 1}, batch {batch_idx + 1}: the loss is no finite number for "
            f"{', '.join(windows[:_NAMED])}{more}."
        )
        if self._skipped > self._limit:
            raise DataError(
                f"{found} What was saved before is whole. Look at these frames and labels, try a lower "
                "training.optimizer.lr, training.grad_clip=1 or training.precision=fp32; training.skip_nonfinite=10 "
                "leaves out up to 10 such batches."
            )
        warnings.warn(f"{found} It is left out, {self._skipped} of at most {self._limit}.", stacklevel=2)

    def _windows(self, batch: Batch) -> Iterator[str]:
        for clip, numbers in zip(batch.clip.tolist(), batch.number.tolist(), strict=True):
            yield f"frames {min(numbers)}-{max(numbers)} of {self._clips[clip]}"
