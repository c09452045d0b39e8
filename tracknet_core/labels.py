"""What readers of datasets share: the root folder, rows of a label file, and one label per frame.

A label file is CSV with a header. A byte-order mark, spaces, blank lines, any line ending and further columns do no
harm; what cannot be understood is an error that names the file and the line.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tracknet_core.contracts import ArrayLabels, FloatArray, IntArray, Labels, Size, Visibility
from tracknet_core.errors import AbsentPlaceWarning, DataError, LabelWarning
from tracknet_core.files import regular

LONGEST_STREAK = 1e5
"""In pixels. No picture is as wide, and of longer ones float32 would lose the middle."""

_SAY_WHAT_THEY_HOLD = frozenset({"video", "videos", "clips", "frame", "frames", "images"})


@dataclass(frozen=True)
class Row:
    """One row of a label file.

    Attributes:
        path: the file.
        line: number of the line, 1-based, the header included.
        cells: texts by name of the column, without surrounding spaces; a column that the row does not reach is absent.
    """

    path: Path
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return the cell of ``column``, blank if the row is too short."""
        return self.cells.get(column, "")

    def number(self, column: str) -> float:
        """Return the number in ``column``; NaN if blank.

        Raises:
            DataError: the cell is not a number.
        """
        text = self.text(column)
        try:
            return float(text) if text else math.nan
        except ValueError as error:
            raise DataError(f"{self.path}:{self.line}: {column} is '{text}'; expected a number.") from error

    def integer(self, column: str) -> int:
        """Return the whole number in ``column``, also where it is written as ``12.0``.

        Raises:
            DataError: the cell is blank, not a number, or not a whole one.
        """
        number = self.number(column)
        if not number.is_integer():
            raise DataError(f"{self.path}:{self.line}: {column} is '{self.text(column)}'; expected a whole number.")
        return int(number)

    def visibility(self, column: str, codes: Mapping[int, Visibility]) -> Visibility:
        """Return what the code in ``column`` means.

        Args:
            column: name of the column.
            codes: meaning of each code of the format.

        Raises:
            DataError: the format has no such code.
        """
        code = self.integer(column)
        if code not in codes:
            accepted = ", ".join(map(str, codes))
            raise DataError(f"{self.path}:{self.line}: {column} is {code}; expected one of {accepted}.")
        return codes[code]


@dataclass(frozen=True)
class Label:
    """What a label file says about one frame.

    Attributes:
        line: line of the file.
        frame: number of the frame, 0-based.
        visibility: what the format's code means.
        x: pixels of the original video, from the centre of its left column; NaN where blank.
        y: pixels of the original video, from the centre of its top row; NaN where blank.
    """

    line: int
    frame: int
    visibility: Visibility
    x: float
    y: float


def match_of(name: str) -> str:
    """Return the match that a clip belongs to, by its name: clips of one match share a split.

    It is the folder of the clip: ``game1`` of ``game1/Clip2``. One that only says what it holds, such as ``video``, is
    passed over: ``match1`` of ``match1/video/a``. A clip that is in no other folder is a match of its own.
    """
    folders = name.split("/")[:-1]
    while folders and folders[-1].casefold() in _SAY_WHAT_THEY_HOLD:
        folders.pop()
    return "/".join(folders) or name


def existing_root(root: Path | None, layout: str) -> Path:
    """Return the folder of a dataset.

    Args:
        root: what the user set as ``data.root``.
        layout: the files that are expected below, for the message.

    Raises:
        DataError: no folder was set, or there is none of that name.
    """
    if root is None:
        raise DataError(f"data.root: not set. Set it to the folder that holds {layout}, with data.root=FOLDER.")
    if not root.is_dir():
        raise DataError(f"data.root: there is no folder {root}. Set it to the folder that holds {layout}.")
    return root


