"""``python -m tracknet_core.export CHECKPOINT --format NAME --output FILE``: a file that runs without tracknet.

The file takes uint8 frames and gives logits and detections: normalisation and decoding are inside, but for codecs that
cannot be a graph. It is compared with the network on real frames before it gets its name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_checkpoint_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, export, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "export",
        "best.ckpt --format onnx --output best.onnx",
        description="Write the network of a checkpoint as a file that runs without tracknet: uint8 frames in, logits "
        "and places of the ball out. It is compared with the network before it gets its name.",
        epilog="Files of strangers: ONNX and OpenVINO files hold numbers and known operations, while loading a "
        "TorchScript or exported file can run code that is inside it. Load none of those that you do not trust.",
    )
    add_checkpoint_options(parser, settings="to compare (and calibrate) on, such as data.root=/path/to/data")
    parser.add_argument("--format", required=True, metavar="NAME", help="onnx, openvino, torchscript, exported, …")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="new; nothing is overwritten")
    parser.add_argument(
        "--int8", action="store_true", help="8 bits, calibrated on the data: faster on many processors, less exact"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.exporting import export  # noqa: PLC0415

    export(
        options.checkpoint,
        options.output,
        options.format,
        int8=options.int8,
        data=options.data,
        overrides=options.overrides,
        plugins=options.plugins,
        tell=tell,
    )
    tell(str(options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
