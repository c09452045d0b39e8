"""The kit accepts mergers that keep the contract and tells what breaks it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Merger
from tracknet_core.testing import check_merger


class Surest(Merger[Any]):
    """The window whose best candidate has the highest score."""

    reads = "candidates"

    def __call__(self, answers: Any, positions: Any) -> Any:
        return max(answers, key=lambda answer: answer.score.max(initial=0))


class Sum(Merger[Any]):
    reads = "logits"

    def __call__(self, answers: Any, positions: Any) -> Any:
        return torch.stack(list(answers)).sum(0)


class Unread(Surest):
    reads = "heatmaps"


class Remembering(Sum):
    last: Any = 0

    def __call__(self, answers: Any, positions: Any) -> Any:
        self.last = super().__call__(answers, positions) + self.last / 2
        return self.last


class Adding(Sum):
    def __call__(self, answers: Any, positions: Any) -> Any:
        for answer in answers[1:]:
            answers[0].add_(answer)
        return answers[0]


class Stacking(Sum):
    def __call__(self, answers: Any, positions: Any) -> Any:
        return torch.stack(list(answers))


class WorstFirst(Surest):
    def __call__(self, answers: Any, positions: Any) -> Any:
        best = super().__call__(answers, positions)
        return replace(best, points=best.points[::-1], score=best.score[::-1])


class LosingEnds(Surest):
    def __call__(self, answers: Any, positions: Any) -> Any:
        best = super().__call__(answers, positions)
        return replace(best, points=best.xy[:, np.newaxis])


class Renumbering(Surest):
    def __call__(self, answers: Any, positions: Any) -> Any:
        return replace(super().__call__(answers, positions), number=0)


@pytest.mark.parametrize("merger", [Surest(), Sum()])
def test_a_merger_passes(merger):
    check_merger(merger)
    check_merger(merger, targets=8, form=(12,))


@pytest.mark.parametrize(
    ("merger", "words"),
    [
        (Unread(), "reads is 'candidates' or 'logits', got 'heatmaps'"),
        (Remembering(), "a merger remembers none"),
        (Adding(), "changed the answers"),
        (Stacking(), r"one frame has \(6, 8\), got \(1, 6, 8\)"),
        (WorstFirst(), "the best candidate comes first"),
        (LosingEnds(), "with Q = 2 points each"),
        (Renumbering(), "number and time of the frame changed"),
    ],
)
def test_broken_mergers_are_refused(refused, merger, words):
    with refused(words):
        check_merger(merger)
