"""``python -m tracknet_core.lr_find EXPERIMENT``: a learning rate to train with, from a short test at many."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, show, tell
from tracknet_core.files import check_free, new_file
from tracknet_core.options import CommandParser, add_section_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, test, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "lr-find",
        "vit training.batch_size=16",
        description="Train for some steps at learning rates that rise from one to the other, and show the loss at "
        "each. The optimizer is that of the experiment, without its schedule. Nothing is changed, and nothing kept.",
    )
    parser.add_argument("experiment", type=Path, help="YAML file, or a name of tracknet experiments")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, such as training.loss=focal")
    add_section_options(parser)
    parser.add_argument(
        "--lowest", type=float, default=1e-6, metavar="LR", help="rate of the first step; default: %(default)g"
    )
    parser.add_argument(
        "--highest", type=float, default=1.0, metavar="LR", help="rate of the last step; default: %(default)g"
    )
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="default: %(default)s")
    parser.add_argument("--output", type=Path, metavar="FILE.svg", help="a picture of it, too; nothing is overwritten")
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch and Lightning take seconds to import, and --help needs neither.
    from tracknet_core import training  # noqa: PLC0415

    if options.output is not None:
        check_free(options.output)
    sections = {"data": options.data, "model": options.model, "training": options.training}
    prepared = training.prepare(options.experiment, options.overrides, sections, validates=False)
    found = training.find_learning_rate(prepared, lowest=options.lowest, highest=options.highest, steps=options.steps)
    show(*found.tell())
    if options.output is not None:
        with new_file(options.output) as path:
            path.write_text(found.as_svg(), encoding="utf-8")
        tell(str(options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
