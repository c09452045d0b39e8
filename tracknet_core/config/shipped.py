"""The experiments that come with tracknet, and the files of the groups that they are made of."""

from __future__ import annotations

from pathlib import Path

from tracknet_core.errors import ConfigError, did_you_mean

SHORTHANDS, OPTIONS = "shorthands", "options"
"""Files beside the experiments that are none."""


def shipped_folder() -> Path:
    """Return the folder of the experiments that come with tracknet: inside the package, in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "experiments"
    return inside if inside.is_dir() else package.parent / "experiments"


def shipped_experiments() -> dict[str, Path]:
    """Return the experiments that come with tracknet, by name, in order."""
    files = sorted(shipped_folder().glob("*.yaml"))
    return {file.stem: file for file in files if file.stem not in (SHORTHANDS, OPTIONS)}


def experiment_file(experiment: Path) -> Path:
    """Return the file of an experiment: a path, or the bare name of one that comes with tracknet.

    Raises:
        ConfigError: it is a bare name, and none is called so.
    """
    if experiment.is_file() or experiment.suffix or len(experiment.parts) > 1:
        return experiment
    known = shipped_experiments()
    if experiment.name not in known:
        beside = f"{experiment.name}.yaml"
        is_beside = Path(beside).is_file()
        hint = f" Did you mean '{beside}'?" if is_beside else did_you_mean(experiment.name, known)
        raise ConfigError(
            f"{experiment}: no such file, and no experiment that comes with tracknet.{hint} Give the path of a YAML "
            f"file, or one of {', '.join(known)}."
        )
    return known[experiment.name]
