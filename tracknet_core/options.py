"""Options that several commands share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class CommandParser(argparse.ArgumentParser):
    """The parser of a command, whose help begins with an example.

    Args:
        command: name of the command, after ``tracknet``.
        example: arguments of a whole command line, as a person would write them.
        **options: those of ``argparse.ArgumentParser``.
    """

    def __init__(self, command: str, example: str, **options: Any) -> None:
        super().__init__(prog=f"tracknet {command}", **options)
        self.example = example

    def format_help(self) -> str:
        """Return the example, and what argparse makes of the options."""
        return f"example: {self.prog} {self.example}\n\n{super().format_help()}"


def add_section_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, ``--model`` and ``--training``: other sections for an experiment."""
    for section in ("data", "model", "training"):
        parser.add_argument(f"--{section}", metavar="NAME", help=f"replace the section by the file {section}/NAME.yaml")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``: the same as the text says, for programs."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON alone")


def add_plugin_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--plugin``: what to import of the parts that a checkpoint names, which could come from a stranger."""
    parser.add_argument(
        "--plugin",
        dest="plugins",
        action="append",
        default=[],
        metavar="MODULE",
        help="module or .py file with parts that are named here, and that you trust",
    )


def add_checkpoint_options(parser: argparse.ArgumentParser, *, settings: str) -> None:
    """Add the checkpoint whose network is written, and the options of the data that what is written is compared on.

    Args:
        parser: gets them.
        settings: what settings of the data are for.
    """
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help=".ckpt file that a run wrote")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=f"settings of the data {settings}")
    parser.add_argument("--data", metavar="NAME", help="data/NAME.yaml instead of the data that the checkpoint knows")
    add_plugin_option(parser)


def add_tracking_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how a network's file runs over a clip, and of what becomes of its answers."""
    parser.add_argument(
        "--tracker",
        metavar="NAME",
        help="such as kalman, '{name: kalman, max_gap: 5}' or the .ckpt of a trained one; default: the best path",
    )
    parser.add_argument(
        "--step",
        type=int,
        metavar="N",
        help="frames between windows; default: what the network was made for, mostly no overlap",
    )
    parser.add_argument(
        "--ensemble",
        metavar="NAME",
        help="what overlapping windows make of a frame, such as mean or triangular; default: all that they find",
    )
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="windows at once; default: 8 of a checkpoint, 1 of an exported file"
    )
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="of torch, such as cpu or cuda:0; default: %(default)s"
    )
    parser.add_argument(
        "--backend", default="auto", metavar="NAME", help="torch, onnx, openvino, …; default: by the file's suffix"
    )


def given(options: argparse.Namespace, parser: argparse.ArgumentParser, except_for: Sequence[str]) -> list[str]:
    """Return the names of the options that are not as they would be if nobody had given them."""
    return [
        f"--{name.replace('_', '-')}"
        for name, value in vars(options).items()
        if name not in except_for and value != parser.get_default(name)
    ]


def size(text: str) -> tuple[int, int]:
    """Return the width and height that an option such as ``1280x720`` says."""
    sides = text.casefold().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 0 < len(side) <= 5 and int(side) for side in sides):
        raise argparse.ArgumentTypeError(f"{text} is no size; expected width and height in pixels, such as 1280x720")
    return int(sides[0]), int(sides[1])


def budget(text: str) -> float | None:
    """Return the seconds that an option such as ``20m``, ``90s`` or ``1.5h`` says; None for ``epochs``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip().casefold())
    seconds = float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0.0
    if not seconds and text != "epochs":
        raise argparse.ArgumentTypeError(f"{text} is no time; expected one such as 90s, 20m or 1.5h, or epochs")
    return seconds or None


def at_least(least: int) -> Callable[[str], int]:
    """Return the type of an option that is a whole number from ``least`` on."""

    def whole_number(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is too small; expected {least} or more")
        return number

    return whole_number
