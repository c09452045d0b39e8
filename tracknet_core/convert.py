"""``python -m tracknet_core.convert WEIGHTS --from NAME --output CKPT``: weights of others as a checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_plugin_option


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, convert, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "convert",
        "wasb_tennis_best.pth.tar --from wasb --output wasb.ckpt",
        description="Turn the weights of a published network into a checkpoint, with which predict, evaluate, adapt "
        "and export work. The file is read without running code that may be in it, and each of its weights must have "
        "its place: what is unknown or missing is listed, and nothing is written.",
    )
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="file of torch, safetensors or ONNX")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the experiment to change")
    parser.add_argument(
        "--from",
        required=True,
        dest="source",
        metavar="NAME",
        help="whose network it is, such as wasb or tracknetv3; 'tracknet list converters' names all",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="CKPT", help="new; nothing is overwritten")
    add_plugin_option(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.converting import convert  # noqa: PLC0415

    made = convert(
        options.weights, options.output, options.source, overrides=options.overrides, plugins=options.plugins
    )
    what = "tracker" if made.is_tracker else "network"
    changes = f", with {' '.join(made.settings)}" if made.settings else ""
    tell(f"{made.parameters:,} parameters: the {what} of the experiment {made.experiment}{changes}\n{options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
