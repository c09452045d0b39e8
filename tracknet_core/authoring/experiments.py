"""The experiments that come with tracknet: told, and copied to be changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tracknet_core.config import SECTIONS, experiment_file, load_config, shipped_experiments, shipped_folder
from tracknet_core.errors import ConfigError
from tracknet_core.files import new_file, writing

_COMMAND = re.compile(r"^(#\s+)python -m tracknet_core\.run \S+", re.MULTILINE)


@dataclass(frozen=True)
class Shipped:
    """A file of the experiments that come with tracknet.

    Attributes:
        name: what ``tracknet run`` or ``tracknet copy`` take.
        purpose: the first sentence of its comment.
        path: where it is.
    """

    name: str
    purpose: str
    path: str


def list_experiments(group: str | None = None) -> list[Shipped]:
    """Return the experiments, or the files of one of the groups that they are made of.

    Raises:
        ConfigError: there is no such group.
    """
    if group is None:
        return [Shipped(name, _purpose(file), str(file)) for name, file in shipped_experiments().items()]
    if group not in SECTIONS:
        raise ConfigError(f"{group}: no such group of files. It accepts: {', '.join(SECTIONS)}.")
    return [Shipped(name, _purpose(file), str(file)) for name, file in _files_of(group).items()]


def experiments_text(experiments: Sequence[Shipped]) -> str:
    """Return a line for each of them."""
    width = max(len(experiment.name) for experiment in experiments)
    return "\n".join(f"{experiment.name:{width}}  {experiment.purpose}" for experiment in experiments)


def copy_experiment(name: str, target: Path, overrides: Sequence[str] = (), *, resolved: bool = False) -> None:
    """Copy an experiment to a file of one's own, under a comment that says how to run it.

    Its bases stay names, and lead to the files that come with tracknet from anywhere.

    Args:
        name: of an experiment that comes with tracknet, of a file of a group such as ``model/vit_heatmap``, or the
            path of any experiment.
        target: a new file.
        overrides: settings in the form ``key=value``, of a resolved one.
        resolved: write all settings, bases merged and defaults filled in, as ``--dry-run`` shows them.

    Raises:
        ConfigError: there is no such experiment, or it cannot be resolved.
        DataError: the target is there already, or cannot be written.
    """
    if overrides and not resolved:
        raise ConfigError(f"{' '.join(overrides)}: settings are for --resolved. Write them into the copy.")
    in_group = _files_of(name.partition("/")[0]).get(name)
    if in_group is not None and resolved:
        raise ConfigError(f"--resolved: {name} is a section, no experiment. Copy it as it is, or the experiment.")
    source = in_group or experiment_file(Path(name))
    if not source.is_file():
        raise ConfigError(f"{name}: no such experiment file. 'tracknet experiments' lists those that can be copied.")
    text = source.read_text(encoding="utf-8")
    if resolved:
        comment = "".join(takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))
        text = comment + load_config(source, overrides).as_yaml()
    text = _COMMAND.sub(rf"\g<1>tracknet run {_replacement(target)}", text, count=1) if in_group is None else text
    with new_file(target, "FILE") as path, writing(target, "FILE"):
        path.write_text(text, encoding="utf-8")


def _replacement(target: Path) -> str:
    return str(target).replace("\\", r"\\")


def _files_of(group: str) -> dict[str, Path]:
    """Return the files of a group by their names, such as ``model/vit_heatmap``; none of what is no group."""
    files = sorted((shipped_folder() / group).glob("*.yaml")) if group in SECTIONS else []
    return {f"{group}/{file.stem}": file for file in files}


def _purpose(file: Path) -> str:
    """Return the first sentence of a file's comment, which goes before the commands in it."""
    lines = file.read_text(encoding="utf-8").splitlines()
    said = takewhile(lambda line: re.match(r"# \S", line), lines)
    return re.split(r"(?<=\.)\s", " ".join(line.removeprefix("#").strip() for line in said), maxsplit=1)[0]
