"""The notes of an ONNX file without ONNX: its graph is passed over, so that they are there at once.

The file is a message of Protocol Buffers: fields one after the other, each with its number, its type and its length.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

GRAPH, METADATA = 7, 14
"""Fields of a model; its metadata are messages of a key and a value."""

KEY, VALUE = 1, 2
"""Fields of such a message."""

_VARINT, _BYTES = 0, 2
"""Types of fields, the only ones of a model."""


def read_notes(path: Path) -> dict[str, str]:
    """Return the texts that travel inside a file.

    Raises:
        ValueError: it is no such message.
    """
    with path.open("rb") as file:
        fields = _fields(file, 0, os.fstat(file.fileno()).st_size)
        if GRAPH not in {number for number, _, _ in fields}:
            raise ValueError("it holds no graph")
        return dict(_note(file, start, end) for number, start, end in fields if number == METADATA)


def _note(file: BinaryIO, start: int, end: int) -> tuple[str, str]:
    texts = {KEY: "", VALUE: ""}
    for number, first, last in _fields(file, start, end):
        file.seek(first)
        texts[number] = file.read(last - first).decode("utf-8")
    return texts[KEY], texts[VALUE]


def _fields(file: BinaryIO, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return number, first byte and end of the fields of bytes or text in a part of a file."""
    found = []
    while start < end:
        file.seek(start)
        number, kind = divmod(_varint(file), 8)
        length = _varint(file)  # of a number, the number itself
        start = file.tell()
        if kind == _BYTES:
            found.append((number, start, start + length))
            start += length
        elif kind != _VARINT:
            raise ValueError(f"field {number} is of type {kind}, which ONNX has none of")
    if start != end:
        raise ValueError("it ends in the middle of a field")
    return found


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise ValueError("it ends in the middle of a number")
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
