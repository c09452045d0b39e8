"""Clips without pictures, for tests of what comes after the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tracknet_core.contracts import Clip, FrameSource, Size, UInt8Array, Visibility, plain_labels
from tracknet_core.evaluation.results import Prediction

Place = tuple[float, float] | None


@dataclass
class NoPictures(FrameSource):
    """Frames that nobody looks at."""

    count: int
    size: Size = (1280, 720)
    fps: float = 25.0

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        raise AssertionError("nobody may look at the pictures")


def places(points: Sequence[Place]) -> np.ndarray:
    return np.array([(np.nan, np.nan) if point is None else point for point in points], np.float32).reshape(-1, 2)


@pytest.fixture
def make_clip() -> Callable[..., Clip]:
    """Make a clip of balls at places, or of none (None)."""

    def make(name: str, points: Sequence[Place], codes: Sequence[int] | None = None, size: Size = (1280, 720)) -> Clip:
        codes = codes or [int(Visibility.ABSENT if point is None else Visibility.EASY) for point in points]
        return Clip(name, NoPictures(len(points), size), plain_labels(places(points), np.array(codes, np.int64)))

    return make


@pytest.fixture
def predict() -> Callable[..., Prediction]:
    """Make a prediction of balls at places, or of none (None), with scores."""

    def make(points: Sequence[Place], scores: Sequence[float] | None = None) -> Prediction:
        return Prediction(places(points)[:, np.newaxis], np.array(scores or [np.nan] * len(points), np.float32))

    return make
