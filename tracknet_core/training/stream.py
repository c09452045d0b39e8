"""The windows of an epoch as batches.

Video is fast forwards and slow at random, so windows are drawn by reading several clips forwards side by side
and shuffling what comes out in a buffer; a frame that several windows share is decoded once. Every draw follows
from the seed, the epoch and the place of the window in its clip, so that a run that was interrupted between
epochs goes on as if nothing had happened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from tracknet_core.contracts import Batch, Clip, Size, Transform, UInt8Array, Visibility, Window
from tracknet_core.errors import UserError
from tracknet_core.frame_views import ReadableFrames
from tracknet_core.loading.batches import Sample, collate, read_windows
from tracknet_core.loading.windows import Place

OPEN_CLIPS = 8
"""Clips that one worker reads side by side in training; more of them mix better and hold more decoders."""

BUFFERED_WINDOWS = 128
"""Windows among which the next one is drawn; they are stored after the transforms, so crops are cheap to hold."""

Background = Callable[[Clip], UInt8Array]
"""Gives the background of a clip, (H, W, 3) in the size of the stream."""


class Remark(NamedTuple):
    """What comes in the place of a batch that there is something to say of.

    Attributes:
        batch: the batch.
        broken: what is wrong with frames that were left out on the way to it, by clip and frame number.
    """

    batch: Batch
    broken: dict[tuple[str, int], str]


class WindowStream(IterableDataset[Batch]):
    """Batches of windows, read forwards from clips.

    Args:
        clips: the clips of a split.
        places: gives the windows of a clip (its index), ascending, for a draw (any whole number).
        batch_size: windows per batch.
        size: (W, H) that frames are scaled to.
        transforms: augmentations.
        background: gives the picture that is added to every window of a clip; None adds none.
        difficulty: (F,) of the frames of all clips, clip after clip, in shared memory, since it may change between
            epochs; None leaves to the labels what they say.
        shuffle: whether clips and windows come in another order every epoch.
        seed: of every draw.
        skip_broken: whether windows with a frame that cannot be read count nothing, and a :class:`Remark` tells of it.
        drop_last: whether a last batch that is not full is left out.
        workers: number of loading processes; each reads clips of its own.
        rank: this process among the training processes.
        world: number of training processes.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        places: Callable[[int, int], list[Place]],
        *,
        batch_size: int,
        size: Size,
        transforms: Sequence[Transform] = (),
        background: Background | None = None,
        difficulty: Tensor | None = None,
        shuffle: bool = False,
        seed: int = 0,
        skip_broken: bool = False,
        drop_last: bool = False,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._clips = clips
        self._places = places
        self._batch_size = batch_size
        self._size = size
        self._transforms = transforms
        self._background = background
        self._difficulty = difficulty
        self._first = None if difficulty is None else np.cumsum([0, *(len(clip) for clip in clips)])
        self._shuffle = shuffle
        self._seed = seed
        self._skip_broken = skip_broken
        self._broken: dict[tuple[str, int], str] = {}  # found since the last batch
        self._drop_last = drop_last
        self._rank = rank
        self._world = world
        # Workers that live on from epoch to epoch hold a copy of this object; shared memory tells them the epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        # For each worker its process and the clip that it reads, since one that is killed can no longer say it.
        self._reading = torch.full((max(1, workers), 2), -1).share_memory_()  # type: ignore[no-untyped-call]
        self._shares = _share_out([len(places(i, 0)) for i in range(len(clips))], world * max(1, workers))

    def __len__(self) -> int:
        """Return the number of batches of an epoch, the same in every training process, since they wait for each other.

        In training it is the least that one of them has, in validation the greatest: every frame counts.
        """
        batches = self._batches_of_ranks()
        return min(batches) if self._shuffle else max(batches)

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of the next iteration."""
        self._epoch.fill_(epoch)

    def clip_of(self, process: int) -> Clip | None:
        """Return the clip that a worker was reading, by its process."""
        reading = dict(self._reading.tolist())
        return self._clips[reading[process]] if process in reading else None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of this worker's clips, and at last what is wrong with the data, if anything is."""
        try:
            yield from self._batches()
        except UserError as error:
            if get_worker_info() is None:
                raise
            # torch would wrap it in the traceback of the worker; as an item it arrives as it is.
            yield error  # type: ignore[misc]

    def _batches(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number = 0 if worker is None else worker.id
        per_rank = len(self._shares) // self._world
        share = self._rank * per_rank + number
        epoch = int(self._epoch)
        samples: list[Sample] = []
        for sample in self._samples(self._shares[share], epoch, share):
            samples.append(sample)
            if len(samples) == self._batch_size:
                yield self._batch(samples)
                samples = []
        if samples and not self._drop_last:
            yield self._batch(samples)
        if not self._shuffle and number == per_rank - 1:
            for _ in range(len(self) - self._batches_of_ranks()[self._rank]):
                yield self._filler(epoch)

    def _batch(self, samples: Sequence[Sample]) -> Batch:
        if not self._broken:
            return collate(samples)
        broken, self._broken = self._broken, {}
        return Remark(collate(samples), broken)  # type: ignore[return-value]

    def _batches_of_ranks(self) -> list[int]:
        per_rank = len(self._shares) // self._world
        counts = [sum(len(self._places(i, 0)) for i in share) for share in self._shares]
        batches = [c // self._batch_size if self._drop_last else -(-c // self._batch_size) for c in counts]
        return [sum(batches[r * per_rank : (r + 1) * per_rank]) for r in range(self._world)]

    def _filler(self, epoch: int) -> Batch:
        """Return a batch that counts nothing, for a process that has fewer than others."""
        batch = collate([next(self._read(0, epoch))])
        return batch._replace(
            counted=torch.zeros_like(batch.counted),
            labels=batch.labels._replace(
                visibility=torch.full_like(batch.labels.visibility, int(Visibility.UNLABELLED))
            ),
        )

    def _samples(self, clips: Sequence[int], epoch: int, share: int) -> Iterator[Sample]:
        if not self._shuffle:
            for clip in clips:
                yield from self._read(clip, epoch)
            return
        rng = np.random.default_rng([self._seed, epoch, share])
        waiting = list(rng.permutation(np.asarray(clips, dtype=np.int64)))
        reading: list[Iterator[Sample]] = []
        buffer: list[Sample] = []
        while waiting or reading:
            while waiting and len(reading) < OPEN_CLIPS:
                reading.append(self._read(int(waiting.pop()), epoch))
            position = int(rng.integers(len(reading)))
            sample = next(reading[position], None)
            if sample is None:
                reading.pop(position)
                continue
            buffer.append(sample)
            if len(buffer) > BUFFERED_WINDOWS:
                yield _take(buffer, rng)
        while buffer:
            yield _take(buffer, rng)

    def _read(self, number: int, epoch: int) -> Iterator[Sample]:
        """Yield the windows of a clip."""
        clip = self._clips[number]
        if self._skip_broken:
            clip = clip.replace(frames=ReadableFrames(clip.frames))
        if self._difficulty is not None and self._first is not None:
            known = self._difficulty.numpy()[self._first[number] : self._first[number + 1]]
            clip = clip.replace(labels=clip.labels._replace(difficulty=known))
        rng = np.random.default_rng([self._seed, epoch, number, 1])
        places = self._places(number, int(rng.integers(2**31)))
        self._now_reading(number)
        background = None if self._background is None or not places else self._background(clip)
        augment = partial(self._augmented, rng) if self._transforms else None
        for sample in read_windows(clip, places, self._size, background=background, augment=augment):
            self._broken.update({(clip.name, frame): fault for frame, fault in sample.broken.items()})
            yield sample
            self._now_reading(number)

    def _now_reading(self, number: int) -> None:
        worker = get_worker_info()
        if worker is not None:
            self._reading[worker.id] = torch.tensor([os.getpid(), number])

    def _augmented(self, rng: np.random.Generator, window: Window) -> Window:
        shape = window.frames.shape
        for transform in self._transforms:
            window = transform(window, rng)
        if window.frames.shape == shape:
            return window
        # A view of larger frames would hold all of them in memory for as long as it waits.
        return window.replace(np.ascontiguousarray(window.frames))


def _take(buffer: list[Sample], rng: np.random.Generator) -> Sample:
    """Remove a random sample, in constant time."""
    i = int(rng.integers(len(buffer)))
    buffer[i], buffer[-1] = buffer[-1], buffer[i]
    return buffer.pop()


def _share_out(counts: Sequence[int], shares: int) -> list[list[int]]:
    """Give each clip to the share that has the fewest windows so far, largest clips first."""
    loads = [0] * shares
    shared: list[list[int]] = [[] for _ in range(shares)]
    for clip in sorted(range(len(counts)), key=lambda i: (-counts[i], i)):
        least = loads.index(min(loads))
        loads[least] += counts[clip]
        shared[least].append(clip)
    return [sorted(share) for share in shared]
