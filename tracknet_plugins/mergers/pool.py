"""The detections of all windows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tracknet_core.contracts import Candidates, Merger
from tracknet_core.registry import mergers


@mergers.register("pool")
class Pool(Merger[Candidates]):
    """The detections of all windows, highest score first, as in WASB (Tarashima et al., BMVC 2023) with a step of 1.

    As in its code nothing is merged: a ball that three windows see is there three times.
    """

    reads = "candidates"

    # A Protocol's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        pass

    def __call__(self, answers: Sequence[Candidates], positions: Sequence[int]) -> Candidates:
        """Return all candidates; of equal scores, those of the earlier window come first."""
        score = np.concatenate([answer.score for answer in answers])
        order = np.argsort(-score, kind="stable")
        points = np.concatenate([answer.points for answer in answers])
        return replace(answers[0], points=points[order], score=score[order])
