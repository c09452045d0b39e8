"""How far a work is: a bar in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from importlib.util import find_spec
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_NOTEBOOK = "IPython"
"""Imported wherever rich finds a notebook."""

_LINE_SECONDS = 10.0
_SETTLING_SECONDS = 3.0


class Progress:
    """Counts, and tells of it on stderr: a bar that goes away at the end; in a log a line every ten seconds.

    In a notebook it is a bar where the package ipywidgets is installed, and lines where it is not. A context manager;
    :meth:`advance` may be called from any thread.

    Args:
        text: what is done, such as the name of a clip.
        total: how many there are; None if nobody knows.
        done: how many were done earlier.
        unit: what is counted.
        silent: count, and tell nothing.

    Attributes:
        count: how many were done now.
    """

    def __init__(
        self, text: str, total: int | None, *, done: int = 0, unit: str = "frames", silent: bool = False
    ) -> None:
        self.count = 0
        self._text = text
        self._total = total
        self._done = done
        self._unit = unit
        self._silent = silent
        self._lock = Lock()
        self._began = self._told = time.monotonic()
        self._first: float | None = None
        self._bar: Bar | None = None
        if not silent and (sys.stderr.isatty() or _NOTEBOOK in sys.modules):
            self._bar = _bar()
        if self._bar is not None:
            self._task = self._bar.add_task(text, total=total, completed=done, pace="")

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / max(time.monotonic() - self._began, 1e-9)

    def advance(self, text: str | None = None) -> None:
        """Count one; a ``text`` replaces what is said to be done."""
        with self._lock:
            self.count += 1
            self._first = time.monotonic() if self._first is None else self._first
            self._text = self._text if text is None else text
            if self._bar is not None:
                self._bar.update(self._task, advance=1, pace=self._pace(), description=self._text)
            elif not self._silent and time.monotonic() - self._told >= _LINE_SECONDS:
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
        total = "" if self._total is None else f"/{self._total}"
        pace = self._pace()
        return f"{self._text}: {self._done + self.count}{total} {self._unit}" + (f", {pace}" if pace else "")

    def _pace(self) -> str:
        """Return the rate since the first came, and the time left; nothing in the seconds after it.

        What is waited for before the first, such as a network that loads and a tracker that looks ahead, says nothing
        of the rest, and of the first ones several come at once.
        """
        now = time.monotonic()
        if self._first is None or now - self._first < _SETTLING_SECONDS:
            return ""
        rate = (self.count - 1) / (now - self._first)
        told = f"{rate:.1f} {self._unit}/s"
        if self._total is None or rate == 0.0:
            return told
        left = max(0, self._total - self._done - self.count) / rate
        return f"{told}, {timedelta(seconds=round(left))} left"


def _bar() -> Bar | None:
    """Return a bar for a terminal or a notebook; None where neither can draw one."""
    # Here rather than above: it takes its time to import, and logs need none of it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    # In a notebook rich draws with ipywidgets, and without them would tell people to install these.
    if not (find_spec("ipywidgets") if console.is_jupyter else sys.stderr.isatty()):
        return None
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        console=console,
        transient=True,
    )
