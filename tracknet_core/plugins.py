"""``tracknet list``, ``show`` and ``models``: the parts that are installed, and what each of them takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_json_option, add_plugin_option


def list_parts(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet list``, list, and return the exit code."""
    options = list_parser().parse_args(arguments)
    return guarded(lambda: _list(options))


def list_models(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet models``, list, and return the exit code."""
    options = models_parser().parse_args(arguments)
    options.kind = "models"
    return guarded(lambda: _list(options))


def show_part(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet show``, show, and return the exit code."""
    options = show_parser().parse_args(arguments)
    return guarded(lambda: _show(options))


def list_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet list``."""
    parser = CommandParser("list", "backbones", description="List the parts that are installed; none is imported.")
    parser.add_argument("kind", nargs="?", metavar="KIND", help="such as backbones; default: all kinds")
    add_json_option(parser)
    add_plugin_option(parser)
    return parser


def models_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet models``."""
    parser = CommandParser("models", "--json", description="List the trained networks that are installed.")
    add_json_option(parser)
    add_plugin_option(parser)
    return parser


def show_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet show``."""
    parser = CommandParser("show", "backbones vit", description="Show a part: its parameters, and how to name it.")
    parser.add_argument("kind", metavar="KIND", help="such as backbones")
    parser.add_argument("name", metavar="NAME", help="such as vit; tracknet list has them all")
    add_json_option(parser)
    add_plugin_option(parser)
    return parser


def _list(options: argparse.Namespace) -> int:
    # Here rather than above: NumPy takes a while to import, and --help needs none of it.
    from tracknet_core.authoring import listing  # noqa: PLC0415

    parts = listing.list_parts(options.kind, options.plugins)
    tell(json.dumps(listing.listed_json(parts), indent=2) if options.as_json else listing.listed_text(parts))
    return 0


def _show(options: argparse.Namespace) -> int:
    # Here rather than above: what is shown is imported, and that takes seconds where it needs torch.
    from tracknet_core.authoring import showing  # noqa: PLC0415

    facts = showing.show_part(options.kind, options.name, options.plugins)
    tell(json.dumps(asdict(facts), indent=2, default=str) if options.as_json else showing.shown_text(facts))
    return 0
