"""``tracknet info``: versions, devices and codecs, for a bug report; ``tracknet --version`` is the first line of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib.metadata import version

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_json_option


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, tell, and return the exit code."""
    options = parser().parse_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "info", "--json", description="Tell versions, devices, codecs, and which packages with parts are installed."
    )
    add_json_option(parser)
    parser.add_argument("--version", action="store_true", help="the version of tracknet alone")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.version:
        tell(f"tracknet {version('tracknet')}")
        return 0
    # Here rather than above: torch takes seconds to import, and --help and --version need none of it.
    from tracknet_core.authoring import about  # noqa: PLC0415

    facts = about.about()
    tell(json.dumps(facts, indent=2) if options.as_json else about.about_text(facts))
    return 0
