"""Files of rows: text that grows with a clip, is whole to its last row at any time, and can be gone on with."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, TextIO

from tracknet_core.contracts import ClipFacts, Output, Point, TrackedFrame, Writer
from tracknet_core.errors import DataError
from tracknet_core.files import complete, part_of, writing

PLACE_DECIMALS = 3
"""Of places in files, in pixels; evaluation rounds alike, so that a file has the figures of what was written to it."""

SCORE_DECIMALS = 6

_FLUSH_SECONDS = 1.0


def length_and_angle(points: Sequence[Point]) -> tuple[float, float]:
    """Return what a file says of a streak, rounded as there.

    Args:
        points: of a ball, in pixels; the first and the last are the ends of its streak.

    Returns:
        Its length in pixels; and its angle in degrees from the x axis, y pointing down, 0 <= angle < 180: which end
        came first is not said. 0 where there is no length.
    """
    (left, top), (right, bottom) = points[0], points[-1]
    dx, dy = right - left, bottom - top
    length = round(math.hypot(dx, dy), PLACE_DECIMALS)
    angle = round(math.degrees(math.atan2(dy, dx)) % 180, PLACE_DECIMALS) % 180 if length else 0.0
    return length, angle


def ends_of_streak(middle: Point, length: float, angle: float) -> tuple[Point, Point]:
    """Return the ends of a streak of which a file says its middle, and what :func:`length_and_angle` gives."""
    (x, y), half = middle, length / 2
    dx, dy = half * math.cos(math.radians(angle)), half * math.sin(math.radians(angle))
    return (x - dx, y - dy), (x + dx, y + dy)


class RowWriter(Writer, ABC):
    """A writer of text with lines of its own for each frame: a subclass says how they look, and reads them again.

    Args:
        clip: what is written of.
    """

    suffix: ClassVar[str]
    """Of its files, such as ``.csv``."""

    header: str = ""
    """The first line, with its end; none by default."""

    def __init__(self, *, clip: ClipFacts) -> None:
        self._is_live = clip.source.is_live
        self.paths = (clip.path(self.suffix),)
        self.part = part_of(*self.paths)

    def open(self, run: Mapping[str, str], *, resume: bool) -> RowFile:
        """Begin the file, or go on with its part."""
        return RowFile(*self.paths, self, run, live=self._is_live, resume=resume)

    @abstractmethod
    def encode(self, frame: TrackedFrame) -> str:
        """Return the lines of a frame, each with its end."""

    @abstractmethod
    def number(self, line: str) -> int:
        """Return the number of the frame that a line belongs to; raise ValueError or KeyError if there is none."""

    @abstractmethod
    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines without the header; raise ValueError or KeyError for a line of another kind."""


class RowFile(Output):
    """A file of rows that grows as ``<name>.part`` and gets its name when it is complete.

    A context manager: left with an exception, the part file stays, whole to its last row, and beside it ``<name>.run``,
    which says what run it is of; neither does after an error before the first row.

    Args:
        path: where to; its folder is made when needed.
        form: of the rows.
        run: what the rows depend on, by name; rows that depend on something else are not gone on with.
        live: write every row at once; otherwise within a second.
        resume: go on with the part file, if there is one, but for its last frame, whose rows may not be complete.

    Attributes:
        earlier: numbers of the frames that the part file held.

    Raises:
        DataError: the file cannot be written, or the part file is of another form or another run.
    """

    def __init__(
        self, path: Path, form: RowWriter, run: Mapping[str, str], *, live: bool = False, resume: bool = False
    ) -> None:
        self.path = path
        self.part = part_of(path)
        self._run_file = path.with_name(f"{path.name}.run")
        self._form = form
        self._flush_seconds = 0.0 if live else _FLUSH_SECONDS
        self._kept = 0  # bytes of the part file that are gone on with
        self.earlier: list[int] = []
        for place in (self.part, self._run_file):
            if place.is_symlink():
                raise DataError(f"{place}: a link, which would write to another file. Remove it.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if resume and self.part.is_file():
                self._check(run)
                self._file: TextIO = self.part.open("r+", encoding="utf-8", newline="")
                self._file.truncate(self._kept)
                self._file.seek(self._kept)
            else:
                self._file = self.part.open("w", encoding="utf-8", newline="")
            self._run_file.write_text(json.dumps(run, indent=2), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror}). Give another --output.") from error
        if not self._kept:
            self._file.write(form.header)
        self._has_rows = bool(self.earlier)
        self._flushed = -math.inf  # so that the first rows can be seen at once

    def read_earlier(self) -> Iterator[TrackedFrame]:
        """Yield what the part file held, one frame at a time."""
        return self._form.decode(self._lines())

    def write(self, frame: TrackedFrame) -> None:
        """Add the rows of a frame."""
        self._file.write(self._form.encode(frame))
        self._has_rows = True
        now = time.monotonic()
        if now - self._flushed >= self._flush_seconds:
            self._file.flush()
            self._flushed = now

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self.path):  # the last rows reach the disk here
            self._file.close()
            if error is None:
                complete(self.path)
            elif self._has_rows or not isinstance(error, Exception):
                return
            self.part.unlink(missing_ok=True)
            self._run_file.unlink(missing_ok=True)

    def _check(self, run: Mapping[str, str]) -> None:
        """Find out what of the part file is gone on with."""
        try:
            self._kept = self._whole()
            self.earlier = [frame.number for frame in self.read_earlier()]
            began = json.loads(self._run_file.read_bytes()) if self._run_file.is_file() else {}
            if not isinstance(began, dict):
                raise TypeError(f"{self._run_file} does not say what run it is of")
            other = [
                f"{name} {began.get(name, 'unknown')}, now {now}" for name, now in run.items() if began.get(name) != now
            ]
            if other:
                raise ValueError(f"another run began them: {'; '.join(other)}")
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise DataError(
                f"{self.part}: cannot go on with these rows ({error}). Give the arguments that began it, or "
                "--overwrite to start afresh."
            ) from error

    def _whole(self) -> int:
        """Return the length in bytes of the header and of all frames but the last; 0 without a whole header."""
        kept = end = 0
        last: int | None = None
        with self.part.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                text = line.decode()
                if self._form.header and end == 0:
                    if text != self._form.header:
                        raise ValueError(f"its first line is '{text.strip()}', not '{self._form.header.strip()}'")
                    kept = len(line)
                elif (number := self._form.number(text)) != last:
                    kept, last = end, number
                end += len(line)
        return kept

    def _lines(self) -> Iterator[str]:
        """Yield the lines that are gone on with, without the header."""
        with self.part.open("rb") as file:
            file.seek(len(self._form.header.encode()))
            while file.tell() < self._kept:
                yield file.readline().decode()
