"""From a configuration to a trained network, by Lightning's trainer."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import CSVLogger

from tracknet_core import assembly
from tracknet_core.checkpoint import copy_weights, read_checkpoint
from tracknet_core.clips import clip_names
from tracknet_core.config import Config, Experiment, TrackerConfig, TrainingConfig, load_config
from tracknet_core.contracts import RunPaths
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import replace_text
from tracknet_core.model import BallTracker
from tracknet_core.tracking.networks import network_path
from tracknet_core.training.checkpoint_files import CheckpointFiles
from tracknet_core.training.conformance import check_network
from tracknet_core.training.datamodule import Splits, TrackingData
from tracknet_core.training.module import LearningModule
from tracknet_core.training.nonfinite import NonFiniteLosses
from tracknet_core.training.parts import build_callbacks, build_loggers, build_module, build_transforms
from tracknet_core.training.processes import Team
from tracknet_core.training.runs import begin_run, check_resumable, run_paths
from tracknet_core.training.time_budget import TimeBudget
from tracknet_core.training.trajectories import tracker_module, trajectory_data

_LOST_PROCESS = re.compile(r"killed by signal: [\w ]+|exited unexpectedly")
"""What torch says of a process of its loader."""

_PROCESS = re.compile(r"pid(?:\(s\))? (\d+)")
"""And which it is."""


@dataclass(frozen=True)
class Prepared:
    """All that is needed to train, put together and checked.

    Attributes:
        config: the whole experiment; its image size is known.
        data: the windows.
        module: the network or the tracker, and how it is trained.
        validates: whether the split ``val`` is looked at while it trains.
    """

    config: Config
    data: TrackingData
    module: LearningModule
    validates: bool = True


@dataclass(frozen=True)
class Trained:
    """What a training left.

    Attributes:
        run_id: name of the run.
        epochs: how many are complete.
        steps: of the optimizer, those before an interruption included.
        seconds: how long it took.
        trained_seconds: how long training took, as :class:`TimeBudget` counts; interrupted runs included.
        figures: the last value of each metric of training and validation.
        files: what lies where.
        interrupted: whether somebody stopped it before its end.
        is_first: whether this is the process that tells of it, where several have trained together.
    """

    run_id: str
    epochs: int
    steps: int
    seconds: float
    trained_seconds: float
    figures: dict[str, float]
    files: dict[str, Path]
    interrupted: bool
    is_first: bool


def prepare(
    experiment: Experiment | Config,
    overrides: Sequence[str] = (),
    sections: Mapping[str, str | None] | None = None,
    *,
    validates: bool = True,
) -> Prepared:
    """Put together what an experiment describes.

    Args:
        experiment: which; or a configuration, of which nothing is changed.
        overrides: settings in the form ``key=value``.
        sections: for a section the name of the file that takes its place, or None.
        validates: whether the split ``val`` is looked at while it trains, if there is one.

    Raises:
        ConfigError: all faults of the experiment, or parts that do not fit each other or the images.
        DataError: the data cannot be read.
    """
    quieten()
    config = experiment if isinstance(experiment, Config) else load_config(experiment, overrides, sections)
    prepared = _prepare_tracker(config) if isinstance(config.model, TrackerConfig) else _prepare_network(config)
    names = prepared.data.splits.names
    if validates and "val" not in names:
        warnings.warn(
            f"There is no split 'val' among {', '.join(names)}: the run trains without validation, and leaves "
            "'last' but no 'best' checkpoint. To validate, give patterns of clips for it with data.split.",
            stacklevel=2,
        )
    return replace(prepared, validates=validates and "val" in names)


def _prepare_tracker(config: Config) -> Prepared:
    data = trajectory_data(config)
    pl.seed_everything(config.training.seed, workers=False, verbose=False)
    return Prepared(config, data, tracker_module(config, data))


def _prepare_network(config: Config) -> Prepared:
    transforms, batch_transforms = build_transforms(config.data)
    splits = Splits(assembly.build_dataset(config.data), config.data)
    config = config.with_image_size(splits.image_size())
    data = TrackingData(splits, config, assembly.build_window(config), transforms)
    pl.seed_everything(config.training.seed, workers=False, verbose=False)
    model = assembly.build_model(config)
    _check_sizes(model, data)
    module = build_module(config, model, batch_transforms)
    check_network(config, model, module.loss, data.training_size())
    return Prepared(config, data, module)


def train(
    prepared: Prepared,
    output_dir: Path,
    checkpoint: Path | None = None,
    *,
    budget: float | None = None,
) -> Trained:
    """Train, and validate as it goes.

    Args:
        prepared: what is trained.
        output_dir: where the folders ``logs`` and ``checkpoints`` of all runs are.
        checkpoint: to go on from.
        budget: seconds to train for, in the place of a number of epochs; see :class:`TimeBudget`.

    Raises:
        CheckpointError: the checkpoint cannot be gone on from, or the weights to start from do not fit.
        ConfigError: settings that Lightning refuses.
    """
    config, training = prepared.config, prepared.config.training
    if checkpoint is not None:
        check_resumable(checkpoint, config)
    elif training.init_from is not None:
        path = network_path(training.init_from)
        copy_weights(prepared.module.model, read_checkpoint(path), path)
    with Team() as team:
        run_id = team.agree(lambda: begin_run(output_dir, training.seed, checkpoint))
        return _fit(prepared, run_paths(output_dir, run_id), checkpoint, team, TimeBudget(budget))


def _fit(prepared: Prepared, paths: RunPaths, checkpoint: Path | None, team: Team, clock: TimeBudget) -> Trained:
    training, splits = prepared.config.training, prepared.data.splits
    watch = NonFiniteLosses(clip_names(splits.clips("train")), training.skip_nonfinite)
    trainer = _trainer(training, paths, [watch, clock], validates=prepared.validates)
    if team.is_first:
        replace_text(paths.logs / "config.yaml", prepared.config.as_yaml())
    began = time.monotonic()
    try:
        team.start(trainer, paths.run_id)
        trainer.fit(prepared.module, datamodule=prepared.data, ckpt_path=checkpoint, weights_only=True)
    except RuntimeError as error:  # torch has no error of its own for it
        lost = _LOST_PROCESS.search(str(error))
        if lost is None:
            raise
        names = [prepared.data.clip_read_by(int(process)) for process in _PROCESS.findall(str(error))]
        clip = f", while it read the clip {names[0]}" if names and names[0] else ""
        raise DataError(
            f"data_loader: a process that loads windows died in epoch {trainer.current_epoch + 1} ({lost[0]}){clip}. "
            "Mostly the machine ran out of memory: lower training.data_loader.num_workers, prefetch_factor or "
            "training.batch_size. What was saved is whole: go on with --resume auto."
        ) from error
    except SystemExit:
        # Lightning's answer to Ctrl-C, after it has let callbacks and loggers finish.
        if not trainer.interrupted:
            raise
    return Trained(
        run_id=paths.run_id,
        epochs=trainer.current_epoch,
        steps=trainer.global_step,
        seconds=time.monotonic() - began,
        trained_seconds=clock.spent,
        figures={
            name: float(value)
            for name, value in sorted(trainer.callback_metrics.items())
            if name.startswith(("train/", "val/"))  # the rest is for curves
        },
        files=_files(paths, Path(trainer.loggers[0].log_dir or paths.logs)),
        interrupted=trainer.interrupted,
        is_first=team.is_first,
    )


def quieten() -> None:
    """Silence what Lightning tells about itself; what it says of the user's settings stays."""
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    for message in (
        r"The '.*_dataloader' does not have many workers",
        r"`isinstance\(treespec, LeafSpec\)` is deprecated",
        r"The number of training batches",
        r"Your `IterableDataset` has `__len__` defined",
        r"`training_step` returned `None`",
        r"It is recommended to use .* sync_dist=True",  # figures are those of all processes already
    ):
        warnings.filterwarnings("ignore", message=message)


