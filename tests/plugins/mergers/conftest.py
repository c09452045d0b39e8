"""Answers for mergers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tracknet_core.contracts import Candidates

Answer = Callable[..., Candidates]


@pytest.fixture
def answer() -> Answer:
    """Make what a window says of frame 7 from (x, y, score) of its candidates, best first."""

    def make(*places: tuple[float, float, float]) -> Candidates:
        table = np.array(places, dtype=np.float32).reshape(-1, 3)
        return Candidates.at(7, 0.25, table[:, :2], table[:, 2])

    return make
