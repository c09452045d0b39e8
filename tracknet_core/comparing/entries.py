"""What is compared: experiments, and the settings that they share."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracknet_core.assembly import build_dataset
from tracknet_core.config import Config, load_config, load_data
from tracknet_core.config.shipped import experiment_file
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import replace_text
from tracknet_core.splits import choose_clips

SETTINGS = "settings.json"
"""What an entry was trained with, in its folder."""

_SAME = ("dataset", "root", "split")
"""Settings of the data that have to be the same for all: they say what is trained on, and what is scored."""

_WINDOW = ("enabled", "length", "windows", "step")
"""Settings of ``data.sequence`` that belong to a network, whichever data it is given."""

_ONE_PROCESS = "training.data_loader.num_workers=0"
"""Every experiment gets the same number of processes."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all experiments of a comparison share.

    Attributes:
        overrides: settings in the form ``key=value``.
        sections: names of files that take the place of whole sections, by section.
        budget: seconds of training; None for the epochs of the settings.
        threads: of each experiment.
    """

    overrides: Sequence[str] = ()
    sections: Mapping[str, str | None] = field(default_factory=dict)
    budget: float | None = None
    threads: int = 1


@dataclass(frozen=True)
class Entry:
    """An experiment of a comparison.

    Attributes:
        name: what it is called in tables: the experiment, and what an ablation changes of it, or the name of that.
        experiment: the YAML file.
        overrides: settings in the form ``key=value``: the network's own window, the shared ones, those of the ablation.
        config: the whole experiment.
        folder: where everything of it lies.
        shared: what it has in common with the others.
    """

    name: str
    experiment: Path
    overrides: tuple[str, ...]
    config: Config
    folder: Path
    shared: Shared

    def settings(self) -> dict[str, Any]:
        """Return what its training depends on, as plain data."""
        return {
            "name": self.name,
            "experiment": str(self.experiment),
            "overrides": list(self.overrides),
            "sections": dict(self.shared.sections),
            "budget": self.shared.budget,
            "threads": self.shared.threads,
            "config": self.config.as_dict(),
        }

    def begin(self) -> None:
        """Make the folder, or make sure that it is about the same training.

        Raises:
            DataError: it holds another one.
        """
        path, settings = self.folder / SETTINGS, self.settings()
        text = json.dumps(settings, indent=2) + "\n"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_text(path, text)
            return
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path}: cannot be read ({error}). Remove {self.folder}, or name another --output."
            ) from error
        wanted = json.loads(text)
        differing = [key for key in ("budget", "threads") if earlier.get(key) != wanted[key]]
        differing += list(_differing(earlier.get("config"), wanted["config"]))
        if differing:
            more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
            raise DataError(
                f"{self.folder}: was trained with other settings ({', '.join(differing[:3])}{more}). Name another "
                "--output, or remove this folder."
            )


def find_entries(
    experiments: Sequence[Path], ablations: Sequence[Sequence[str]], shared: Shared, split: str, output: Path
) -> list[Entry]:
    """Return what is compared, every configuration checked, and whether the clips are there.

    Args:
        experiments: YAML files, or names of those that come with tracknet.
        ablations: an experiment, and the settings in the form ``key=value`` that make it another; with a name of its
            own as ``NAME=EXPERIMENT``, which may be all that is changed.
        shared: what all have in common.
        split: what is scored.
        output: what holds a folder for each.

    Raises:
        ConfigError: all faults of an experiment; one that is there twice, or on other data; no such split.
        DataError: the data cannot be read.
    """
    entries = [_entry("", experiment, (), shared, output) for experiment in experiments]
    for ablation in ablations:
        experiment, *changes = ablation
        name, _, file = experiment.rpartition("=")
        if not (name or changes) or any("=" not in change for change in changes):
            raise ConfigError(
                f"--ablation {' '.join(ablation)}: give an experiment, and what is changed of it, such as --ablation "
                "vit model.heatmap.sigma=3, or a name, such as --ablation mine=vit."
            )
        entries.append(_entry(name, Path(file), changes, shared, output))
    if not entries:
        raise ConfigError("what is to be compared? Give names of experiments, such as tracknetv2 wasb.")
    [(name, count)] = Counter(entry.name for entry in entries).most_common(1)
    if count > 1:
        raise ConfigError(f"{name}: is there twice. Compare it once, or with an --ablation.")
    _check_folders(entries)
    _check_same_data(entries)
    data = entries[0].config.data
    for name in ("train", split):
        choose_clips(build_dataset(data), data.split, name)
    return entries


def _entry(name: str, experiment: Path, changes: Sequence[str], shared: Shared, output: Path) -> Entry:
    path = experiment_file(experiment)
    overrides = (*_own_window(path, shared), _ONE_PROCESS, *shared.overrides, *changes)
    name = name or " ".join([path.stem, *changes])
    folder = output / re.sub(r"[^\w.=-]+", "_", name)[:100]
    config = load_config(path, overrides, shared.sections)
    _ = config.network  # refuses a tracker that learns, which finds no ball
    return Entry(name, path, overrides, config, folder, shared)


def _own_window(experiment: Path, shared: Shared) -> Iterator[str]:
    """Yield the settings that keep the window of a network where its section ``data`` is replaced by a shared one."""
    if shared.sections.get("data") is None and not any(text.startswith("data=") for text in shared.overrides):
        return
    own = load_data(experiment, ["data.root=."]).sequence  # any root: nothing is read
    for name in _WINDOW:
        yield f"data.sequence.{name}={json.dumps(getattr(own, name))}"


def _check_folders(entries: Sequence[Entry]) -> None:
    """Refuse entries that would lie in one folder, since long names are cut and only some letters are kept."""
    names: dict[str, str] = {}
    for entry in entries:
        other = names.setdefault(entry.folder.name.casefold(), entry.name)
        if other != entry.name:
            raise ConfigError(
                f"{entry.folder}: would be the folder of both '{other}' and '{entry.name}'. Give one of them a short "
                "name: --ablation NAME=EXPERIMENT …"
            )


def _check_same_data(entries: Sequence[Entry]) -> None:
    first, *others = entries
    for entry in others:
        for name in _SAME:
            one, other = (getattr(each.config.data, name) for each in (first, entry))
            if one != other:
                raise ConfigError(
                    f"data.{name}: {one} in '{first.name}' and {other} in '{entry.name}'. Give one for all, as with "
                    f"--data NAME or data.{name}=…"
                )


def _differing(earlier: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of settings that are not what they were; those that there were not yet say nothing."""
    if isinstance(earlier, dict) and isinstance(now, dict):
        for key, value in earlier.items():
            yield from _differing(value, now.get(key), f"{path}.{key}" if path else key)
    elif earlier != now:
        yield path
