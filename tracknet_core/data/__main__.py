"""``python -m tracknet_core.data COMMAND``: look at a data set before it is believed; the data set is never changed."""

from __future__ import annotations

import argparse
import functools
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tracknet_core.cli import guarded
from tracknet_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tracknet_core.contracts import Clip, Dataset
    from tracknet_core.loading.splits import SplitSetting

# Modules are imported by the function that needs them: numpy, PyAV and torch take seconds, and --help needs none.

WRONG = 1
"""Exit code of ``check`` where training would be wrong."""

OnClip = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run the sub-command, and return the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = _overview().parse_args(arguments[:1])
    command: Callable[[argparse.Namespace], int] = options.command
    parsed = _parser(command).parse_intermixed_args(arguments[1:])
    parsed.line = f"tracknet data {shlex.join(arguments)}"
    return guarded(lambda: command(parsed))


# ------------------------------------------------------------------------------------------- sub-commands


def _check(options: argparse.Namespace) -> int:
    """Open every clip and tell what is wrong; exit code 1 where training would be wrong."""
    from tracknet_core.data.check import check_data  # noqa: PLC0415

    splits = _splits(options)
    with _progress(splits) as on_clip:
        report = check_data(splits, jobs=options.jobs, on_clip=on_clip)
    if options.json:
        sys.stdout.write(json.dumps(report.as_dict(), indent=2) + "\n")
    else:
        sys.stdout.write(report.as_text().rstrip("\n") + "\n")
    return WRONG if report.wrong else 0


def _preview(options: argparse.Namespace) -> int:
    """Draw labels on frames: a contact sheet, and a video of the first clip, or of those that --clip names."""
    from tracknet_core.data.preview import write_preview  # noqa: PLC0415

    return _tell(write_preview(_splits(options), options.output, count=options.count, pattern=options.clip))


def _stats(options: argparse.Namespace) -> int:
    """Count visibility, speed, size and place of the ball, as a picture and as numbers."""
    from tracknet_core.data.stats import gather_statistics, write_statistics  # noqa: PLC0415

    splits = _splits(options)
    with _progress(splits) as on_clip:
        statistics = gather_statistics(splits, on_clip=on_clip)
    files = write_statistics(statistics, options.output)
    sys.stdout.write(f"{statistics.as_text()}\n\n")
    return _tell(files)


def _convert(options: argparse.Namespace) -> int:
    """Write the clips in the shuttlecock layout of TrackNetV3, with labels as exact as they are."""
    from tracknet_core.data.shuttlecock_layout import convert  # noqa: PLC0415

    splits = _splits(options)
    with _progress(splits) as on_clip:
        done = convert(splits, options.output, frames=options.frames, crf=options.crf, on_clip=on_clip)
    sys.stdout.write(done.as_text() + "\n")
    return 0


def _split(options: argparse.Namespace) -> int:
    """Write a split by match, with a fixed seed, for data.split."""
    from tracknet_core.data.make_split import SPLITS, group_clips, share_out, split_text, write_split  # noqa: PLC0415
    from tracknet_core.files import check_free  # noqa: PLC0415
    from tracknet_core.labels import clip_names  # noqa: PLC0415

    check_free(options.output)
    if len(options.shares) > len(SPLITS):
        raise ConfigError(f"--shares: {len(options.shares)} numbers; expected up to 3, for {', '.join(SPLITS)}.")
    dataset, _ = _dataset(options)
    names = [name for split in dataset.splits for name in clip_names(dataset.clips(split))]
    shares = dict(zip(SPLITS, options.shares, strict=False))
    text = split_text(share_out(group_clips(names, options.by), shares, options.seed), options.line)
    write_split(options.output, text)
    sys.stdout.write(text)
    return _tell([options.output])


# ---------------------------------------------------------------------------------------- the command line

COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "preview": _preview,
    "stats": _stats,
    "convert": _convert,
    "split": _split,
}


def _overview() -> argparse.ArgumentParser:
    """Return the parser of the first argument; the others wait, since overrides mix with options."""
    purposes = "\n".join(f"  {name:10}{command.__doc__}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="tracknet data",
        usage="tracknet data COMMAND (EXPERIMENT | --data NAME) [key=value …] [-h] …",
        description="Look at a data set before it is believed. Nothing of it is changed.",
        epilog=f"commands:\n{purposes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", type=_command, metavar="COMMAND", help=", ".join(COMMANDS))
    return parser


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    if name not in COMMANDS:
        raise argparse.ArgumentTypeError(f"no command '{name}'. Known: {', '.join(COMMANDS)}.")
    return COMMANDS[name]


