"""``python -m tracknet_core.run EXPERIMENT``: from a YAML file to a trained tracker."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracknet_core.cli import INTERRUPTED, guarded
from tracknet_core.contracts import RunPaths
from tracknet_core.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from tracknet_core.config import Config, TrainingConfig
    from tracknet_core.loading.datamodule import TrackingData
    from tracknet_core.model import BallTracker
    from tracknet_core.module import TrackerModule

CHECKPOINT_NAME = re.compile(r"(?:best|last)_(?P<run_id>run-.+)\.ckpt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run, and return the exit code."""
    options = _parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tracknet run", description="Train a ball tracker from an experiment file.")
    parser.add_argument("experiment", type=Path, help="YAML file, such as experiments/vit.yaml")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, such as training.epochs=3")
    for section in ("data", "model", "training"):
        parser.add_argument(f"--{section}", metavar="NAME", help=f"replace the section by the file {section}/NAME.yaml")
    parser.add_argument("--seed", type=int, metavar="N", help="short for training.seed=N")
    parser.add_argument("--output-dir", type=Path, default=Path("outputs"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--resume", metavar="auto|CKPT", help="go on from a checkpoint; auto takes the newest last_*.ckpt"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check, show the configuration and the network, write nothing"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch and Lightning take seconds to import, and --help needs neither.
    from tracknet_core import assembly  # noqa: PLC0415
    from tracknet_core.config import load_config  # noqa: PLC0415
    from tracknet_core.loading.datamodule import TrackingData  # noqa: PLC0415

    _quieten()
    overrides = [*options.overrides, *([] if options.seed is None else [f"training.seed={options.seed}"])]
    sections = {"data": options.data, "model": options.model, "training": options.training}
    config = load_config(options.experiment, overrides, sections)
    checkpoint = _find_checkpoint(options.resume, options.output_dir)

    transforms, batch_transforms = assembly.build_transforms(config.data)
    data = TrackingData(assembly.build_dataset(config.data), config, transforms)
    config = config.with_image_size(data.image_size())
    _seed(config.training.seed)
    model = assembly.build_model(config)
    _check_sizes(model, data)
    if "val" not in data.splits:
        warnings.warn(
            f"There is no split 'val' among {', '.join(data.splits)}: the run trains without validation, and leaves "
            "'last' but no 'best' checkpoint. To validate, give patterns of clips for it with data.split.",
            stacklevel=2,
        )
    module = assembly.build_module(config, model, batch_transforms)
    if options.dry_run:
        _show(config, model, data)
        return 0
    return _train(config, module, data, options.output_dir, checkpoint)


def _train(config: Config, module: TrackerModule, data: TrackingData, output_dir: Path, checkpoint: Path | None) -> int:
    import lightning.pytorch as pl  # noqa: PLC0415 - start-up, as above
    from lightning.fabric.utilities.exceptions import MisconfigurationException  # noqa: PLC0415
    from lightning.pytorch.loggers import CSVLogger  # noqa: PLC0415

    from tracknet_core import assembly  # noqa: PLC0415
    from tracknet_core.checkpoint import load_weights  # noqa: PLC0415

    training = config.training
    if checkpoint is not None:
        _check_resumable(checkpoint, config)
    elif training.init_from is not None:
        load_weights(module.model, Path(training.init_from))
    paths = _run_paths(output_dir, training.seed, checkpoint)
    callbacks = assembly.build_callbacks(training, paths)
    csv = CSVLogger(save_dir=paths.logs.parent, name=paths.run_id)
    try:
        trainer = pl.Trainer(
            max_epochs=training.epochs,
            precision=_precision(training),
            gradient_clip_val=training.grad_clip or None,
            limit_train_batches=training.limit_train_batches or None,
            limit_val_batches=(training.limit_val_batches or None) if "val" in data.splits else 0,
            check_val_every_n_epoch=training.validate_every,
            accelerator=training.accelerator,
            devices=training.devices,
            num_nodes=training.num_nodes,
            strategy=training.strategy,
            num_sanity_val_steps=1,
            log_every_n_steps=10,
            deterministic="warn",
            callbacks=callbacks,
            logger=[csv, *assembly.build_loggers(training, paths)],
            enable_progress_bar=any(isinstance(callback, pl.callbacks.ProgressBar) for callback in callbacks),
            enable_checkpointing=any(isinstance(callback, pl.callbacks.Checkpoint) for callback in callbacks),
            enable_model_summary=False,
        )
    except (ValueError, MisconfigurationException) as error:
        raise ConfigError(f"training: Lightning refuses these settings: {error}") from error
    _write(paths.logs / "config.yaml", config.as_yaml())
    began = time.monotonic()
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:
        # Lightning's answer to Ctrl-C, after it has let callbacks and loggers finish.
        if not trainer.interrupted:
            raise
    interrupted = trainer.interrupted
    _report(trainer, paths, time.monotonic() - began, interrupted)
    return INTERRUPTED if interrupted else 0


# ------------------------------------------------------------------------------------------------- before


def _quieten() -> None:
    """Silence what Lightning tells about itself; what it says of the user's settings stays."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in (
        r"The '.*_dataloader' does not have many workers",
        r"`isinstance\(treespec, LeafSpec\)` is deprecated",
        r"The number of training batches",
        r"Your `IterableDataset` has `__len__` defined",
    ):
        warnings.filterwarnings("ignore", message=message)


def _seed(seed: int) -> None:
    import lightning.pytorch as pl  # noqa: PLC0415 - start-up, as in _run

    pl.seed_everything(seed, workers=False, verbose=False)


def _find_checkpoint(resume: str | None, output_dir: Path) -> Path | None:
    if resume is None:
        return None
    folder = output_dir / "checkpoints"
    if resume != "auto":
        if not Path(resume).is_file():
            raise CheckpointError(f"--resume {resume}: no such checkpoint file. 'auto' takes the newest in {folder}.")
        return Path(resume)
    newest = max(folder.glob("last_*.ckpt"), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise CheckpointError(f"--resume auto: no last_*.ckpt in {folder}. Start a run without --resume first.")
    return newest


def _check_resumable(checkpoint: Path, config: Config) -> None:
    from tracknet_core.checkpoint import KEY, read_checkpoint, stored_config  # noqa: PLC0415 - start-up, as in _run

    content = read_checkpoint(checkpoint)
    if "optimizer_states" not in content:
        raise CheckpointError(f"{checkpoint}: weights alone cannot be resumed. Start from them: training.init_from=…")
    saved, current = (
        one.as_dict()["model"] for one in (stored_config(content[KEY].get("config"), checkpoint, built=[]), config)
    )
    for part, now in current.items():
        before = saved[part]
        if before != now:
            raise CheckpointError(
                f"{checkpoint}: was trained with model.{part} = {before}, the experiment says {now}. "
                "Resume with the same model, or start from its weights where they fit: training.init_from=…"
            )


def _check_sizes(model: BallTracker, data: TrackingData) -> None:
    """Find out before training whether crops fit the network."""
    for size, path in ((data.image_size(), "data.preprocess.resize"), (data.training_size(), "data.transforms")):
        try:
            model.check_size(size)
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error


def _run_paths(output_dir: Path, seed: int, checkpoint: Path | None) -> RunPaths:
    """Return where to write: the folder of the run that is resumed, or a fresh one."""
    known = CHECKPOINT_NAME.fullmatch(checkpoint.name) if checkpoint else None
    logs, checkpoints = output_dir / "logs", output_dir / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    if known is not None and (logs / known["run_id"]).is_dir():
        return RunPaths(known["run_id"], logs / known["run_id"], checkpoints)
    while True:
        run_id = f"run-{datetime.now():%Y%m%d-%H%M%S}-s{seed}"
        try:
            (logs / run_id).mkdir(parents=True)
        except FileExistsError:
            time.sleep(0.2)  # another run began in this second
            continue
        return RunPaths(run_id, logs / run_id, checkpoints)


def _precision(training: TrainingConfig) -> Any:
    """Return Lightning's name of the precision, or fp32's where the machine cannot."""
    import torch  # noqa: PLC0415 - start-up, as in _run

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


# -------------------------------------------------------------------------------------------------- after


def _write(path: Path, text: str) -> None:
    """Write beside and rename, so that no half file is ever there."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _show(config: Config, model: BallTracker, data: TrackingData) -> None:
    """Print the configuration and the network's parts."""
    from rich.console import Console  # noqa: PLC0415 - start-up, as in _run
    from rich.syntax import Syntax  # noqa: PLC0415

    from tracknet_core.training.summary import summarize  # noqa: PLC0415

    console = Console()
    console.print(Syntax(config.as_yaml(), "yaml", background_color="default"))
    console.print(summarize(model, config.data.sequence.frames))
    for split in data.splits:
        clips = data.clips(split)
        console.print(f"{split}: {len(clips)} clips, {sum(len(clip) for clip in clips)} frames")


def _report(trainer: pl.Trainer, paths: RunPaths, seconds: float, interrupted: bool) -> None:
    """Print the figures of the last validation, and where everything is."""
    from rich.console import Console  # noqa: PLC0415 - start-up, as in _run
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    figures = Table("metric", "value", title=f"{paths.run_id}, {trainer.current_epoch} epochs, {seconds:.0f} s")
    for name, value in sorted(trainer.callback_metrics.items()):
        if name.startswith(("train/", "val/")):  # the rest is for curves
            figures.add_row(name, f"{float(value):.4f}")
    console.print(figures)
    files = {
        "metrics": Path(trainer.loggers[0].log_dir or paths.logs) / "metrics.csv",
        "config": paths.logs / "config.yaml",
        **{path.name.split("_")[0]: path for path in sorted(paths.checkpoints.glob(f"*_{paths.run_id}.ckpt"))},
        **{path.name: path for path in sorted(paths.logs.iterdir()) if path.is_dir() and "version_" not in path.name},
    }
    for name, path in files.items():
        # Not in a table, which would cut long paths at the width of the terminal.
        console.print(f"{name:10}{path}", soft_wrap=True, highlight=False, markup=False)
    if interrupted:
        console.print("Interrupted. To go on from the last complete epoch, run the same command with --resume auto")


if __name__ == "__main__":
    sys.exit(main())
