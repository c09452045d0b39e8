"""Evaluations that were written as JSON, read again. Such a file may come from anywhere.

Its form is checked here, and what it says of protocols by :mod:`.comparison`, which knows what they count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tracknet_core.contracts import FloatArray
from tracknet_core.errors import DataError
from tracknet_core.evaluation.results import Fate, SweepPoint

T = TypeVar("T")

_KINDS: Mapping[type, str] = {dict: "an object", str: "a text", list: "a list", int: "a whole number"}
_GREATEST = 1e30  # of a number, so that float32 holds it


@dataclass(frozen=True)
class SavedFrames:
    """What a file says about the N frames of a clip.

    Attributes:
        xy: (N, 2) places in pixels of the original video; NaN where no ball was found.
        fates: (N,) letters of :class:`Fate`, by the names of the protocols that count frames.
    """

    xy: FloatArray
    fates: Mapping[str, str]


@dataclass(frozen=True)
class SavedProtocol:
    """What a file says about a protocol.

    Attributes:
        component: the protocol as a configuration writes it, ``{"name": …, parameter: value}``; not checked.
        rule: its rule in a sentence.
        states: what it counted in each clip, by name; not checked.
        sweep: its figures over thresholds, over all clips.
        unknown: what :class:`Misses` does not know of this run.
    """

    component: Mapping[str, Any]
    rule: str
    states: Mapping[str, Mapping[str, Any]]
    sweep: tuple[SweepPoint, ...]
    unknown: frozenset[str]


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
        frames: of each clip, by name.
    """

    path: Path
    name: str
    source: str
    split: str
    conditions: Mapping[str, str]
    clips: Mapping[str, str]
    protocols: Mapping[str, SavedProtocol]
    frames: Mapping[str, SavedFrames]


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
    misses = _part(path, whole, "misses", dict)
    frames = _part(path, whole, "frames", dict)
    return SavedRun(
        path=path,
        name=_part(path, whole, "name", str),
        source=_part(path, whole, "source", str),
        split=_part(path, whole, "split", str),
        conditions={name: _part(path, said, f"conditions.{name}", str, name) for name in said},
        clips={name: _part(path, clips, f"clips.{name}.labels", str, name, "labels") for name in clips},
        protocols={name: _protocol(path, protocols, misses, name, list(clips)) for name in protocols},
        frames={name: _frames(path, clips, frames, name, list(misses)) for name in clips},
    )


def _protocol(
    path: Path, protocols: Mapping[str, Any], misses: Mapping[str, Any], name: str, clips: list[str]
) -> SavedProtocol:
    where = f"protocols.{name}"
    states = _part(path, protocols, f"{where}.states", dict, name, "states")
    counted = _part(path, misses, f"misses.{name}.overall", dict, name, "overall") if name in misses else {}
    sweep = _part(path, protocols, f"{where}.sweep", list, name, "sweep")
    return SavedProtocol(
        component=_part(path, protocols, f"{where}.component", dict, name, "component"),
        rule=_part(path, protocols, f"{where}.rule", str, name, "rule"),
        states={clip: _part(path, states, f"{where}.states.{clip}", dict, clip) for clip in clips},
        sweep=tuple(_sweep_point(path, f"{where}.sweep[{number}]", point) for number, point in enumerate(sweep)),
        unknown=frozenset(key for key, count in counted.items() if count is None),
    )


def _sweep_point(path: Path, where: str, point: Any) -> SweepPoint:
    found = point if isinstance(point, dict) else {}
    figures = _part(path, found, f"{where}.figures", dict, "figures")
    numbers = {name: _number(path, f"{where}.figures.{name}", value) for name, value in figures.items()}
    return SweepPoint(_number(path, f"{where}.threshold", found.get("threshold")), numbers)


def _frames(
    path: Path, clips: Mapping[str, Any], frames: Mapping[str, Any], name: str, protocols: Sequence[str]
) -> SavedFrames:
    where = f"frames.{name}"
    count = _part(path, clips, f"clips.{name}.frames", int, name, "frames")
    xy = [_numbers(path, frames, f"{where}.{side}", name, side) for side in "xy"]
    fates = {rule: _part(path, frames, f"{where}.fates.{rule}", str, name, "fates", rule) for rule in protocols}
    for rule, letters in fates.items():
        if not set(letters) <= set(Fate):
            raise _unexpected(path, f"{where}.fates.{rule}", f"letters among {''.join(Fate)}")
    if any(len(of_frame) != count for of_frame in (*xy, *fates.values())):
        raise _unexpected(path, where, f"about the {count} frames of the clip")
    return SavedFrames(np.array(xy, np.float32).reshape(2, -1).T, fates)


def _numbers(path: Path, frames: Mapping[str, Any], where: str, *keys: str) -> list[float]:
    found: list[Any] = _part(path, frames, where, list, *keys)
    return [_number(path, f"{where}[{number}]", value) for number, value in enumerate(found)]


def _number(path: Path, where: str, value: Any) -> float:
    """Return a number; NaN for null."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _GREATEST:
        raise _unexpected(path, where, "a number")
    return float(value)


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