def _parser(command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """Return the parser of the arguments after the sub-command."""
    name = next(name for name, known in COMMANDS.items() if known is command)
    parser = argparse.ArgumentParser(prog=f"tracknet data {name}", description=command.__doc__)
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="EXPERIMENT | key=value",
        help="an experiment file, of which the section data counts, and settings such as data.root=/path/to/data",
    )
    parser.add_argument("--data", metavar="NAME", help="the section data is the file data/NAME.yaml")
    if command is not _split:
        parser.add_argument("--split", metavar="NAME", help="only this split")
    if command is _check:
        parser.add_argument("--json", action="store_true", help="print JSON alone")
        parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="clips at a time; default: 1")
        return parser
    kind = "FILE" if command is _split else "DIR"
    parser.add_argument("--output", type=Path, required=True, metavar=kind, help="new; nothing is overwritten")
    if command is _preview:
        parser.add_argument(
            "--count", type=_positive, default=12, metavar="N", help="frames on the contact sheet; default: 12"
        )
        parser.add_argument("--clip", metavar="PATTERN", help="only clips of such names, and a video of each")
    if command is _convert:
        parser.add_argument(
            "--frames", choices=("video", "images"), default="video", help="mp4, or one PNG for each frame"
        )
        parser.add_argument(
            "--crf", type=int, choices=range(52), default=18, metavar="N", help="loss of encoding, 0..51; default: 18"
        )
    if command is _split:
        parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the draw; default: 0")
        parser.add_argument(
            "--shares",
            type=float,
            nargs="+",
            default=[0.7, 0.15, 0.15],
            metavar="SHARE",
            help="of the clips for train, val and test; default: 0.7 0.15 0.15",
        )
        parser.add_argument(
            "--by", metavar="REGEX", help="what names the match in a clip name; default: all before the last /"
        )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small; expected 1 or more")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is too small; expected 0 or more")
    return number


# ----------------------------------------------------------------------------------------------- the data


def _dataset(options: argparse.Namespace) -> tuple[Dataset, SplitSetting]:
    """Return the reader, and what ``data.split`` says."""
    from tracknet_core.assembly import build_dataset  # noqa: PLC0415
    from tracknet_core.config import load_data  # noqa: PLC0415

    experiments = [setting for setting in options.settings if "=" not in setting]
    if len(experiments) > 1:
        raise ConfigError(f"{' '.join(experiments)}: one experiment at a time. Settings have the form key=value.")
    if not experiments and options.data is None:
        raise ConfigError("there is no data set to look at. Name an experiment file, or a data section: --data NAME.")
    experiment = Path(experiments[0]) if experiments else None
    config = load_data(experiment, [setting for setting in options.settings if "=" in setting], options.data)
    return build_dataset(config), config.split


class _Splits(Mapping[str, "Sequence[Clip]"]):
    """The clips of each split, listed when they are asked for, so that ``check`` can tell of a split that is broken."""

    def __init__(self, dataset: Dataset, setting: SplitSetting, names: Sequence[str]) -> None:
        self._names = names
        self._choose = functools.cache(functools.partial(self._clips_of, dataset, setting))

    def __getitem__(self, split: str) -> Sequence[Clip]:
        return self._choose(split)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @staticmethod
    def _clips_of(dataset: Dataset, setting: SplitSetting, split: str) -> Sequence[Clip]:
        from tracknet_core.loading.splits import choose_clips  # noqa: PLC0415

        return choose_clips(dataset, setting, split)


def _splits(options: argparse.Namespace) -> Mapping[str, Sequence[Clip]]:
    """Return the clips of every split, or of the one asked for."""
    from tracknet_core.loading.splits import split_names  # noqa: PLC0415

    dataset, setting = _dataset(options)
    names = split_names(dataset, setting)
    if options.split is not None and options.split not in names:
        raise ConfigError(f"--split {options.split}: there is no such split. It accepts: {', '.join(names)}.")
    return _Splits(dataset, setting, names if options.split is None else (options.split,))


@contextmanager
def _progress(splits: Mapping[str, Sequence[Clip]]) -> Iterator[OnClip]:
    """Give what is to be called with the name of each clip; it tells how far the work is."""
    from tracknet_core.progress import Progress  # noqa: PLC0415

    total = 0
    for split in splits:
        with suppress(DataError):  # told by what goes on to read the split
            total += len(splits[split])
    with Progress("clips", total, unit="clips") as progress:
        yield progress.advance


def _tell(files: Sequence[Path]) -> int:
    sys.stdout.writelines(f"{file}\n" for file in files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
