"""How right networks are beside how fast: whole commands over labelled clips, ours and those of others.

    python benchmarks/pareto.py fast accurate --video videos/*.mp4 --data shuttlecock data.root=/path/to/data
        --vballnet ~/fast-volleyball-tracking-inference --program 'another: python other.py {video} {folder}'

Each command goes through all videos, and its rows are scored as `tracknet evaluate --predictions` scores files of any
program, under both protocols: so F1 and rate are of the same work, the tracker and everything else with it. The rate
is that of the whole process on the longest video, from its start to its last row, the median of rounds in which the
commands take turns. A command is at the front if no faster one is at least as right under both protocols. With
`--rows FOLDER` rows stay, and what is there is not made again.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from predict import filled, in_turn, others, predicting, require_rows
from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core.evaluation.compute import evaluate
from tracknet_core.tracking.networks import network_path
from tracknet_core.video import VideoFrames

PROTOCOLS = ("wasb", "tracknet")


class Figures(NamedTuple):
    """What a command reaches: F1 under each protocol, frames per second, and seconds of all processors per frame."""

    f1: tuple[float, ...]
    rate: float
    work: float

    def is_beaten_by(self, other: Figures) -> bool:
        """Return whether another is faster and at least as right."""
        return other.rate > self.rate and all(theirs >= ours for ours, theirs in zip(self.f1, other.f1, strict=True))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="a file, or the name of a model")
    parser.add_argument("--video", nargs="+", type=Path, required=True, metavar="FILE", help="those of the clips")
    parser.add_argument("--data", nargs="+", required=True, metavar="NAME", help="section of the labels, and settings")
    parser.add_argument("--split", default="test")
    parser.add_argument("--program", action="append", default=[], metavar="'NAME: COMMAND'", help="as in predict.py")
    parser.add_argument("--vballnet", type=Path, metavar="FOLDER", help="clone of fast-volleyball-tracking-inference")
    parser.add_argument("--rows", type=Path, metavar="FOLDER", help="where rows stay; default: nowhere")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    commands = {network: predicting(network_path(network)) for network in options.networks}
    commands |= others(options.program, options.vballnet)
    with TemporaryDirectory() as name:
        rows = {command: (options.rows or Path(name)) / Path(command).stem for command in commands}
        for command, place in rows.items():
            go_through(commands[command], options.video, place)
        longest = max(options.video, key=lambda video: len(VideoFrames(video)))
        runs = in_turn(commands, longest, options.rounds, Path(name))
        frames = len(VideoFrames(longest))
        found = {}
        for command, place in rows.items():
            wall, cpu = (statistics.median(getattr(run, which) for run in runs[command]) for which in ("wall", "cpu"))
            found[command] = Figures(right(place, options.data, options.split), frames / wall, cpu / frames)
    show(found)


def go_through(command: str, videos: Sequence[Path], place: Path) -> None:
    """Let a command write the rows of each video, which get its name, and its folder's."""
    above = commonpath([video.parent for video in videos])
    for video in videos:
        kept = place / video.relative_to(above).with_suffix(".csv")
        if kept.exists():
            continue
        with TemporaryDirectory() as name:
            subprocess.run(filled(command, video, Path(name)), check=True, stdout=subprocess.DEVNULL)
            require_rows(Path(name), video)
            (written,) = Path(name).rglob("*.csv")
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(written, kept)


def right(rows: Path, data: Sequence[str], split: str) -> tuple[float, ...]:
    """Return F1 under each protocol."""
    section, *overrides = data
    scored = evaluate(
        predictions=rows, data=section, overrides=overrides, split=split, protocols=PROTOCOLS, progress=False
    )
    return tuple(protocol.figures["f1"] for protocol in scored.protocols)


def show(found: Mapping[str, Figures]) -> None:
    """Print the table, the fastest first."""
    heads = ("command", *(f"F1 {name}" for name in PROTOCOLS), "frames/s", "CPU-ms per frame", "at the front")
    table = Table(*heads, box=box.MARKDOWN)
    for name, figures in sorted(found.items(), key=lambda item: -item[1].rate):
        is_front = not any(map(figures.is_beaten_by, found.values()))
        f1 = (f"{value:.3f}" for value in figures.f1)
        table.add_row(name, *f1, f"{figures.rate:.0f}", f"{1000 * figures.work:.1f}", "yes" if is_front else "")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
