"""The kit accepts datasets that keep the contract and tells what breaks it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import Clip, FrameSource, plain_labels
from tracknet_core.testing import check_dataset


class Grey(FrameSource):
    """Frames as bright as their number."""

    size = (8, 6)
    fps = 25.0

    def __len__(self) -> int:
        return 5

    def read(self, indices: Any, size: Any = None) -> Any:
        width, height = size or self.size
        for index in indices:
            yield np.full((height, width, 3), index, dtype=np.uint8)


class Stubborn(Grey):
    def read(self, indices: Any, size: Any = None) -> Any:
        return super().read(indices)


class Backwards(Grey):
    times = (0.0, 0.2, 0.1, 0.3, 0.4)


class Bare:
    """Frames that answer what FrameSource has no default for, and nothing else."""

    size, fps, __len__, read = Grey.size, Grey.fps, Grey.__len__, Grey.read

    def fingerprint(self) -> None:
        return None


class Rally:
    splits = ("train",)

    def __init__(self, frames: Any = None, **changes: Any) -> None:
        xy = np.array([[1, 2], [np.nan, np.nan], [3, 4], [5, 5], [np.nan, np.nan]], dtype=np.float32)
        labels = plain_labels(xy, np.array([1, 0, 2, 3, -1]))
        self.clip = Clip("one", frames or Grey(), labels._replace(**changes))

    def clips(self, split: str) -> list[Clip]:
        return [self.clip, replace(self.clip, name="two")]


class Twins(Rally):
    def clips(self, split: str) -> list[Clip]:
        return [self.clip, self.clip]


class Restless(Rally):
    def __init__(self) -> None:
        super().__init__()
        self.turn = 1

    def clips(self, split: str) -> list[Clip]:
        self.turn = -self.turn
        return super().clips(split)[:: self.turn]


class Empty(Rally):
    def clips(self, split: str) -> list[Clip]:
        return []


def test_a_dataset_passes():
    check_dataset(Rally(), "train")


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Empty(), "'train' has no clips"),
        (Twins(), "unique"),
        (Restless(), "same order"),
        (Rally(Stubborn()), r"half the size.*\(3, 4, 3\), got \(6, 8, 3\)"),
        (Rally(Backwards()), "times are those of 5 frames, ascending from 0"),
        (Rally(Bare()), "the frames of clip 'one' inherit from FrameSource"),
        (Rally(visibility=np.array([1, 1, 2, 3, -1])), "clip 'one': a visible ball lies outside"),
        (Rally(visibility=np.array([1, 0, 2, 9, -1])), r"the codes \{9\}"),
        (Rally(visibility=np.array([1, 0, 2])), r"visibility of clip 'one'.*\(5,\), got \(3,\)"),
    ],
)
def test_broken_datasets_are_refused(refused, dataset, words):
    with refused(words):
        check_dataset(dataset, "train")


def test_a_split_that_the_reader_does_not_name_is_refused(refused):
    with refused("'test' among them"):
        check_dataset(Rally(), "test")
