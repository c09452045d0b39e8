"""``tracknet check`` and ``tracknet new``: for authors of parts and of packages with parts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_json_option, add_plugin_option

FAILED = 1
"""Exit code of ``check`` where a part fails."""


def check_parts(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet check``, check, and return the exit code."""
    options = check_parser().parse_intermixed_args(arguments)
    return guarded(lambda: _check(options))


def new_package(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet new``, write the package, and return the exit code."""
    options = new_parser().parse_args(arguments)
    return guarded(lambda: _new(options))


def check_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet check``."""
    parser = CommandParser(
        "check",
        "backbones vit depth=2",
        description="Build parts and try them as their kind is used, by the checks of tracknet_core.testing; exit code "
        "1 where one fails. Without a name all parts of a kind, or of all kinds, which takes minutes.",
    )
    words = "such as backbones vit, and parameters: of a dataset root=/path/to/data"
    parser.add_argument("words", nargs="*", metavar="KIND NAME key=value", help=words)
    parser.add_argument("--dist", metavar="PACKAGE", help="all parts of a package that is installed")
    add_json_option(parser)
    add_plugin_option(parser)
    return parser


def new_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet new``."""
    purpose = "Write a small package with a part, its test and an experiment, which passes tracknet check as it is."
    parser = CommandParser("new", "backbones my_net", description=purpose)
    parser.add_argument("kind", metavar="KIND", help="such as backbones")
    parser.add_argument("name", metavar="NAME", help="what experiments are going to say, such as my_net")
    place = "the folder that the new one, tracknet-NAME, is made in; default: here"
    parser.add_argument("--into", type=Path, default=Path(), metavar="DIR", help=place)
    return parser


def _check(options: argparse.Namespace) -> int:
    # Here rather than above: torch and Lightning take seconds to import, and --help needs neither.
    from tracknet_core.authoring import checking  # noqa: PLC0415

    kind, name, parameters = checking.part_of_words(options.words)
    verdicts = []
    for verdict in checking.check_parts(kind, name, options.dist, parameters, options.plugins):
        verdicts.append(verdict)
        if not options.as_json:
            tell(checking.verdict_line(verdict))
    as_json = [checking.verdict_json(verdict) for verdict in verdicts]
    tell(json.dumps(as_json, indent=2) if options.as_json else checking.verdicts_text(verdicts))
    return FAILED if any(verdict.status == "failed" for verdict in verdicts) else 0


def _new(options: argparse.Namespace) -> int:
    # Here rather than above: NumPy and OmegaConf take a while to import, and --help needs neither.
    from tracknet_core.authoring import new_package  # noqa: PLC0415

    folder = new_package.new_package(options.kind, options.name, options.into)
    tell(f"{folder}\nNow: cd {folder} && pip install -e '.[test]' && tracknet check {options.kind} {options.name}")
    return 0
