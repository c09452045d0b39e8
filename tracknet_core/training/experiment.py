"""From an experiment to a trained network in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracknet_core.config import Config, Experiment
from tracknet_core.files import check_folder
from tracknet_core.training.runs import find_checkpoint
from tracknet_core.training.trainer import Trained, prepare, train as train_prepared


def train_experiment(
    experiment: Experiment | Config,
    overrides: Sequence[str] = (),
    *,
    data: str | None = None,
    model: str | None = None,
    training: str | None = None,
    output_dir: str | Path = "outputs",
    resume: str | Path | None = None,
    budget: float | None = None,
) -> Trained:
    """Train what an experiment describes, and return its figures and where its files are.

    Args:
        experiment: the path of a YAML file, the name of an experiment that comes with tracknet, or a mapping of what
            such a file would hold: ``{"data": "tennis", "model": {"base": "vit_heatmap"}}``. Or a configuration, as
            :func:`~tracknet_core.config.load_config` gives it, of which nothing is changed.
        overrides: settings, such as ``["training.epochs=3"]``.
        data: name of the file that takes the place of the section.
        model: the same of the section ``model``.
        training: the same of the section ``training``.
        output_dir: where the folders ``logs`` and ``checkpoints`` of all runs are.
        resume: the checkpoint to go on from; ``auto`` takes the newest of ``output_dir``.
        budget: seconds to train for, in the place of a number of epochs.

    Raises:
        ConfigError: all faults of the experiment, or parts that do not fit each other.
        DataError: the data cannot be read.
        CheckpointError: the checkpoint cannot be gone on from.
    """
    folder = Path(output_dir)
    check_folder(folder, "--output-dir")
    checkpoint = find_checkpoint(None if resume is None else str(resume), folder)
    prepared = prepare(experiment, overrides, {"data": data, "model": model, "training": training})
    return train_prepared(prepared, folder, checkpoint, budget=budget)
