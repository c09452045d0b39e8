"""How checkpoints get onto the disk: whole, finite, and never at the price of the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from tracknet_core.checkpoint import not_finite
from tracknet_core.errors import DataError
from tracknet_core.files import replaced_file


class CheckpointFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place, waits for the disk, and renames it.

    A process that is killed meanwhile leaves the checkpoint that was there before. Lightning's own way goes through the
    folder for temporary files, and empties the old checkpoint first where that folder is on another disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint; what was at ``path`` stays if it cannot be written.

        Raises:
            DataError: a weight is not finite, or the disk takes no more.
        """
        target = Path(path)
        weights = checkpoint["state_dict"]
        broken = not_finite(weights)
        if broken:
            raise DataError(
                f"{target}: not written, because {len(broken)} of {len(weights)} weights are no longer finite numbers, "
                f"such as {broken[0]}. What was saved before is whole. Try a lower learning rate "
                "(training.optimizer.lr), training.grad_clip, or training.precision=fp32."
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(target, alone=True) as part, part.open("xb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            cause = error if isinstance(error, OSError) else error.__context__
            if not isinstance(cause, OSError):
                raise
            raise DataError(
                f"{target}: cannot be written ({cause.strerror}). What was saved before is whole: make room, and go on "
                "with --resume auto."
            ) from error
