"""Threads that work ahead: PyAV and torch both let other threads run while they work."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar, cast

T = TypeVar("T")

DECODING_NICENESS = 5
"""The threads of a network wait for each other, so one that is interrupted holds up all; decoding can wait its turn."""

_POLL = 0.1  # seconds between two looks at whether a thread is still wanted


def ahead(items: Iterable[T], depth: int, *, niceness: int = 0) -> Generator[T, None, None]:
    """Return the items, worked out by a thread that begins at once, and is up to ``depth`` of them ahead.

    An exception there is raised here, after the items before it. Closing this generator ends the thread at its next
    item, and waits for that.

    Args:
        items: what the thread iterates over; closed there if it is a generator.
        depth: greatest number of items that wait, which bounds the memory.
        niceness: how far the thread steps back for others, 0 to 19, where the system knows that of threads.
    """
    begun = _ahead(items, depth, niceness)
    next(begun)
    return cast("Generator[T, None, None]", begun)


def _ahead(items: Iterable[T], depth: int, niceness: int) -> Generator[T | None, None, None]:
    """Yield None when the thread works, from when on closing ends it, and then the items."""
    waiting: Queue[tuple[T] | BaseException | None] = Queue(depth)
    unwanted = Event()

    def hand_over(message: tuple[T] | BaseException | None) -> None:
        while not unwanted.is_set():
            with suppress(Full):
                waiting.put(message, timeout=_POLL)
                return

    def work() -> None:
        if niceness and sys.platform == "linux":  # elsewhere it is that of the whole process
            os.nice(niceness)
        try:
            for item in items:
                hand_over((item,))
                if unwanted.is_set():
                    break
            if isinstance(items, Generator):
                items.close()
            hand_over(None)
        except BaseException as error:  # raised again by the thread that waits for it
            hand_over(error)

    thread = Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        yield None
        while (message := waiting.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message[0]
    finally:
        unwanted.set()
        thread.join()
