"""Clips of candidates for trackers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tracknet_core.contracts import Candidates

Place = tuple[float, float, float]
Clip = Callable[..., list[Candidates]]


@pytest.fixture
def clip() -> Clip:
    """Make a clip from the (x, y, score) of each frame's candidates, best first; 30 frames per second by default."""

    def make(*frames: Sequence[Place], times: Sequence[float] | None = None) -> list[Candidates]:
        made = []
        for number, places in enumerate(frames):
            table = np.array(places, dtype=np.float32).reshape(-1, 3)
            time = number / 30 if times is None else times[number]
            made.append(Candidates.at(number, time, table[:, :2], table[:, 2]))
        return made

    return make


@pytest.fixture
def streaks() -> Callable[[Sequence[Candidates]], list[Candidates]]:
    """Make every candidate a streak: its ends are 6 px to the left and to the right, and 2 px above and below."""
    return lambda frames: [replace(frame, points=frame.points + np.float32([[-6, -2], [6, 2]])) for frame in frames]


@pytest.fixture
def parabola() -> Callable[[np.ndarray], np.ndarray]:
    """A ball in 1280 x 720: 600 px/s to the right, 500 px/s up at first, and 900 px/s^2 of gravity."""

    def places(times: np.ndarray) -> np.ndarray:
        return np.stack([100 + 600 * times, 500 - 500 * times + 450 * times**2], axis=1)

    return places
