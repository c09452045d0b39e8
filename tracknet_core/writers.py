"""Trajectories as files of rows: CSV and JSON lines, written beside, complete to the last whole row at any time."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TextIO

from tracknet_core.contracts import TrackedFrame, TrackPoint
from tracknet_core.errors import DataError

COLUMNS = ("Frame", "Visibility", "X", "Y", "Confidence", "Time", "Origin", "Track")
"""Of a CSV file; the first four are those of TrackNet, the last two say where a ball comes from and which it is."""

_FLUSH_SECONDS = 1.0


class Rows(ABC):
    """A form of rows: text of a frame, and back."""

    suffix: ClassVar[str]
    header: str = ""

    @abstractmethod
    def encode(self, frame: TrackedFrame) -> str:
        """Return the lines of a frame, each with its end."""

    @abstractmethod
    def number(self, line: str) -> int:
        """Return the number of the frame that a line belongs to; raise ValueError or KeyError if there is none."""

    @abstractmethod
    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines without the header; raise ValueError or KeyError for a line of another kind."""


class CsvRows(Rows):
    """One row per ball, and one for a frame without: ``Frame,Visibility,X,Y,Confidence,Time,Origin,Track``.

    Places are pixels of the original video, times seconds. A frame without a ball has Visibility, X, Y and Confidence
    0, as readers of TrackNet's files expect, and no Origin and Track; a ball at (0, 0) has Visibility 1.
    """

    suffix = ".csv"
    header = ",".join(COLUMNS) + "\n"

    def encode(self, frame: TrackedFrame) -> str:
        """Return a line per ball."""
        if not frame.balls:
            return f"{frame.number},0,0,0,0,{frame.time:.6f},,\n"
        return "".join(self._line(frame, ball) for ball in frame.balls)

    def _line(self, frame: TrackedFrame, ball: TrackPoint) -> str:
        x, y = ball.xy
        return f"{frame.number},1,{x:.3f},{y:.3f},{ball.score:.6f},{frame.time:.6f},{ball.origin},{ball.track}\n"

    def number(self, line: str) -> int:
        """Return the first cell."""
        return int(line.split(",", 1)[0])

    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines in order."""
        for number, rows in groupby((line.rstrip("\n").split(",") for line in lines), key=lambda cells: int(cells[0])):
            several = list(rows)
            balls = tuple(self._ball(cells) for cells in several if cells[1] == "1")
            yield TrackedFrame(number, float(several[0][5]), balls)

    def _ball(self, cells: list[str]) -> TrackPoint:
        return TrackPoint((float(cells[2]), float(cells[3])), float(cells[4]), cells[6], int(cells[7]))  # type: ignore[arg-type]


class JsonRows(Rows):
    """One line per frame: ``{"frame": 3, "time": 0.1, "balls": [{"x": …, "y": …, "confidence": …, …}]}``."""

    suffix = ".jsonl"

    def encode(self, frame: TrackedFrame) -> str:
        """Return one line."""
        balls = [
            {
                "x": round(float(ball.xy[0]), 3),
                "y": round(float(ball.xy[1]), 3),
                "confidence": round(float(ball.score), 6),
                "origin": ball.origin,
                "track": ball.track,
            }
            for ball in frame.balls
        ]
        return json.dumps({"frame": frame.number, "time": round(frame.time, 6), "balls": balls}) + "\n"

    def number(self, line: str) -> int:
        """Return the value of ``frame``."""
        return int(json.loads(line)["frame"])

    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines in order."""
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            balls = (
                TrackPoint((ball["x"], ball["y"]), ball["confidence"], ball["origin"], ball["track"])
                for ball in row["balls"]
            )
            yield TrackedFrame(row["frame"], row["time"], tuple(balls))


class RowFile:
    """A file of rows that grows as ``<name>.part`` and gets its name when it is complete.

    A context manager: left with an exception, the part file stays, whole to its last row, and beside it ``<name>.run``,
    which says what run it is of.

    Args:
        path: where to; its folder is made when needed.
        rows: the form.
        run: what the rows depend on, by name; rows that depend on something else are not gone on with.
        live: write every row at once; otherwise within a second.
        resume: go on with the part file, if there is one, but for its last frame, whose rows may not be complete.

    Attributes:
        earlier: numbers of the frames that the part file held.

    Raises:
        DataError: the file cannot be written, or the part file is of another form or another run.
    """

    def __init__(
        self, path: Path, rows: Rows, run: Mapping[str, str], *, live: bool = False, resume: bool = False
    ) -> None:
        self.path = path
        self.part = part_of(path)
        self._run_file = path.with_name(f"{path.name}.run")
        self._rows = rows
        self._flush_seconds = 0.0 if live else _FLUSH_SECONDS
        self._kept = 0  # bytes of the part file that are gone on with
        self.earlier: list[int] = []
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
            self._file.write(rows.header)
        self._flushed = time.monotonic()

    def read_earlier(self) -> Iterator[TrackedFrame]:
        """Yield what the part file held, one frame at a time."""
        return self._rows.decode(self._lines())

    def write(self, frame: TrackedFrame) -> None:
        """Add the rows of a frame."""
        self._file.write(self._rows.encode(frame))
        now = time.monotonic()
        if now - self._flushed >= self._flush_seconds:
            self._file.flush()
            self._flushed = now

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if error is None:
            self.part.replace(self.path)
            self._run_file.unlink(missing_ok=True)

    def _check(self, run: Mapping[str, str]) -> None:
        """Find out what of the part file is gone on with."""
        try:
            self._kept = self._whole()
            self.earlier = [frame.number for frame in self.read_earlier()]
            began: dict[str, str] = json.loads(self._run_file.read_bytes()) if self._run_file.is_file() else {}
            other = [
                f"{name} {began.get(name, 'unknown')}, now {now}" for name, now in run.items() if began.get(name) != now
            ]
            if other:
                raise ValueError(f"another run began them: {'; '.join(other)}")
        except (ValueError, KeyError, IndexError, TypeError) as error:
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
                if self._rows.header and end == 0:
                    if text != self._rows.header:
                        raise ValueError(f"its first line is '{text.strip()}', not '{self._rows.header.strip()}'")
                    kept = len(line)
                elif (number := self._rows.number(text)) != last:
                    kept, last = end, number
                end += len(line)
        return kept

    def _lines(self) -> Iterator[str]:
        """Yield the lines that are gone on with, without the header."""
        with self.part.open("rb") as file:
            file.seek(len(self._rows.header.encode()))
            while file.tell() < self._kept:
                yield file.readline().decode()


def part_of(path: Path) -> Path:
    """Return where a file grows until it is complete."""
    return path.with_name(f"{path.name}.part")
