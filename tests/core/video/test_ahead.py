"""Threads that work ahead."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tracknet_core.errors import DataError
from tracknet_core.video import ahead


def test_items_come_in_order() -> None:
    assert list(ahead(range(100), 3)) == list(range(100))


def test_no_more_items_than_asked_for_are_worked_out_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    coming = ahead(items(), 4)
    assert next(coming) == 0
    time.sleep(0.2)
    assert len(made) <= 6  # one given, four that wait, one in the hand
    coming.close()


def test_the_work_begins_before_anybody_asks_and_ends_when_nobody_does() -> None:
    begun = threading.Event()

    def items() -> Iterator[int]:
        begun.set()
        yield from range(100)

    before = threading.active_count()
    coming = ahead(items(), 2)
    assert begun.wait(5)
    coming.close()
    assert threading.active_count() == before


def test_an_exception_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise DataError("frame 2 is broken.")

    coming = ahead(items(), 8)
    assert next(coming) == 1
    with pytest.raises(DataError, match=r"frame 2 is broken\."):
        next(coming)


def test_closing_ends_the_thread_and_closes_what_it_iterates_over() -> None:
    closed: list[str] = []

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    coming = ahead(items(), 2)
    next(coming)
    assert threading.active_count() == before + 1
    coming.close()
    assert threading.active_count() == before
    assert closed == ["ahead"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no niceness of their own")
def test_a_thread_can_step_back_for_others() -> None:
    def niceness() -> Iterator[int]:
        yield os.nice(0)

    own = os.nice(0)
    assert list(ahead(niceness(), 1, niceness=3)) == [min(own + 3, 19)]
    assert list(ahead(niceness(), 1)) == [own]
    assert os.nice(0) == own
