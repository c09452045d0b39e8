"""``python -m tracknet_core.run EXPERIMENT``: from a YAML file to a trained tracker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import INTERRUPTED, guarded, show
from tracknet_core.options import CommandParser, add_section_options, budget


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "run",
        "vit training.epochs=5 --model convnext_fpn_heatmap",
        description="Train a ball tracker from an experiment file.",
    )
    parser.add_argument("experiment", type=Path, help="YAML file, or a name of tracknet experiments")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, such as training.epochs=3")
    add_section_options(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="short for training.seed=N")
    parser.add_argument("--output-dir", type=Path, default=Path("outputs"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--resume", metavar="auto|CKPT", help="go on from a checkpoint; auto takes the newest last_*.ckpt"
    )
    longest = "train for a time, such as 20m or 1.5h, instead of training.epochs; the schedule is fitted to it"
    parser.add_argument("--budget", type=budget, metavar="TIME", help=longest)
    parser.add_argument(
        "--dry-run", action="store_true", help="check, show the configuration and the network, write nothing"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch and Lightning take seconds to import, and --help needs neither.
    from tracknet_core import training  # noqa: PLC0415

    overrides = [*options.overrides, *([] if options.seed is None else [f"training.seed={options.seed}"])]
    sections = {"data": options.data, "model": options.model, "training": options.training}
    if options.dry_run:
        training.find_checkpoint(options.resume, options.output_dir)
        show(*training.describe(training.prepare(options.experiment, overrides, sections)))
        return 0
    trained = training.train_experiment(
        options.experiment,
        overrides,
        **sections,
        output_dir=options.output_dir,
        resume=options.resume,
        budget=options.budget,
    )
    if trained.is_first:
        show(training.figures(trained))
        # Not in a table, which would cut long paths at the width of the terminal.
        sys.stdout.writelines(f"{name:10}{path}\n" for name, path in trained.files.items())
        if trained.interrupted:
            show("Interrupted. To go on from the last complete epoch, run the same command with --resume auto")
    return INTERRUPTED if trained.interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
