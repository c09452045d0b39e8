"""What a shell offers when TAB is pressed: commands, options, and names of parts and experiments, by argcomplete.

``eval "$(register-python-argcomplete tracknet)"`` in the shell's start-up file turns it on.
"""

from __future__ import annotations

import importlib
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import argcomplete
from argcomplete.completers import FilesCompleter

from tracknet_core.config import SECTIONS, shipped_experiments, shipped_folder
from tracknet_core.doors import COMMANDS
from tracknet_core.registry import REGISTRIES

_OPTIONS = {
    "tracker": "trackers",
    "ensemble": "mergers",
    "protocol": "protocols",
    "layout": "datasets",
    "source": "converters",
}
"""Options that name a part, and its kind."""


def complete(line: str, **options: Any) -> None:
    """Answer the shell, and end the program.

    Args:
        line: the command line as far as it is typed.
        options: those of ``argcomplete.autocomplete``.
    """
    argcomplete.autocomplete(_whole(line.split()), always_complete_options=False, **options)


def _whole(words: list[str]) -> ArgumentParser:
    """Return a parser of all commands, of which the one that is typed knows its options."""
    parser = ArgumentParser("tracknet", add_help=False)
    commands = parser.add_subparsers()
    for name in COMMANDS:
        typed = words[1:2] == [name]
        _add(commands, name, _parsers(name) if typed else {})
    return parser


def _parsers(name: str) -> dict[str, ArgumentParser]:
    """Return the parser of a command, under the empty name, or those of its commands."""
    door: ModuleType = importlib.import_module(COMMANDS[name].module)
    if hasattr(door, "COMMANDS"):
        return {each: door.parser(each) for each in door.COMMANDS}
    parser = "parser" if COMMANDS[name].function == "main" else f"{name}_parser"
    return {"": getattr(door, parser)()}


def _add(commands: Any, name: str, parsers: dict[str, ArgumentParser]) -> None:
    for parser in parsers.values():
        for action in parser._actions:
            completer = _completer(name, action)
            if completer is not None:
                action.completer = completer  # type: ignore[attr-defined]
    own = [parsers[""]] if "" in parsers else []
    added = commands.add_parser(name, parents=own, add_help=False)
    if parsers and not own:
        below = added.add_subparsers()
        for each, parser in parsers.items():
            below.add_parser(each, parents=[parser], add_help=False)


def _completer(command: str, action: Action) -> Callable[..., Iterable[str]] | None:
    """Return what offers names for an option or an argument; None leaves it to files."""
    if action.dest == "kind":
        return lambda **_: REGISTRIES
    if action.dest == "words":
        return lambda parsed_args, **_: _names(*parsed_args.words) if parsed_args.words else REGISTRIES
    if action.dest == "name" and command == "show":
        return lambda parsed_args, **_: _names(parsed_args.kind)
    if action.dest in ("experiment", "name") and command in ("run", "lr-find", "copy"):
        return _experiments
    if action.dest in SECTIONS:
        return lambda **_: [file.stem for file in (shipped_folder() / action.dest).glob("*.yaml")]
    if action.dest == "group":
        return lambda **_: SECTIONS
    if action.dest == "format":
        return lambda **_: _names("formats" if command == "export" else "writers")
    if action.dest in _OPTIONS:
        return lambda **_: _names(_OPTIONS[action.dest])
    return None


def _names(kind: str, *_: str) -> list[str]:
    return REGISTRIES[kind].names() if kind in REGISTRIES else []


def _experiments(prefix: str, **_: Any) -> list[str]:
    return [*shipped_experiments(), *FilesCompleter((".yaml",))(prefix)]
