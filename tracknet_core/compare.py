"""``tracknet compare EXPERIMENT …``: experiments trained on the same data for the same time, in one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.files import check_folder
from tracknet_core.options import CommandParser, at_least, budget


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, compare, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "compare",
        "tracknetv2 wasb vit --data shuttlecock data.root=/path/to/data --budget 20m --output compared",
        description="Train experiments on the same data for the same time, score them by the same rules, and write one "
        "table. What is done is skipped, and what was begun goes on, when the same command comes again.",
    )
    add = parser.add_argument
    shared = "experiments: YAML files or names of tracknet experiments; and settings that all share"
    add("words", nargs="*", metavar="EXPERIMENT | key=value", help=shared)
    changed = "one more row: an experiment with other settings, such as wide=vit model.heatmap.sigma=3; repeatable"
    add("--ablation", nargs="+", action="append", default=[], metavar=("[NAME=]EXPERIMENT", "key=value"), help=changed)
    for section in ("data", "model", "training"):
        add(f"--{section}", metavar="NAME", help=f"the section {section}/NAME.yaml for all")
    add(
        "--budget",
        type=budget,
        metavar="TIME",
        help="of training, such as 20m or 1.5h; default: epochs, as many as set",
    )
    add("--threads", type=at_least(1), default=1, metavar="N", help="of each experiment; default: %(default)s")
    add("--jobs", type=at_least(1), default=1, metavar="N", help="experiments at a time; default: %(default)s")
    add("--split", default="test", metavar="NAME", help="that is scored; default: %(default)s")
    add("--protocol", nargs="+", action="extend", default=[], metavar="NAME", help="rules; default: those of each")
    add("--tracker", metavar="NAME", help="such as none; default: as for tracknet evaluate")
    add("--format", nargs="*", default=[], metavar="NAME", help="measure the speed in these too, such as onnx openvino")
    add("--output", type=Path, default=Path("compared"), metavar="DIR", help="default: %(default)s")
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core import comparing  # noqa: PLC0415

    check_folder(options.output)
    overrides = [word for word in options.words if "=" in word]
    shared = comparing.Shared(
        overrides=overrides,
        sections={section: vars(options)[section] for section in ("data", "model", "training")},
        budget=options.budget,
        threads=options.threads,
    )
    experiments = [Path(word) for word in options.words if word not in overrides]
    entries = comparing.find_entries(experiments, options.ablation, shared, options.split, options.output)
    scoring = comparing.Scoring(split=options.split, protocols=options.protocol, tracker=options.tracker)
    found = comparing.compare_experiments(
        entries, scoring, options.output, forms=options.format, at_once=options.jobs, tell=tell
    )
    tell(comparing.as_text(found))
    return 0 if all(row.scores for row in found.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
