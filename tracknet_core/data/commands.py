"""What the commands ``tracknet data …`` do, each from what a person asked for to what the person is told."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from tracknet_core.assembly import build_dataset
from tracknet_core.clips import clip_names
from tracknet_core.config import default_of, load_data
from tracknet_core.contracts import Clip, Dataset, WritingDataset
from tracknet_core.data.check import check_data
from tracknet_core.data.make_split import SPLITS, group_clips, share_out, split_text
from tracknet_core.data.preview import write_preview
from tracknet_core.data.stats import gather_statistics, write_statistics
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import new_file
from tracknet_core.progress import Progress
from tracknet_core.registry import datasets
from tracknet_core.splits import SplitSetting, choose_clips, split_names


class Told(NamedTuple):
    """What a command tells.

    Attributes:
        text: its lines.
        is_wrong: whether training with the data would be wrong.
    """

    text: str
    is_wrong: bool = False


class ChosenData:
    """The data set that a command is about.

    Args:
        settings: at most one experiment file, of which the section ``data`` counts, and overrides ``key=value``.
        data: name of the section that takes its place.

    Raises:
        ConfigError: none is named, or two; or all faults of the section.
        DataError: the data are not there.
    """

    def __init__(self, settings: Sequence[str], data: str | None) -> None:
        experiments = [setting for setting in settings if "=" not in setting]
        if len(experiments) > 1:
            raise ConfigError(f"{' '.join(experiments)}: one experiment at a time. Settings have the form key=value.")
        if not experiments and data is None:
            raise ConfigError(
                "there is no data set to look at. Name an experiment file, or a data section: --data NAME."
            )
        experiment = Path(experiments[0]) if experiments else None
        config = load_data(experiment, [setting for setting in settings if "=" in setting], data)
        self._dataset = build_dataset(config)
        self._setting = config.split

    def clip_names(self) -> list[str]:
        """Return the names of all clips that the dataset has."""
        return [name for split in self._dataset.splits for name in clip_names(self._dataset.clips(split))]

    def splits(self, only: str | None = None) -> Mapping[str, Sequence[Clip]]:
        """Return the clips of every split, or of one.

        Raises:
            ConfigError: there is no such split.
        """
        names = split_names(self._dataset, self._setting)
        if only is not None and only not in names:
            raise ConfigError(f"--split {only}: there is no such split. It accepts: {', '.join(names)}.")
        return _Splits(self._dataset, self._setting, names if only is None else (only,))


class _Splits(Mapping[str, Sequence[Clip]]):
    """The clips of each split, listed when they are asked for, so that ``check`` can tell of a split that is broken."""

    def __init__(self, dataset: Dataset, setting: SplitSetting, names: Sequence[str]) -> None:
        self._names = names
        self._choose = functools.cache(functools.partial(choose_clips, dataset, setting))

    def __getitem__(self, split: str) -> Sequence[Clip]:
        return self._choose(split)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def check(data: ChosenData, *, only: str | None, jobs: int, as_json: bool) -> Told:
    """Open every clip of all splits, or of one, and tell what is wrong."""
    splits = data.splits(only)
    with _progress(splits) as on_clip:
        report = check_data(splits, jobs=jobs, on_clip=on_clip)
    text = json.dumps(report.as_dict(), indent=2) if as_json else report.as_text().rstrip("\n")
    return Told(text, bool(report.wrong))


def preview(data: ChosenData, *, only: str | None, output: Path, count: int, pattern: str | None) -> Told:
    """Draw labels on frames."""
    return Told(_lines(write_preview(data.splits(only), output, count=count, pattern=pattern)))


def stats(data: ChosenData, *, only: str | None, output: Path) -> Told:
    """Count visibility, speed, size and place of the ball."""
    splits = data.splits(only)
    with _progress(splits) as on_clip:
        statistics = gather_statistics(splits, on_clip=on_clip)
    files = write_statistics(statistics, output)
    return Told(f"{statistics.as_text()}\n\n{_lines(files)}")


def convert(
    data: ChosenData,
    *,
    only: str | None,
    output: Path,
    layout: str | None,
    frames: Literal["video", "images"],
    crf: int,
) -> Told:
    """Write the clips in the layout of a dataset.

    Raises:
        RegistryError: there is no such dataset.
        ConfigError: it is not one that writes.
    """
    layout = layout or default_of("--to")
    writer: object = datasets.get(layout)
    if not isinstance(writer, WritingDataset):
        raise ConfigError(f"--to {layout}: this dataset is read, and cannot be written. Name one that has a `write`.")
    splits = data.splits(only)
    with _progress(splits) as on_clip:
        return Told(writer.write(splits, output, frames=frames, crf=crf, on_clip=on_clip))


def split(data: ChosenData, *, output: Path, shares: Sequence[float], by: str | None, seed: int, line: str) -> Told:
    """Write a split by match.

    Args:
        data: the data set.
        output: the file; a new one.
        shares: of the clips for train, val and test.
        by: regular expression of what names the match in a clip name.
        seed: of the draw.
        line: the command line, which is written into the file as its origin.

    Raises:
        ConfigError: shares or an expression that cannot be.
        DataError: the file exists, or its folder does not.
    """
    if len(shares) > len(SPLITS):
        raise ConfigError(f"--shares: {len(shares)} numbers; expected up to 3, for {', '.join(SPLITS)}.")
    with new_file(output) as path:
        groups = group_clips(data.clip_names(), by)
        text = split_text(share_out(groups, dict(zip(SPLITS, shares, strict=False)), seed), line)
        path.write_text(text, encoding="utf-8")
    return Told(f"{text}{output}")


COMMANDS: dict[str, Callable[..., Told]] = {
    "check": check,
    "preview": preview,
    "stats": stats,
    "convert": convert,
    "split": split,
}


@contextmanager
def _progress(splits: Mapping[str, Sequence[Clip]]) -> Iterator[Callable[[str], None]]:
    """Give what is to be called with the name of each clip; it tells how far the work is."""
    total = 0
    for name in splits:
        with suppress(DataError):  # told by what goes on to read the split
            total += len(splits[name])
    with Progress("clips", total, unit="clips") as progress:
        yield progress.advance


def _lines(files: Sequence[Path]) -> str:
    return "\n".join(map(str, files))
