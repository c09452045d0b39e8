"""``tracknet check``: for authors of parts, whether they keep the contracts of their kinds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_json_option, add_plugin_option

FAILED = 1
"""Exit code of ``check`` where a part fails."""


def check_parts(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet check``, check, and return the exit code."""
    options = check_parser().parse_intermixed_args(arguments)
    return guarded(lambda: _check(options))


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