def _check_sizes(model: BallTracker, data: TrackingData) -> None:
    """Find out before training whether crops fit the network."""
    for size, path in ((model.window.image_size, "data.preprocess.resize"), (data.training_size(), "data.transforms")):
        try:
            model.check_size(size)
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error


def _trainer(training: TrainingConfig, paths: RunPaths, own: Sequence[pl.Callback], *, validates: bool) -> pl.Trainer:
    callbacks = build_callbacks(training, paths)
    csv = CSVLogger(save_dir=paths.logs.parent, name=paths.run_id)
    try:
        return pl.Trainer(
            **arithmetic(training),
            max_epochs=training.epochs,
            limit_train_batches=training.limit_train_batches or None,
            limit_val_batches=(training.limit_val_batches or None) if validates else 0,
            check_val_every_n_epoch=training.validate_every,
            devices=training.devices,
            num_nodes=training.num_nodes,
            strategy=training.strategy,
            num_sanity_val_steps=1,
            log_every_n_steps=10,
            callbacks=[*own, *callbacks, _ValidateLast()],
            plugins=[CheckpointFiles()],
            logger=[csv, *build_loggers(training, paths)],
            enable_progress_bar=any(isinstance(callback, pl.callbacks.ProgressBar) for callback in callbacks),
            enable_checkpointing=any(isinstance(callback, pl.callbacks.Checkpoint) for callback in callbacks),
        )
    except (ValueError, MisconfigurationException) as error:
        raise ConfigError(f"training: Lightning refuses these settings: {error}") from error


def arithmetic(training: TrainingConfig) -> dict[str, Any]:
    """Return what of Lightning's settings says how a step is computed."""
    return {
        "accelerator": training.accelerator,
        "precision": _precision(training),
        "accumulate_grad_batches": training.accumulate,
        "gradient_clip_val": training.grad_clip or None,
        "deterministic": "warn",
        "enable_model_summary": False,
    }


class _ValidateLast(pl.Callback):
    """Validates the last epoch, whatever ``training.validate_every`` says: else a short run would leave no best."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1


def _precision(training: TrainingConfig) -> Any:
    """Return Lightning's name of the precision, or fp32's where the machine cannot."""
    wanted = "fp16" if training.amp else training.precision
    cuda = torch.cuda.is_available() and training.accelerator in ("auto", "gpu", "cuda")
    supported = {
        "fp32": True,
        "fp16": cuda,
        "bf16": torch.cuda.is_bf16_supported() if cuda else torch.ops.mkldnn._is_mkldnn_bf16_supported(),
    }
    if not supported[wanted]:
        device = "this GPU" if cuda else "the CPU"
        warnings.warn(f"training.precision: {wanted} is not supported on {device}; training in fp32.", stacklevel=2)
        wanted = "fp32"
    return {"fp32": "32-true", "fp16": "16-mixed", "bf16": "bf16-mixed"}[wanted]


def _files(paths: RunPaths, metrics: Path) -> dict[str, Path]:
    """Return where everything is; ``metrics`` is the folder of the logger."""
    checkpoints = sorted(paths.checkpoints.glob(f"*_{paths.run_id}.ckpt"))
    folders = [path for path in sorted(paths.logs.iterdir()) if path.is_dir() and "version_" not in path.name]
    return {
        "metrics": metrics / "metrics.csv",
        "config": paths.logs / "config.yaml",
        **{path.name.split("_")[0]: path for path in checkpoints},
        **{path.name: path for path in folders},
    }
