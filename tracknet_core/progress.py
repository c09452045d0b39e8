"""How far a work is: a bar in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_LINE_SECONDS = 10.0


class Progress:
    """Counts, and tells of it on stderr: a bar that goes away at the end; in a log a line every ten seconds.

    A context manager; :meth:`advance` may be called from any thread.

    Args:
        text: what is done, such as the name of a clip.
        total: how many there are; None if nobody knows.
        done: how many were done earlier.
        unit: what is counted.

    Attributes:
        count: how many were done now.
    """

    def __init__(self, text: str, total: int | None, *, done: int = 0, unit: str = "frames") -> None:
        self.count = 0
        self._text = text
        self._total = total
        self._done = done
        self._unit = unit
        self._lock = Lock()
        self._began = self._told = time.monotonic()
        self._bar: Bar | None = None
        if sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(f"{{task.fields[rate]:.1f}} {unit}/s", markup=False),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(text, total=total, completed=done, rate=0.0)

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / max(time.monotonic() - self._began, 1e-9)

    def advance(self, text: str | None = None) -> None:
        """Count one; a ``text`` replaces what is said to be done."""
        with self._lock:
            self.count += 1
            self._text = self._text if text is None else text
            if self._bar is not None:
                self._bar.update(self._task, advance=1, rate=self.rate, description=self._text)
            elif time.monotonic() - self._told >= _LINE_SECONDS:
                self._told = time.monotonic()
                sys.stderr.write(f"{self._line()}\n")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _line(self) -> str:
        done = self._done + self.count
        if self._total is None:
            return f"{self._text}: {done} {self._unit}, {self.rate:.1f} {self._unit}/s"
        left = max(0, self._total - done) / self.rate
        return f"{self._text}: {done}/{self._total} {self._unit}, {self.rate:.1f} {self._unit}/s, {left:.0f} s left"
