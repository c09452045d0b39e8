"""Keep the best and the last state of a run."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_warn

from tracknet_core.contracts import RunPaths
from tracknet_core.files import replaced_file
from tracknet_core.registry import callbacks


@callbacks.register("checkpoint")
class Checkpoint(ModelCheckpoint):
    """Writes ``best_<run_id>.ckpt`` and ``last_<run_id>.ckpt``, each one file under one name for the whole run.

    ``last`` is the state at the end of the last completed epoch, after its validation, and can be resumed; it is
    there from the start of the training, so that Ctrl-C in the first epoch leaves something to resume too.
    Nothing is written in the middle of an epoch: a run that is resumed from ``last`` sees every batch once.

    A run that resumes another one under an id of its own starts with copies of that run's ``best`` and of the
    checkpoint that it resumes from, and leaves the originals alone.

    Args:
        paths: where the run writes; supplied.
        monitor: logged figure that says which epoch is best.
        mode: whether the least or the greatest figure is best.
    """

    def __init__(self, *, paths: RunPaths, monitor: str = "val/loss", mode: Literal["min", "max"] = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode={mode!r} is unknown: give 'min' (a loss) or 'max' (a score)")
        super().__init__(
            dirpath=paths.checkpoints,
            filename=f"best_{paths.run_id}",
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            save_last=False,  # Lightning's 'last' skips the epochs that are not the best; see on_train_epoch_end
            auto_insert_metric_name=False,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
        self._best = Path(str(self.dirpath), f"best_{paths.run_id}{self.FILE_EXTENSION}")
        self._last = Path(str(self.dirpath), f"last_{paths.run_id}{self.FILE_EXTENSION}")
        self._best_so_far: Path | None = None
        self._validated = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Prepare the folder; it is shared by all runs, so that it is not empty is no cause for a warning."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            super().setup(trainer, pl_module, stage)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over which epoch was best so far, under the file names of this run."""
        best = str(self._best) if state_dict["best_model_path"] else ""
        self._best_so_far = Path(state_dict["best_model_path"]) if best else None
        own_names = {
            "dirpath": self.dirpath,
            "last_model_path": str(self._last),
            "best_model_path": best,
            "kth_best_model_path": best,
            "best_k_models": {best: state_dict["best_model_score"]} if best else {},
        }
        super().load_state_dict({**state_dict, **own_names})

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the first ``last``; a resumed run takes over the files that it continues."""
        super().on_train_start(trainer, pl_module)
        if trainer.ckpt_path is None:
            self._save_last(trainer)
            return
        resumed = Path(trainer.ckpt_path)
        if trainer.is_global_zero and resumed.is_file() and not self._last.exists():
            _copy(resumed, self._last)
        self.last_model_path = str(self._last)
        if self._best_so_far is not None:
            self._take_over_best(trainer, [self._best_so_far, resumed.parent / self._best_so_far.name])

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that this epoch has a figure to judge it by; not every epoch has to be validated."""
        super().on_validation_end(trainer, pl_module)
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write ``best`` if this epoch was validated and is the best, then ``last``, which knows of it."""
        if self._validated:
            super().on_train_epoch_end(trainer, pl_module)
            self._validated = False
        self._save_last(trainer)

    def _save_last(self, trainer: pl.Trainer) -> None:
        self.last_model_path = str(self._last)  # before saving: it is a part of the state
        trainer.save_checkpoint(self._last)

    def _take_over_best(self, trainer: pl.Trainer, candidates: list[Path]) -> None:
        """Copy the best checkpoint so far to its name in this run; without it, the next epoch is the best."""
        source = next((path for path in (self._best, *candidates) if path.is_file()), None)
        if trainer.strategy.broadcast(source is None):
            rank_zero_warn(
                f"The best checkpoint so far, {candidates[0]}, is gone: 'best' starts again with the next epoch"
            )
            self.best_k_models = {}
            self.best_model_path = self.kth_best_model_path = ""
            self.best_model_score = None
        elif trainer.is_global_zero and source is not None and source != self._best:
            _copy(source, self._best)


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that ``target`` is either whole or not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(target) as part:
        shutil.copyfile(source, part)
