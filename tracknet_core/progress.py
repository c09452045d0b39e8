"""How far a clip is: a bar in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_LINE_SECONDS = 10.0


class Progress:
    """Counts frames and tells of it on stderr; at the end it writes a line to the standard output.

    Args:
        name: of the clip.
        total: its frames; None if nobody knows.
        done: frames of an earlier run.

    Attributes:
        count: frames of this run.
    """

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        self.count = 0
        self._name = name
        self._total = total
        self._done = done
        self._with_ball = 0
        self._began = self._told = time.monotonic()
        self._bar: Bar | None = None
        if sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]:.1f} frames/s"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(name, total=total, completed=done, rate=0.0)

    def advance(self, has_ball: bool) -> None:
        """Count a frame."""
        self.count += 1
        self._with_ball += has_ball
        if self._bar is not None:
            self._bar.update(self._task, advance=1, rate=self._rate())
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            sys.stderr.write(f"{self._name}: {self._line()}\n")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if error is None:
            sys.stdout.write(
                f"{self._name}: {self.count} frames, {self._with_ball} with a ball, {self._rate():.1f} frames/s\n"
            )
            sys.stdout.flush()

    def _rate(self) -> float:
        return self.count / max(time.monotonic() - self._began, 1e-9)

    def _line(self) -> str:
        rate, done = self._rate(), self._done + self.count
        if self._total is None:
            return f"{done} frames, {rate:.1f} frames/s"
        left = (self._total - done) / rate
        return f"{done}/{self._total} frames, {rate:.1f} frames/s, {left:.0f} s left"
