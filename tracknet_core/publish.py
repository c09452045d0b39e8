"""``python -m tracknet_core.publish CHECKPOINT --output DIR``: a trained network as a folder that others may have."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_checkpoint_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, publish, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "publish",
        "best.ckpt --output my_model --format onnx",
        description="Write the network of a checkpoint into a folder: weights as safetensors, configuration, and a "
        "card for people. A package makes such a folder known by an entry point of the group tracknet_models.",
    )
    add_checkpoint_options(parser, settings="to compare on, with --format")
    parser.add_argument("--output", type=Path, metavar="DIR", help="new or empty")
    parser.add_argument(
        "--to",
        metavar="hf://OWNER/NAME",
        help="a repository of Hugging Face; without --output, it goes there alone",
    )
    parser.add_argument("--private", action="store_true", help="a new repository is for its owner alone")
    parser.add_argument("--half", action="store_true", help="keep weights in 16 bits: half the size")
    parser.add_argument("--card", type=Path, metavar="FILE", help="Markdown; default: what is known, to be completed")
    parser.add_argument("--format", metavar="NAME", help="add a file for machines without torch, such as onnx")
    parser.add_argument("--int8", action="store_true", help="that file in 8 bits, calibrated on the data")
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.exporting import publish  # noqa: PLC0415

    publish(
        options.checkpoint,
        options.output,
        to=options.to,
        private=options.private,
        half=options.half,
        card=options.card,
        form=options.format,
        int8=options.int8,
        data=options.data,
        overrides=options.overrides,
        plugins=options.plugins,
        tell=tell,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
