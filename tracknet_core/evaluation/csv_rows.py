"""Rows of CSV files of any program: what their columns are called, and what they say of the ball."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tracknet_core.errors import DataError
from tracknet_core.labels import LONGEST_STREAK, Row, read_table

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "frame": ("frame", "frame_num", "frame_number", "file name"),
    "visibility": ("visibility", "visible", "visibility class", "ball", "detected"),
    "x": ("x", "x-coordinate"),
    "y": ("y", "y-coordinate"),
    "confidence": ("confidence", "score"),
    "length": ("length",),
    "angle": ("angle",),
    "origin": ("origin",),
}
"""Names that a column may have in the header; capitals and the order do not count, further columns do no harm."""

_IMAGE = "file name"  # holds the name of an image file, such as 0012.jpg
_NEEDED = ("frame", "x", "y")

_IS_MADE = {"detected": False, "predicted": True, "filled": True}  # by what the writer says of the origin

_GREATEST = 1e30  # of a number in a file, so that float32 holds it
_MOST_FRAMES = 10_000_000  # of a clip: two days of video
_DIGITS = 18  # of the number of an image


@dataclass(frozen=True)
class BallRow:
    """A row that says something of the ball in a frame.

    Attributes:
        row: the row itself.
        columns: what its columns are called, by what they hold; None where there is none.
    """

    row: Row
    columns: Mapping[str, str | None]

    @property
    def frame(self) -> int:
        """Number of the frame, as the file counts.

        Raises:
            DataError: it is not a number that a frame can have.
        """
        column = self.columns["frame"] or ""
        number = self.row.integer(column) if column.casefold() != _IMAGE else self._number_of_image(column)
        if number > _MOST_FRAMES:
            raise DataError(f"{self.where}: {column} is {number:.4g}; expected a number below {_MOST_FRAMES:.0e}.")
        return number

    @property
    def xy(self) -> tuple[float, float]:
        """Place in the pixels of the file; NaN where blank.

        Raises:
            DataError: it is not two numbers.
        """
        return self._number("x"), self._number("y")

    @property
    def has_place(self) -> bool:
        """Whether the place is one."""
        return all(map(math.isfinite, self.xy))

    @property
    def says_whether(self) -> bool:
        """Whether there is a column that says if there is a ball."""
        return self.columns["visibility"] is not None

    @property
    def is_ball(self) -> bool:
        """Whether there is a ball: a visibility above 0; without that column, a place that is not negative or 0,0.

        Raises:
            DataError: what it says is not a number.
        """
        if self.says_whether:
            return self._number("visibility") > 0
        x, y = self.xy
        return self.has_place and x >= 0 and y >= 0 and (x, y) != (0, 0)

    @property
    def score(self) -> float:
        """How sure it is; NaN if it does not say.

        Raises:
            DataError: it is not a number.
        """
        return self._number("confidence")

    @property
    def streak(self) -> tuple[float, float] | None:
        """Length in pixels and angle in degrees, as the writer ``csv`` has them; None where one is not said.

        Raises:
            DataError: it is not two numbers, or the streak is longer than any picture.
        """
        if self.columns["length"] is None or self.columns["angle"] is None:
            return None
        length, angle = self._number("length"), self._number("angle")
        if abs(length) > LONGEST_STREAK:
            raise DataError(
                f"{self.where}: {self.columns['length']} is '{length:g}'; expected pixels, {LONGEST_STREAK:g} at most."
            )
        return (length, angle) if math.isfinite(length) and math.isfinite(angle) else None

    @property
    def is_made(self) -> bool | None:
        """Whether a tracker made the place up, as the writer ``csv`` says it; None if the row does not say."""
        column = self.columns["origin"]
        return None if column is None else _IS_MADE.get(self.row.text(column))

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.row.path}:{self.row.line}"

    def _number(self, what: str) -> float:
        column = self.columns[what]
        value = math.nan if column is None else self.row.number(column)
        if math.isfinite(value) and abs(value) > _GREATEST:
            raise DataError(f"{self.where}: {column} is '{value:g}'; expected a number below {_GREATEST:.0e}.")
        return value

    def _number_of_image(self, column: str) -> int:
        stem = PurePosixPath(self.row.text(column)).stem
        if not stem.isdecimal() or len(stem) > _DIGITS:
            raise DataError(
                f"{self.where}: {column} is '{self.row.text(column)}'; expected a number, such as 0012.jpg."
            )
        return int(stem)


def read_balls(path: Path) -> list[BallRow]:
    """Return the rows of a file, of which there may be none.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    header, rows = read_table(path)
    by_name = {column.casefold(): column for column in header}
    columns = {
        what: next((by_name[name] for name in names if name in by_name), None) for what, names in COLUMNS.items()
    }
    missing = [what for what in _NEEDED if columns[what] is None]
    if missing:
        accepted = "; ".join(f"{what}: {', '.join(COLUMNS[what])}" for what in missing)
        raise DataError(
            f"{path}: the header lacks a column. Found: {', '.join(header) or 'none'}. It accepts, for {accepted}."
        )
    return [BallRow(row, columns) for row in rows]
