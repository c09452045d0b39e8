"""A plugin file: an experiment of seconds for processes of their own, which may fail where a test says so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from tracknet_core.contracts import (
    Clip,
    Dataset,
    FeatureSpec,
    FrameSource,
    Normalization,
    Size,
    UInt8Array,
    Visibility,
    plain_labels,
)
from tracknet_core.errors import DataError
from tracknet_core.registry import backbones, callbacks, datasets

SIZE = (32, 16)
FRAMES = 10


class Square(FrameSource):
    """A white square that goes to the right."""

    fps = 25.0
    size = SIZE

    def __init__(self, first: int) -> None:
        self.first = first

    def __len__(self) -> int:
        return FRAMES

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        for index in indices:
            picture = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
            picture[6:10, self.first + 2 * index : self.first + 2 * index + 4] = 255
            yield picture


@datasets.register("squares")
class Squares(Dataset):
    """Four clips to train on, two to validate on."""

    splits = ("train", "val")

    def __init__(self, *, root: Path | None = None) -> None:
        del root

    def clips(self, split: str) -> list[Clip]:
        firsts = {"train": (0, 1, 5, 8), "val": (3, 6)}[split]
        return [self._clip(f"{split}/{first}", first) for first in firsts]

    def _clip(self, name: str, first: int) -> Clip:
        x = first + 2.0 * np.arange(FRAMES) + 1.5
        xy = np.stack([x, np.full(FRAMES, 7.5)], axis=1).astype(np.float32)
        return Clip(name, Square(first), plain_labels(xy, np.full(FRAMES, Visibility.EASY, np.int64)))


@backbones.register("one_layer")
class OneLayer(nn.Module):
    """One map, without normalisation over the batch."""

    def __init__(self, *, in_channels: int) -> None:
        super().__init__()
        self.features = (FeatureSpec(4, 4),)
        self.normalization = Normalization((0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
        self.convolution = nn.Conv2d(in_channels, 4, 4, stride=4)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.convolution(x).tanh()]


@callbacks.register("fail")
class Fail(pl.Callback):
    """Lets one of the processes fail in the middle of the second epoch."""

    def __init__(self, *, rank: int = 0, how: Literal["mistake", "fault", "kill", "nan"] = "mistake") -> None:
        self.rank = rank
        self.how = how

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch != 1 or batch_idx != 1 or trainer.global_rank != self.rank:
            return
        if self.how == "mistake":
            raise DataError(f"process {self.rank} cannot go on.")
        if self.how == "fault":
            raise ValueError("a fault in the program")
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        batch.labels.points.fill_(torch.nan)
