"""JSON from outside: every value is checked when it is asked for, and a wrong one is named by file and key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracknet_core.errors import DataError
from tracknet_core.files import regular

LARGEST = 100 << 20
"""Bytes of a label file; the labels of some 500,000 frames. Reading takes about 15 times as much memory."""


def load_json(path: Path) -> Node:
    """Read a file that holds one object.

    Raises:
        DataError: the file is missing, larger than :data:`LARGEST`, no JSON, or holds something else.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise DataError(
                f"{path}: {size >> 20} MB, and label files of at most {LARGEST >> 20} MB are read. Divide it by video."
            )
        tree = json.loads(regular(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such label file.") from error
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no JSON, or no UTF-8
        raise DataError(f"{path}: this label file cannot be read as JSON ({error}).") from error
    if not isinstance(tree, dict):
        raise DataError(f"{path}: {_is_not(tree, (dict,))}.")
    return Node(path, "", tree)


@dataclass(frozen=True)
class Node:
    """An object in a JSON file, whose values are checked when asked for."""

    path: Path
    where: str
    cells: Mapping[str, Any]

    def fault(self, key: str, message: str) -> DataError:
        """Return an error that names the file and the key."""
        return DataError(f"{self.path}: {self.where}{'.' if self.where else ''}{key} {message}.")

    def children(self, key: str) -> list[Node]:
        """Return the objects of a list."""
        return [Node(self.path, f"{key}[{i}]", cells) for i, cells in enumerate(self.values(key, dict))]

    def text(self, key: str) -> str:
        """Return a text."""
        return str(self._value(key, str))

    def integer(self, key: str) -> int:
        """Return a whole number, also where it is written as ``12.0``."""
        number: int | float = self._value(key, int, float)
        if isinstance(number, float) and not number.is_integer():
            raise self.fault(key, f"is {number}; expected a whole number")
        return int(number)  # not by way of float, which cuts long ids short

    def number(self, key: str) -> float:
        """Return a number."""
        return self._float(key, self._value(key, int, float))

    def numbers(self, key: str) -> list[float]:
        """Return a list of numbers."""
        return [self._float(f"{key}[{i}]", number) for i, number in enumerate(self.values(key, int, float))]

    def values(self, key: str, *types: type) -> list[Any]:
        """Return a list whose values are all of one of the types."""
        values: list[Any] = self._value(key, list)
        for i, value in enumerate(values):
            if type(value) not in types:
                raise self.fault(f"{key}[{i}]", _is_not(value, types))
        return values

    def _float(self, key: str, number: int | float) -> float:
        try:
            return float(number)
        except OverflowError as error:
            raise self.fault(key, "is too large a number") from error

    def _value(self, key: str, *types: type) -> Any:
        if key not in self.cells:
            raise self.fault(key, f"is missing; expected {_kinds(types)}")
        if type(self.cells[key]) not in types:  # by identity, since True is an int
            raise self.fault(key, _is_not(self.cells[key], types))
        return self.cells[key]


def _kinds(types: tuple[type, ...]) -> str:
    names = {dict: "an object", list: "a list", str: "a text", float: "a number", int: "a whole number"}
    return names[types[-1]]


def _is_not(value: Any, types: tuple[type, ...]) -> str:
    shown = json.dumps(value)
    return f"is {shown if len(shown) <= 40 else shown[:40] + '…'}; expected {_kinds(types)}"
