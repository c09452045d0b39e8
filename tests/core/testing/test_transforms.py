"""The kit accepts transforms that keep the contract and tells what breaks it."""

from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.contracts import BatchTransform, Target, Transform, Window
from tracknet_core.testing import check_batch_transform, check_transform


class Mirror(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        if rng.random() < 0.5:
            return window
        width = window.frames.shape[2]
        points = np.array([width - 1, 0]) + window.labels.points * [-1, 1]
        return window.replace(window.frames[:, :, ::-1], points=points)


class Forgetful(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(super().__call__(window, rng).frames)


class InPlace(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        window.frames[:] //= 2
        return window


class PerFrame(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        gain = rng.uniform(0.5, 1, size=(len(window.frames), 1, 1, 1))
        return window.replace((window.frames * gain).astype(np.uint8))


class FramesOnly(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        frames = window.frames.copy()
        frames[: len(window)] //= 2
        return window.replace(frames)


class Unseeded(Mirror):
    calls = 0

    def __call__(self, window: Window, rng: Any) -> Window:
        self.calls += 1
        return window.replace(window.frames // (1 + self.calls % 2))


class Oversized(Mirror):
    def output_size(self, size: Any) -> Any:
        return size[0] + 1, size[1]


class Floating(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(window.frames / 255)


class Emptying(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(np.zeros_like(window.frames), visibility=0 * window.visibility)


class Guessing(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        known, codes = np.nan_to_num(window.labels.points), np.abs(window.visibility)
        return window.replace(window.frames, points=known, visibility=codes)


class EverySecond(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.at(range(0, len(window), 2))

    def input_frames(self, frames: int) -> int:
        return 2 * frames - 1


class Short(EverySecond):
    def input_frames(self, frames: int) -> int:
        return frames


class Shuffled(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        labels = window.labels
        return window.replace(window.frames[::-1], points=labels.points[::-1], visibility=labels.visibility[::-1])


@pytest.mark.parametrize("transform", [Mirror(), EverySecond()])
def test_a_transform_passes(transform):
    check_transform(transform)


def test_a_transform_of_single_frames_passes_if_it_is_said_to_be_one():
    check_transform(PerFrame(), alike=False)


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (Forgetful(), "but the spot went to"),
        (InPlace(), "changed the window"),
        (PerFrame(), "one draw is for all"),
        (FramesOnly(), "frames or background, become unequal"),
        (Unseeded(), "the same draw give another result"),
        (Oversized(), r"\(3, 64, 97, 3\), got \(3, 64, 96, 3\)"),
        (Floating(), "frames are uint8, got float64"),
        (Emptying(), "ABSENT, but xy has a place"),
        (Guessing(), "UNLABELLED gets a label"),
        (Short(), r"\(3, 64, 96, 3\), got \(2, 64, 96, 3\)"),
        (Shuffled(), "but the spot went to"),
    ],
)
def test_broken_transforms_are_refused(refused, transform, words):
    with refused(words):
        check_transform(transform)


class Swap(BatchTransform):
    """Gives some windows the place of others."""

    def mix(self, frames: Any, target: Any) -> Any:
        order = torch.randperm(len(frames))
        return frames[order], Target(*(part[order] for part in target))


class Halving(Swap):
    def mix(self, frames: Any, target: Any) -> Any:
        return frames / 2, target


class Scribbling(Swap):
    def mix(self, frames: Any, target: Any) -> Any:
        target.values.mul_(0.5)
        return frames, target


class Uncontrolled(Swap):
    calls = 0

    def mix(self, frames: Any, target: Any) -> Any:
        self.calls += 1
        return frames, target._replace(values=target.values / self.calls)


class Dropping(Swap):
    def mix(self, frames: Any, target: Any) -> Any:
        return frames[:, : target.values.shape[1]], target


class Reviving(Swap):
    def mix(self, frames: Any, target: Any) -> Any:
        return frames, target._replace(weight=torch.ones_like(target.weight))


def test_a_batch_transform_passes():
    check_batch_transform(Swap())


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (Halving(), "frames stay torch.uint8, got torch.float32"),
        (Scribbling(), "changed the tensors"),
        (Uncontrolled(), "same seed of torch"),
        (Dropping(), r"\(4, 4, 3, 18, 32\), got \(4, 3, 3, 18, 32\)"),
        (Reviving(), "weight 0 come to count"),
    ],
)
def test_broken_batch_transforms_are_refused(refused, transform, words):
    with refused(words):
        check_batch_transform(transform)
