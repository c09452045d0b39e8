"""The folders of runs, and going on with one."""

from __future__ import annotations

import re
import time
import warnings
from datetime import datetime
from pathlib import Path

from tracknet_core.checkpoint import KEY, read_checkpoint, stored_config
from tracknet_core.config import Config
from tracknet_core.contracts import RunPaths
from tracknet_core.errors import CheckpointError

CHECKPOINT_NAME = re.compile(r"(?:best|last)_(?P<run_id>run-.+)\.ckpt")

AUTO = "auto"
"""Instead of a checkpoint: the newest one."""


def find_checkpoint(resume: str | None, output_dir: Path) -> Path | None:
    """Return the checkpoint to go on from.

    Args:
        resume: path of a checkpoint, ``auto`` for the newest of ``output_dir``, or None to start afresh.
        output_dir: what holds the folders ``logs`` and ``checkpoints`` of all runs.

    Raises:
        CheckpointError: there is none.
    """
    if resume is None:
        return None
    folder = output_dir / "checkpoints"
    if resume != AUTO:
        if not Path(resume).is_file():
            raise CheckpointError(f"--resume {resume}: no such checkpoint file. '{AUTO}' takes the newest in {folder}.")
        return Path(resume)
    newest = max(folder.glob("last_*.ckpt"), key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise CheckpointError(f"--resume {AUTO}: no last_*.ckpt in {folder}. Start a run without --resume first.")
    return _readable(newest)


def _readable(last: Path) -> Path:
    """Return a checkpoint, or the best of its run where a full or broken disk left it unreadable.

    Raises:
        CheckpointError: neither can be read.
    """
    try:
        read_checkpoint(last)
    except CheckpointError as error:
        best = last.with_name(last.name.replace("last_", "best_", 1))
        if not best.is_file():
            raise
        read_checkpoint(best)
        warnings.warn(f"{error} --resume {AUTO} goes on from {best} in its place.", stacklevel=2)
        return best
    return last


def check_resumable(checkpoint: Path, config: Config) -> None:
    """Refuse a checkpoint that training cannot go on from.

    Raises:
        CheckpointError: it has weights alone, or those of another model.
    """
    content = read_checkpoint(checkpoint)
    if "optimizer_states" not in content:
        raise CheckpointError(f"{checkpoint}: weights alone cannot be resumed. Start from them: training.init_from=…")
    saved, current = (
        one.as_dict()["model"] for one in (stored_config(content[KEY].get("config"), checkpoint, built=[]), config)
    )
    for part, now in current.items():
        before = saved.get(part)
        if before != now:
            raise CheckpointError(
                f"{checkpoint}: was trained with model.{part} = {before}, the experiment says {now}. "
                "Resume with the same model, or start from its weights where they fit: training.init_from=…"
            )


def run_paths(output_dir: Path, run_id: str) -> RunPaths:
    """Return where a run writes."""
    return RunPaths(run_id, output_dir / "logs" / run_id, output_dir / "checkpoints")


def begin_run(output_dir: Path, seed: int, checkpoint: Path | None) -> str:
    """Make the folders of a fresh run, if none is resumed, and return its id."""
    known = CHECKPOINT_NAME.fullmatch(checkpoint.name) if checkpoint else None
    logs, checkpoints = output_dir / "logs", output_dir / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    if known is not None and (logs / known["run_id"]).is_dir():
        return known["run_id"]
    while True:
        run_id = f"run-{datetime.now():%Y%m%d-%H%M%S}-s{seed}"
        try:
            (logs / run_id).mkdir(parents=True)
        except FileExistsError:
            time.sleep(0.2)  # another run began in this second
            continue
        return run_id
