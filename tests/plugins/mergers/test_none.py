"""Merger `none`: the first window that reports a frame."""

from __future__ import annotations

from tracknet_core.testing import check_constructor, check_merger
from tracknet_plugins.mergers.none import First


def test_the_contract_is_kept() -> None:
    check_constructor("mergers", First)
    check_merger(First())


def test_the_first_answer_is_final(answer) -> None:
    first, second = answer((1, 2, 0.5)), answer((3, 4, 0.9))
    assert First()([first, second], [2, 1]) is first
    assert First.immediate
