"""``tracknet experiments``, ``copy`` and ``schema``: the experiments that come with it, and files of one's own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_json_option, add_plugin_option


def list_experiments(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet experiments``, list, and return the exit code."""
    options = experiments_parser().parse_args(arguments)
    return guarded(lambda: _list(options))


def copy_experiment(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet copy``, copy, and return the exit code."""
    options = copy_parser().parse_intermixed_args(arguments)
    return guarded(lambda: _copy(options))


def write_schema(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line of ``tracknet schema``, write, and return the exit code."""
    options = schema_parser().parse_args(arguments)
    return guarded(lambda: _schema(options))


def experiments_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet experiments``."""
    purpose = "List the experiments that come with tracknet, which tracknet run takes by name."
    parser = CommandParser("experiments", "model", description=purpose)
    groups = "data, model or training: the files that experiments are made of; default: experiments"
    parser.add_argument("group", nargs="?", metavar="GROUP", help=groups)
    add_json_option(parser)
    return parser


def copy_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet copy``."""
    parser = CommandParser("copy", "vit my.yaml", description="Copy an experiment to a file of your own.")
    parser.add_argument("name", metavar="NAME", help="such as vit or model/vit_heatmap, or the path of an experiment")
    parser.add_argument("file", type=Path, metavar="FILE", help="new; nothing is overwritten")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that --resolved writes")
    whole = "write every setting, bases merged and defaults filled in; else bases stay names"
    parser.add_argument("--resolved", action="store_true", help=whole)
    return parser


def schema_parser() -> CommandParser:
    """Return what reads the command line of ``tracknet schema``."""
    purpose = "Write the JSON Schema of experiment files, with all parts that are installed, for editors and checkers."
    parser = CommandParser("schema", "--output experiment.schema.json", description=purpose)
    again = "a new file, or an older one of this command; default: print it"
    parser.add_argument("--output", type=Path, metavar="FILE", help=again)
    parser.add_argument("--group", metavar="NAME", help="of files of a group instead: data, model or training")
    add_plugin_option(parser)
    return parser


def _list(options: argparse.Namespace) -> int:
    # Here rather than above: OmegaConf takes a while to import, and --help needs none of it.
    from tracknet_core.authoring import experiments  # noqa: PLC0415

    found = experiments.list_experiments(options.group)
    tell(
        json.dumps([asdict(one) for one in found], indent=2) if options.as_json else experiments.experiments_text(found)
    )
    return 0


def _copy(options: argparse.Namespace) -> int:
    # Here rather than above: OmegaConf takes a while to import, and --help needs none of it.
    from tracknet_core.authoring import experiments  # noqa: PLC0415

    experiments.copy_experiment(options.name, options.file, options.overrides, resolved=options.resolved)
    tell(f"{options.file}\nTo train with it: tracknet run {options.file}")
    return 0


def _schema(options: argparse.Namespace) -> int:
    # Here rather than above: parts are imported, and that takes seconds where they need torch.
    from tracknet_core.authoring import json_schema  # noqa: PLC0415

    schema, notes = json_schema.experiment_schema(options.group, options.plugins)
    sys.stderr.writelines(f"warning: {note}\n" for note in notes)
    if options.output is None:
        tell(json_schema.schema_text(schema))
    else:
        json_schema.write_schema(schema, options.output)
        tell(str(options.output))
    return 0