def read_table(path: Path, *, separator: str = ",") -> tuple[list[str], list[Row]]:
    """Return the header of a CSV file, and its rows, of which there may be none; lines without any text are left out.

    Args:
        path: the CSV file.
        separator: what stands between columns.

    Raises:
        DataError: the file is missing, or not text.
    """
    try:
        with regular(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            header = [name.strip() for name in next(reader, [])]
            rows = [
                Row(path, reader.line_num, dict(zip(header, map(str.strip, cells), strict=False)))
                for cells in reader
                if any(map(str.strip, cells))
            ]
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such label file.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: this label file cannot be read as CSV ({error}).") from error
    return header, rows


def read_rows(path: Path, columns: Sequence[str], *, separator: str = ",", cure: str = "") -> list[Row]:
    """Read a label file; lines without any text are left out.

    Args:
        path: the CSV file.
        columns: names that the header must hold, in any order.
        separator: what stands between columns.
        cure: what to do where a column is missing, for the message.

    Raises:
        DataError: the file is missing, not text, lacks a column, or has no rows.
    """
    header, rows = read_table(path, separator=separator)
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataError(
            f"{path}: the header lacks {_quoted(missing)}. "
            f"Columns found: {_quoted(header)}; expected: {_quoted(columns)}. {cure}".rstrip()
        )
    if not rows:
        raise DataError(f"{path}: there is no row under the header. Remove the clip, or label it.")
    return rows


def label_frames(
    path: Path, labels: Iterable[Label], *, source: Path, count: int, size: Size
) -> tuple[FloatArray, IntArray]:
    """Give every frame of a clip its label; the order of ``labels`` does not matter.

    A frame without a label is UNLABELLED. So is one that is said to be visible, but without a place inside the image;
    one warning names all of these. An occluded ball needs no place, since that is an estimate anyway. Another warning
    names frames that are said to be without a ball, but have a place inside the image that is not 0,0.

    Args:
        path: the label file.
        labels: what it says.
        source: the video, or the folder of images.
        count: number of frames in ``source``.
        size: width and height of the frames, in pixels.

    Returns:
        Places (count, 2) in pixels of the original video, NaN where unknown or absent; and codes (count,) of
        ``Visibility``.

    Raises:
        DataError: a frame has two labels, or does not exist in ``source``.
    """
    xy = np.full((count, 2), np.nan, np.float32)
    visibility = np.full(count, Visibility.UNLABELLED, np.int64)
    ordered = sorted(labels, key=lambda label: (label.frame, label.line))
    lines: dict[int, int] = {}
    unusable: list[int] = []
    contrary: list[int] = []
    for label in ordered:
        if label.frame in lines:
            raise DataError(
                f"{path}:{label.line}: frame {label.frame} has a label already, in line {lines[label.frame]}. "
                "Remove one of them."
            )
        if not 0 <= label.frame < count:
            raise DataError(
                f"{path}:{label.line}: a label for frame {label.frame}, but {source} has {count} frames "
                f"(0 to {count - 1}; the label file has {len(ordered)} rows). "
                "Use the pictures that were labelled, or remove the row."
            )
        lines[label.frame] = label.line
        inside = -0.5 <= label.x <= size[0] - 0.5 and -0.5 <= label.y <= size[1] - 0.5
        if label.visibility.is_visible and not inside:
            unusable.append(label.line)
            continue
        visibility[label.frame] = label.visibility
        if inside and label.visibility is not Visibility.ABSENT:
            xy[label.frame] = label.x, label.y
        elif inside and (label.x, label.y) != (0, 0):
            contrary.append(label.line)
    if unusable:
        _warn_unusable(path, sorted(unusable), size)
    if contrary:
        _warn_contrary(path, sorted(contrary), int((visibility == Visibility.ABSENT).sum()))
    return xy, visibility


def half_streak(row: Row, columns: tuple[str, str], *, of: Literal["half", "whole"]) -> tuple[float, float]:
    """Return the way from the middle of a streak to one of its ends, in pixels; (0, 0) where no length is said.

    Args:
        row: of a label file.
        columns: where the length stands, in pixels, and where the angle, in degrees from the x axis, y pointing down.
        of: what the length is of: half of the streak, or the whole of it.

    Raises:
        DataError: a cell is not a number, the length is longer than any picture, or has no angle.
    """
    length, angle = (row.number(column) for column in columns)
    if length == 0 or math.isnan(length):
        return 0.0, 0.0
    if not (0 < length <= LONGEST_STREAK and math.isfinite(angle)):
        what = "half the length" if of == "half" else "the length"
        raise DataError(
            f"{row.path}:{row.line}: {columns[0]} is {length:g} and {columns[1]} {angle:g}; expected {what} of the "
            f"streak in pixels, 0 to {LONGEST_STREAK:g}, and its angle in degrees."
        )
    half = length if of == "half" else length / 2
    return half * math.cos(math.radians(angle)), half * math.sin(math.radians(angle))


def streak_labels(xy: FloatArray, half: FloatArray, visibility: IntArray) -> ArrayLabels:
    """Return the labels of streaks of motion blur, whose points are their two ends (Q = 2).

    Args:
        xy: (F, 2) middles, in pixels; NaN where unknown or absent.
        half: (F, 2) from the middle to one end, in pixels; (0, 0) for a ball that stands still.
        visibility: (F,) codes of ``Visibility``.
    """
    return Labels(np.stack([xy - half, xy + half], axis=1), visibility, np.zeros(len(visibility), np.float32))


def _warn_unusable(path: Path, lines: list[int], size: Size) -> None:
    warnings.warn(
        f"{path}: rows that say 'visible', but have coordinates that are blank, NaN or outside the "
        f"{size[0]}x{size[1]} image: {len(lines)} (line {_listed(lines)}). Their frames are unlabelled: no training, "
        "no score. Mend the coordinates (pixels of the original video), or set the visibility to 0.",
        LabelWarning,
        stacklevel=3,
    )


def _warn_contrary(path: Path, lines: list[int], absent: int) -> None:
    warnings.warn(
        f"{path}: rows that say 'no ball', but have a place inside the image: {len(lines)} of {absent} (line "
        f"{_listed(lines)}). They count as without a ball. If they show one, the column of visibility means something "
        "else than this reader takes it for; the dataset 'csv' reads any codes.",
        AbsentPlaceWarning,
        stacklevel=3,
    )


def _listed(lines: list[int]) -> str:
    return ", ".join(map(str, lines[:10])) + (", …" if len(lines) > 10 else "")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
