"""The one LightningDataModule, and the splits that it reads."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tracknet_core.background import Backgrounds
from tracknet_core.config import Config, DataConfig, Loader
from tracknet_core.contracts import Batch, Clip, Dataset, Size, TrainingFrames, Transform, WindowSpec
from tracknet_core.errors import ClipError, ConfigError, DataError, UserError
from tracknet_core.frame_cache import FrameCache
from tracknet_core.loading.windows import EvaluationPlaces, Place
from tracknet_core.splits import choose_clips, split_names
from tracknet_core.training.sampling import TrainingPlaces, sampling_rates
from tracknet_core.training.stream import Remark, WindowStream


class Splits:
    """The splits of a dataset, each listed when it is first asked for.

    Args:
        dataset: the reader.
        data: the section that says how it is split.
    """

    def __init__(self, dataset: Dataset, data: DataConfig) -> None:
        self._dataset = dataset
        self._data = data
        self._clips: dict[str, list[Clip]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the splits, as ``data.split`` or the dataset has them; without ``val`` nothing is validated."""
        return split_names(self._dataset, self._data.split)

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of a split, as ``data.split`` or the dataset has it.

        Raises:
            ConfigError: the split does not exist, or its patterns match no clip.
            DataError: the dataset cannot be read.
        """
        if split not in self._clips:
            self._clips[split] = list(choose_clips(self._dataset, self._data.split, split))
        return self._clips[split]

    def image_size(self) -> Size:
        """Return (W, H) of whole frames as the network gets them.

        Raises:
            ConfigError: ``data.preprocess.resize`` is null and clips differ in size.
        """
        if self._data.preprocess.resize is not None:
            return self._data.preprocess.resize
        used = [split for split in ("train", "val") if split in self.names]
        sizes = sorted({clip.frames.size for split in used for clip in self.clips(split)})
        if len(sizes) > 1:
            listed = ", ".join(f"{w}x{h}" for w, h in sizes)
            raise ConfigError(f"data.preprocess.resize: null, but the clips have different sizes ({listed}). Set it.")
        return sizes[0]


class TrackingData(pl.LightningDataModule, TrainingFrames):
    """Training and validation windows of a dataset.

    Args:
        splits: the clips.
        config: the experiment.
        window: what the network is given.
        transforms: augmentations of training windows.
    """

    def __init__(
        self, splits: Splits, config: Config, window: WindowSpec, transforms: Sequence[Transform] = ()
    ) -> None:
        super().__init__()
        self.splits = splits
        self._config = config
        self._window = window
        self._row = window.in_a_row(config.data.sequence.windows)  # what a network with a state is trained on
        self._transforms = transforms
        self._streams: list[WindowStream] = []
        self._broken: set[tuple[str, int]] = set()

    def training_size(self) -> Size:
        """Return (W, H) of the frames that come out of the transforms.

        Raises:
            ConfigError: a transform does not fit the frames that it gets.
        """
        size = self._window.image_size
        for i, transform in enumerate(self._transforms):
            try:
                size = transform.output_size(size)
            except ValueError as error:
                raise ConfigError(f"data.transforms[{i}]: {error}") from error
        return size

    def prepare_data(self) -> None:
        """Build the cache of frames where ``data.cache.enabled`` asks for it.

        Lightning calls it in one process of each machine, while the others wait, before it asks for a loader.

        Raises:
            DataError: the folder of the cache cannot be used.
        """
        if self._config.data.cache.enabled:
            used = ("val",) if self.trainer is not None and not self.trainer.training else ("train", "val")
            self._frame_cache.build(
                [clip for split in used if split in self.splits.names for clip in self.splits.clips(split)]
            )

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of augmented training windows.

        Raises:
            ConfigError: ``data.sampling`` leaves nothing to draw.
        """
        data = self._config.data
        clips = self._clips_to_read("train")
        length = self._row.length
        for transform in reversed(self._transforms):
            length = transform.input_frames(length)
        rates = sampling_rates(clips, length, data.sampling)
        places = TrainingPlaces([len(clip) for clip in clips], length, data.sequence.stride, rates)
        return self._loader(clips, places, training=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of validation windows: every frame once, the windows of a clip one after the other."""
        clips = self._clips_to_read("val")
        places = EvaluationPlaces([len(clip) for clip in clips], self._window)
        return self._loader(clips, places, training=False)

    @cached_property
    def difficulty(self) -> Tensor:  # type: ignore[override]  # of the Protocol: an attribute
        """(F,) how hard the frames of the training clips proved, clip after clip, in memory that workers share."""
        known = [clip.labels.difficulty for clip in self.splits.clips("train")]
        difficulty: Tensor = torch.from_numpy(np.concatenate(known).astype(np.float32))
        return difficulty.share_memory_()  # type: ignore[no-any-return,no-untyped-call]

    def every_training_frame(self) -> DataLoader[Batch]:
        """Return a loader that counts every frame of the training clips once, in windows that no transform changed."""
        clips = self._clips_to_read("train")
        places = EvaluationPlaces([len(clip) for clip in clips], self._row)
        return self._loader(clips, places, training=False)

    def places(self, batch: Batch) -> Tensor:
        """Return (B, T), where in ``difficulty`` the frames of a training batch are."""
        lengths = torch.tensor([len(clip) for clip in self.splits.clips("train")])
        first = lengths.cumsum(0) - lengths
        return first[batch.clip.cpu()].unsqueeze(1) + batch.number.cpu()

    @cached_property
    def _frame_cache(self) -> FrameCache:
        settings = self._config.data.cache
        return FrameCache(settings.path, settings.limit_gb, self._window.image_size)

    def _clips_to_read(self, split: str) -> Sequence[Clip]:
        """Return the clips of a split, with frames out of the cache where they are kept there."""
        clips = self.splits.clips(split)
        return self._frame_cache.attach(clips) if self._config.data.cache.enabled else clips

    def _loader(
        self, clips: Sequence[Clip], places: Callable[[int, int], list[Place]], *, training: bool
    ) -> DataLoader[Batch]:
        settings: Loader = self._config.training.data_loader
        batch_size = self._config.training.batch_size
        if not training:
            # Whole frames can be many times larger than the crops of training: as many pixels per batch, no more.
            share = math.prod(self.training_size()) / math.prod(self._window.image_size)
            batch_size = max(1, min(batch_size, int(batch_size * share)))
        background = Backgrounds(self._config.data.cache.path, self._window.image_size)
        stream = WindowStream(
            clips,
            places,
            batch_size=batch_size,
            size=self._window.image_size,
            transforms=self._transforms if training else (),
            background=background if self._window.background else None,
            difficulty=self.difficulty if training else None,
            shuffle=training,
            seed=self._config.training.seed,
            skip_broken=self._config.data.skip_broken > 0,
            drop_last=settings.drop_last and training,
            workers=settings.num_workers,
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )
        self._streams.append(stream)
        if training and len(stream) == 0:
            raise ConfigError(
                f"training.data_loader.drop_last: true, but the training windows do not fill one batch of {batch_size} "
                "in every process and worker. Set it to false, or training.batch_size or num_workers lower."
                if settings.drop_last
                else f"training.devices: there are fewer training clips ({len(clips)}) than processes, and each reads "
                "clips of its own. Use fewer devices."
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
            leave_out=self._leave_out,
            **of_workers,
        )

    def clip_read_by(self, process: int) -> str | None:
        """Return the name of the clip that a process of a loader was reading; None if that is not known."""
        clips = (stream.clip_of(process) for stream in self._streams)
        return next((clip.name for clip in clips if clip is not None), None)

    def _leave_out(self, broken: Mapping[tuple[str, int], str]) -> None:
        """Tell of frames that are left out, each once.

        Raises:
            DataError: these are more than ``data.skip_broken``.
        """
        limit = self._config.data.skip_broken
        for (clip, number), fault in broken.items():
            if (clip, number) in self._broken:
                continue
            self._broken.add((clip, number))
            if len(self._broken) > limit:
                raise DataError(f"{fault} {limit} others are left out, and data.skip_broken={limit} allows no more.")
            warnings.warn(
                f"{fault} Windows with frame {number} of {clip} count nothing; {len(self._broken)} of at most {limit} "
                "frames are left out.",
                stacklevel=2,
            )

    def _epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer else 0


class _EpochLoader(DataLoader[Batch]):
    """A loader that tells its stream the epoch before it starts to read, and hears of broken frames."""

    def __init__(
        self,
        stream: WindowStream,
        *,
        epoch: Callable[[], int],
        leave_out: Callable[[Mapping[tuple[str, int], str]], None],
        **options: Any,
    ) -> None:
        super().__init__(stream, **options)
        self._stream = stream
        self._current_epoch = epoch
        self._leave_out = leave_out

    def __iter__(self) -> Any:
        # A generator, so that the epoch is asked for with the first batch: a resumed training makes the iterator
        # while it is still in the epoch before.
        self._stream.set_epoch(self._current_epoch())
        for item in self._items():
            if isinstance(item, Remark):
                self._leave_out(item.broken)
            yield item.batch if isinstance(item, Remark) else item

    def _items(self) -> Iterator[Batch | Remark]:
        try:
            for item in super().__iter__():
                if isinstance(item, UserError):
                    raise item
                yield item
        except ClipError:
            raise
        except DataError as error:
            raise DataError(f"{error} data.skip_broken=10 leaves out up to 10 such frames.") from error


def _first_epoch() -> int:
    return 0
