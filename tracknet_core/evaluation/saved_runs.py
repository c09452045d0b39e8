"""Evaluations that were written as JSON, read again. Such a file may come from anywhere.

Its form is checked here, and what it says of protocols by :mod:`.comparison`, which knows what they count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tracknet_core.errors import DataError

T = TypeVar("T")

_KINDS: Mapping[type, str] = {dict: "an object", str: "a text"}


@dataclass(frozen=True)
class SavedProtocol:
    """What a file says about a protocol.

    Attributes:
        component: the protocol as a configuration writes it, ``{"name": …, parameter: value}``; not checked.
        rule: its rule in a sentence.
        states: what it counted in each clip, by name; not checked.
    """

    component: Mapping[str, Any]
    rule: str
    states: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class SavedRun:
    """What a file says about an evaluation.

    Attributes:
        path: the file.
        name: what it is called.
        source: what was scored, such as a checkpoint.
        split: the split that was scored.
        conditions: what the numbers depend on, by name.
        clips: a digest of the labels of each clip, by name.
        protocols: the rules by name.
    """

    path: Path
    name: str
    source: str
    split: str
    conditions: Mapping[str, str]
    clips: Mapping[str, str]
    protocols: Mapping[str, SavedProtocol]


def read_run(path: Path) -> SavedRun:
    """Read what ``tracknet evaluate --json`` wrote.

    Raises:
        DataError: the file cannot be read, is no JSON, or lacks something; the message says what, and where.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: this file cannot be read ({error.strerror}). Name one of --json.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: this is not JSON ({error}). Name a file that 'tracknet evaluate --json' wrote."
        ) from error
    if not isinstance(whole, dict):
        raise _unexpected(path, "the whole", "an object")
    clips = _part(path, whole, "clips", dict)
    protocols = _part(path, whole, "protocols", dict)
    said = _part(path, whole, "conditions", dict)
    return SavedRun(
        path=path,
        name=_part(path, whole, "name", str),
        source=_part(path, whole, "source", str),
        split=_part(path, whole, "split", str),
        conditions={name: _part(path, said, f"conditions.{name}", str, name) for name in said},
        clips={name: _part(path, clips, f"clips.{name}.labels", str, name, "labels") for name in clips},
        protocols={name: _protocol(path, protocols, name, list(clips)) for name in protocols},
    )


def _protocol(path: Path, protocols: Mapping[str, Any], name: str, clips: list[str]) -> SavedProtocol:
    where = f"protocols.{name}"
    states = _part(path, protocols, f"{where}.states", dict, name, "states")
    return SavedProtocol(
        component=_part(path, protocols, f"{where}.component", dict, name, "component"),
        rule=_part(path, protocols, f"{where}.rule", str, name, "rule"),
        states={clip: _part(path, states, f"{where}.states.{clip}", dict, clip) for clip in clips},
    )


def _part(path: Path, node: Mapping[str, Any], where: str, kind: type[T], *keys: str) -> T:
    """Return what stands at ``keys``, one below the other; at ``where`` itself if there are none."""
    found: Any = node
    for key in keys or (where,):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, kind):
        raise _unexpected(path, where, _KINDS[kind])
    return found


def _unexpected(path: Path, where: str, kind: str) -> DataError:
    return DataError(
        f"{path}: {where} should be {kind}, but is missing or something else. Name a file that 'tracknet evaluate "
        "--json' of this version wrote."
    )
