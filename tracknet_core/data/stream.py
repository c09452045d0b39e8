"""Clips to windows to batches: the one LightningDataModule.

Video is fast forwards and slow at random, so windows are drawn by reading several clips forwards side by side
and shuffling what comes out in a buffer; a frame that several windows share is decoded once. Every draw follows
from the seed, the epoch and the place of the window in its clip, so that a run that was interrupted between
epochs goes on as if nothing had happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from tracknet_core.config import Config, Loader
from tracknet_core.contracts import (
    Batch,
    Clip,
    Dataset,
    IntArray,
    Size,
    Transform,
    UInt8Array,
    Window,
    rescale,
)
from tracknet_core.errors import ConfigError, UserError
from tracknet_core.model import BallTracker

OPEN_CLIPS = 8
"""Clips that one worker reads side by side in training; more of them mix better and hold more decoders."""

BUFFERED_WINDOWS = 128
"""Windows among which the next one is drawn; they are stored after the transforms, so crops are cheap to hold."""


@dataclass(frozen=True)
class Place:
    """Where a window lies.

    Attributes:
        clip: index of the clip in its split.
        numbers: (T,) frame numbers; repeated where the clip is shorter than the window.
        counted: (T,) bool; frames that this window reports.
    """

    clip: int
    numbers: IntArray
    counted: np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Sample:
    """A window as it leaves the transforms, and where it came from."""

    window: Window
    place: Place
    original_xy: np.ndarray[Any, np.dtype[np.float32]]
    original_size: Size


@dataclass(frozen=True)
class TrainingPlaces:
    """Windows every ``stride`` frames, the first at a drawn phase; their number does not depend on the draw.

    Attributes:
        frames: frames of each clip.
        length: T, frames of a window.
        stride: frames between the starts.
    """

    frames: Sequence[int]
    length: int
    stride: int

    def __call__(self, clip: int, draw: int) -> list[Place]:
        """Return the windows of a clip, ascending."""
        frames = self.frames[clip]
        starts = max(1, frames - self.length + 1)
        count = max(1, starts // self.stride)
        slack = min(self.stride, starts - (count - 1) * self.stride)
        phase = draw % slack
        return [self._place(clip, phase + i * self.stride, frames) for i in range(count)]

    def _place(self, clip: int, start: int, frames: int) -> Place:
        numbers = np.arange(start, start + self.length)
        return Place(clip, np.minimum(numbers, frames - 1), numbers < frames)


@dataclass(frozen=True)
class EvaluationPlaces:
    """Windows that report every frame exactly once, none lost at the end.

    Attributes:
        frames: frames of each clip.
        length: T, frames of a window.
        targets: the positions in the window that get a heatmap, consecutive.
    """

    frames: Sequence[int]
    length: int
    targets: tuple[int, ...]

    def __call__(self, clip: int, draw: int) -> list[Place]:
        """Return the windows of a clip, ascending; nothing is drawn."""
        frames, first = self.frames[clip], self.targets[0]
        is_target = np.isin(np.arange(self.length), self.targets)
        # The last window moves back into the clip: repeated frames would show it no motion.
        last = max(frames - (self.targets[-1] + 1), -first)
        places: list[Place] = []
        reported = 0
        while reported < frames:
            start = min(reported - first, last)
            numbers = np.arange(start, start + self.length)
            counted = is_target & (numbers >= reported) & (numbers < frames)
            places.append(Place(clip, np.clip(numbers, 0, frames - 1), counted))
            reported = int(numbers[counted][-1]) + 1
        return places


class WindowStream(IterableDataset[Batch]):
    """Batches of windows, read forwards from clips.

    Args:
        clips: the clips of a split.
        places: gives the windows of a clip (its index), ascending, for a draw (any whole number).
        batch_size: windows per batch.
        size: (W, H) that frames are scaled to.
        transforms: augmentations.
        shuffle: whether clips and windows come in another order every epoch.
        seed: of every draw.
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
        shuffle: bool = False,
        seed: int = 0,
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
        self._shuffle = shuffle
        self._seed = seed
        self._drop_last = drop_last
        self._rank = rank
        self._world = world
        # Workers that live on from epoch to epoch hold a copy of this object; shared memory tells them the epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._shares = _share_out([len(places(i, 0)) for i in range(len(clips))], world * max(1, workers))

    def __len__(self) -> int:
        """Return the number of batches per epoch, the same in every training process."""
        per_rank = len(self._shares) // self._world
        counts = [sum(len(self._places(i, 0)) for i in share) for share in self._shares]
        batches = [c // self._batch_size if self._drop_last else -(-c // self._batch_size) for c in counts]
        return min(sum(batches[r * per_rank : (r + 1) * per_rank]) for r in range(self._world))

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of the next iteration."""
        self._epoch.fill_(epoch)

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
        per_rank = len(self._shares) // self._world
        share = self._rank * per_rank + (0 if worker is None else worker.id)
        epoch = int(self._epoch)
        samples: list[Sample] = []
        for sample in self._samples(self._shares[share], epoch, share):
            samples.append(sample)
            if len(samples) == self._batch_size:
                yield collate(samples)
                samples = []
        if samples and not self._drop_last:
            yield collate(samples)

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
        """Yield the windows of a clip, decoding each frame once."""
        clip = self._clips[number]
        rng = np.random.default_rng([self._seed, epoch, number, 1])
        places = self._places(number, int(rng.integers(2**31)))
        needed = np.unique(np.concatenate([place.numbers for place in places]))
        frames = zip(needed, clip.frames.read([int(i) for i in needed], self._size), strict=True)
        held: dict[int, UInt8Array] = {}
        scale = np.asarray(self._size, dtype=np.float32) / np.asarray(clip.frames.size, dtype=np.float32)
        for place in places:
            while place.numbers[-1] not in held:
                i, frame = next(frames)
                held[int(i)] = frame
            held = {i: frame for i, frame in held.items() if i >= place.numbers[0]}
            window = Window(
                frames=np.stack([held[int(i)] for i in place.numbers]),
                xy=rescale(clip.xy[place.numbers], scale).astype(np.float32),
                visibility=clip.visibility[place.numbers],
            )
            for transform in self._transforms:
                window = transform(window, rng)
            yield Sample(window, place, clip.xy[place.numbers], clip.frames.size)


class TrackingData(pl.LightningDataModule):
    """Training and validation windows of a dataset.

    Args:
        dataset: the reader.
        config: the experiment.
        transforms: augmentations of training windows.
    """

    def __init__(self, dataset: Dataset, config: Config, transforms: Sequence[Transform]) -> None:
        super().__init__()
        self._dataset = dataset
        self._config = config
        self._transforms = transforms
        self._clips: dict[str, Sequence[Clip]] = {}

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of a split, as ``data.split`` or the dataset has it.

        Raises:
            ConfigError: the split does not exist, or its patterns match no clip.
            DataError: the dataset cannot be read.
        """
        if split not in self._clips:
            patterns = self._config.data.split
            self._clips[split] = (
                self._dataset.clips(split) if patterns is None else _matching(self._dataset, patterns, split)
            )
        return self._clips[split]

    def image_size(self) -> Size:
        """Return (W, H) of whole frames as the network gets them.

        Raises:
            ConfigError: ``data.preprocess.resize`` is null and clips differ in size.
        """
        if self._config.data.preprocess.resize is not None:
            return self._config.data.preprocess.resize
        sizes = sorted({clip.frames.size for split in ("train", "val") for clip in self.clips(split)})
        if len(sizes) > 1:
            listed = ", ".join(f"{w}x{h}" for w, h in sizes)
            raise ConfigError(f"data.preprocess.resize: null, but the clips have different sizes ({listed}). Set it.")
        return sizes[0]

    def training_size(self) -> Size:
        """Return (W, H) of the frames that come out of the transforms.

        Raises:
            ConfigError: a transform does not fit the frames that it gets.
        """
        size = self.image_size()
        for i, transform in enumerate(self._transforms):
            try:
                size = transform.output_size(size)
            except ValueError as error:
                raise ConfigError(f"data.transforms[{i}]: {error}") from error
        return size

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of augmented training windows."""
        sequence = self._config.data.sequence
        clips = self.clips("train")
        places = TrainingPlaces([len(clip) for clip in clips], sequence.frames, sequence.stride)
        return self._loader(clips, places, training=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of validation windows: every frame once."""
        sequence = self._config.data.sequence
        clips = self.clips("val")
        places = EvaluationPlaces([len(clip) for clip in clips], sequence.frames, self._targets())
        return self._loader(clips, places, training=False)

    def _targets(self) -> tuple[int, ...]:
        """Return the positions that the network being trained gives a heatmap for."""
        if self.trainer is None:
            return tuple(range(self._config.data.sequence.frames))
        return cast(BallTracker, self.trainer.lightning_module.model).input.targets

    def _loader(
        self, clips: Sequence[Clip], places: Callable[[int, int], list[Place]], *, training: bool
    ) -> DataLoader[Batch]:
        settings: Loader = self._config.training.data_loader
        batch_size = self._config.training.batch_size
        if not training:
            # Whole frames can be many times larger than the crops of training: as many pixels per batch, no more.
            share = math.prod(self.training_size()) / math.prod(self.image_size())
            batch_size = max(1, min(batch_size, int(batch_size * share)))
        stream = WindowStream(
            clips,
            places,
            batch_size=batch_size,
            size=self.image_size(),
            transforms=self._transforms if training else (),
            shuffle=training,
            seed=self._config.training.seed,
            drop_last=settings.drop_last and training,
            workers=settings.num_workers,
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )
        # torch refuses the settings of workers where there are none.
        of_workers: dict[str, Any] = {}
        if settings.num_workers > 0:
            of_workers = {
                "persistent_workers": settings.persistent_workers,
                "prefetch_factor": settings.prefetch_factor,
            }
        return _EpochLoader(
            stream,
            batch_size=None,
            num_workers=settings.num_workers,
            pin_memory=settings.pin_memory and torch.cuda.is_available(),
            epoch=self._epoch if training else _first_epoch,
            **of_workers,
        )

    def _epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer else 0


class _EpochLoader(DataLoader[Batch]):
    """A loader that tells its stream the epoch before it starts to read."""

    def __init__(self, stream: WindowStream, *, epoch: Callable[[], int], **options: Any) -> None:
        super().__init__(stream, **options)
        self._stream = stream
        self._current_epoch = epoch

    def __iter__(self) -> Any:
        # A generator, so that the epoch is asked for with the first batch: a resumed training makes the iterator
        # while it is still in the epoch before.
        self._stream.set_epoch(self._current_epoch())
        for batch in super().__iter__():
            if isinstance(batch, UserError):
                raise batch
            yield batch


def collate(samples: Sequence[Sample]) -> Batch:
    """Return a batch; the frames keep the memory of a video, channels last."""
    windows = [sample.window for sample in samples]
    frames = torch.from_numpy(np.stack([window.frames for window in windows]))  # (B, T, H, W, 3)
    return Batch(
        frames=frames.permute(0, 1, 4, 2, 3),
        xy=torch.from_numpy(np.stack([window.xy for window in windows])),
        visibility=torch.from_numpy(np.stack([window.visibility for window in windows])),
        counted=torch.from_numpy(np.stack([sample.place.counted for sample in samples])),
        original_xy=torch.from_numpy(np.stack([sample.original_xy for sample in samples])),
        original_size=torch.tensor([sample.original_size for sample in samples], dtype=torch.float32),
        clip=torch.tensor([sample.place.clip for sample in samples]),
        number=torch.from_numpy(np.stack([sample.place.numbers for sample in samples])),
    )


def _first_epoch() -> int:
    return 0


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


def _matching(dataset: Dataset, patterns: dict[str, list[str]], split: str) -> list[Clip]:
    if split not in patterns:
        raise ConfigError(f"data.split: no '{split}' among {', '.join(patterns)}. Add patterns of clip names for it.")
    clips = {clip.name: clip for own in dataset.splits for clip in dataset.clips(own)}
    chosen = {s: {n for n in clips if any(fnmatchcase(n, p) for p in globs)} for s, globs in patterns.items()}
    for other, names in chosen.items():
        both = sorted(names & chosen[split])
        if other != split and both:
            raise ConfigError(
                f"data.split: '{split}' and '{other}' both hold {both[0]} ({len(both)} clips in all): a clip that is "
                "trained on cannot be scored. Make the patterns disjoint."
            )
    if not chosen[split]:
        raise ConfigError(
            f"data.split.{split}: {patterns[split]} match none of the {len(clips)} clips, such as "
            f"{', '.join(sorted(clips)[:3])}."
        )
    return [clip for name, clip in clips.items() if name in chosen[split]]
