"""``tracknet data COMMAND``: look at a data set before it is believed; the data set is never changed."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.doors import unknown
from tracknet_core.options import CommandParser, at_least

WRONG = 1
"""Exit code of ``check`` where training would be wrong."""

COMMANDS = {
    "check": "Open every clip and tell what is wrong; exit code 1 where training would be wrong.",
    "preview": "Draw labels on frames: a contact sheet, and a video of the first clip, or of those that --clip names.",
    "stats": "Count visibility, speed, size and place of the ball, as a picture and as numbers.",
    "convert": "Write the clips in the layout of another dataset, with labels as exact as they are.",
    "split": "Write a split by match, with a fixed seed, for data.split.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run the sub-command, and return the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command: str = _overview().parse_args(arguments[:1]).command
    options = parser(command).parse_intermixed_args(arguments[1:])
    if command == "split":
        options.line = f"tracknet data {shlex.join(arguments)}"
    return guarded(lambda: _run(command, options))


def _overview() -> CommandParser:
    """Return the parser of the first argument; the others wait, since overrides mix with options."""
    parser = CommandParser(
        "data",
        "check --data csv data.root=/path/to/data",
        usage="tracknet data COMMAND (EXPERIMENT | --data NAME) [key=value …] [-h] …",
        description="Look at a data set before it is believed. Nothing of it is changed.",
        epilog="\n".join(["commands:", *(f"  {name:10}{purpose}" for name, purpose in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", type=_command, metavar="COMMAND", help=", ".join(COMMANDS))
    return parser


def _command(name: str) -> str:
    if name not in COMMANDS:
        raise argparse.ArgumentTypeError(unknown(name, COMMANDS))
    return name


def parser(command: str) -> CommandParser:
    """Return the parser of the arguments after the sub-command."""
    written = {"check": "", "split": " --output split.yaml"}.get(command, f" --output {command}")
    example = f"--data csv data.root=/path/to/data{written}"
    parser = CommandParser(f"data {command}", example, description=COMMANDS[command])
    add = parser.add_argument
    chosen = "an experiment file, of which the section data counts, and settings such as data.root=/path/to/data"
    add("settings", nargs="*", metavar="EXPERIMENT | key=value", help=chosen)
    add("--data", metavar="NAME", help="the section data is the file data/NAME.yaml")
    if command != "split":
        add("--split", metavar="NAME", dest="only", help="only this split")
    if command != "check":
        add("--output", type=Path, required=True, metavar="PATH", help="new; nothing is overwritten")
    if command == "check":
        add("--json", action="store_true", dest="as_json", help="print JSON alone")
        add("--jobs", type=at_least(1), default=1, metavar="N", help="clips at a time; default: 1")
    if command == "preview":
        add("--count", type=at_least(1), default=12, metavar="N", help="frames on the contact sheet; default: 12")
        add("--clip", dest="pattern", metavar="PATTERN", help="only clips of such names, and a video of each")
    if command == "convert":
        add("--to", dest="layout", metavar="NAME", help="the dataset whose layout it is; default: that of TrackNetV3")
        add("--frames", choices=("video", "images"), default="video", help="mp4, or one PNG for each frame")
        add("--crf", type=int, choices=range(52), default=18, metavar="N", help="loss of encoding, 0..51; default: 18")
    if command == "split":
        add("--seed", type=at_least(0), default=0, metavar="N", help="of the draw; default: 0")
        shares = "of the clips for train, val and test; default: 0.7 0.15 0.15"
        add("--shares", type=float, nargs="+", default=[0.7, 0.15, 0.15], metavar="SHARE", help=shares)
        add("--by", metavar="REGEX", help="what names the match in a clip name; default: all before the last /")
    return parser


def _run(command: str, options: argparse.Namespace) -> int:
    # Here rather than above: numpy, PyAV and torch take seconds to import, and --help needs none.
    from tracknet_core.data import commands  # noqa: PLC0415

    asked = dict(vars(options))
    data = commands.ChosenData(asked.pop("settings"), asked.pop("data"))
    told = commands.COMMANDS[command](data, **asked)
    tell(told.text)
    return WRONG if told.is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
