"""A tracker that learns from trajectories: its windows, and how it is trained and validated.

Windows come out of the loading that all training shares. A clip has no pictures here but those of one pixel, so that
nothing is decoded, and the draws, the shares of processes and the resuming are those of any training.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tracknet_core import assembly
from tracknet_core.config import Config
from tracknet_core.contracts import (
    Batch,
    Clip,
    Cost,
    Labels,
    LearnedTracker,
    Size,
    Tracker,
    UInt8Array,
    Visibility,
    WindowSpec,
    rescale,
)
from tracknet_core.errors import ConfigError
from tracknet_core.frame_views import FrameView
from tracknet_core.training.datamodule import Splits, TrackingData
from tracknet_core.training.gaps import LONGEST, SHORTEST, HiddenGaps, gap_errors, hide
from tracknet_core.training.module import LearningModule
from tracknet_core.training.parts import learning

PIXEL: Size = (1, 1)


class TrajectoryModule(LearningModule):
    """Trains a :class:`LearnedTracker`.

    Logs ``val/gap_error``, the mean distance from the true places inside hidden gaps, and ``val/gap_median``, both in
    pixels of the original video, where a frame that is not filled counts as the height of a picture; and
    ``val/gap_filled``, the share of those that are.

    Args:
        build: gives the tracker for a clip, without its weights, from its frames per second and its size.
        hidden: the clips with gaps.
        **training: see :class:`LearningModule`.
    """

    def __init__(
        self, *, build: Callable[[float, Size], Tracker], hidden: Sequence[HiddenGaps], **training: Any
    ) -> None:
        super().__init__(**training)
        self._build = build
        self._hidden = hidden

    def cost(self, batch: Batch) -> Cost:
        """Return how wrong the tracker is about a batch."""
        points = rescale(batch.labels.points, batch.original_size[:, None, None, :])
        cost: Cost = self.model.cost(batch.labels._replace(points=points), batch.original_size)  # type: ignore[operator]
        return cost

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count a batch; what is hidden of it is the same in every epoch."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(batch_idx)
            self.log_cost("val/loss", self.val_cost, self.cost(batch))

    def on_validation_epoch_end(self) -> None:
        """Log the figures of the gaps; each process goes through all of them."""
        frames = gap_errors(self._hidden, self._as_it_is)
        height = float(self._hidden[0].clip.frames.size[1])
        errors = [height if math.isnan(frame.error) else frame.error for frame in frames]
        self.log_dict(
            {
                "val/gap_error": statistics.fmean(errors),
                "val/gap_median": statistics.median(errors),
                "val/gap_filled": statistics.fmean(not math.isnan(frame.error) for frame in frames),
            }
        )

    def _as_it_is(self, fps: float, size: Size) -> Tracker:
        tracker: Any = self._build(fps, size)
        tracker.load_state_dict(self.model.state_dict())
        return tracker.eval()  # type: ignore[no-any-return]


class OnePixel(FrameView):
    """The frames of a clip as black pixels, for those who look at its labels alone."""

    def fingerprint(self) -> None:
        """Keep nothing of it."""
        return

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield black pixels."""
        for _ in indices:
            yield np.zeros((1, 1, 3), np.uint8)


class Trajectories(Splits):
    """The splits of a dataset, whose clips have no pictures."""

    def clips(self, split: str) -> list[Clip]:
        """Return the clips of a split."""
        return [clip.replace(frames=OnePixel(clip.frames)) for clip in super().clips(split)]


def trajectory_data(config: Config) -> TrackingData:
    """Return the windows of the experiment.

    Raises:
        ConfigError: all settings that are for networks and pictures alone.
        DataError: the data cannot be read.
    """
    data, training, tracker = config.data, config.training, config.tracker["name"]
    none, null = "[]", "null"
    foreign = [
        ("data.transforms", bool(data.transforms), none),
        ("data.preprocess.resize", data.preprocess.resize is not None, null),
        ("data.cache.enabled", data.cache.enabled, "false"),
        ("data.sequence.windows", data.sequence.windows > 1, "1"),
        ("training.loss", training.loss is not None, null),
        ("training.protocols", bool(training.protocols), none),
        ("training.no_ball", training.no_ball != "empty", "empty"),
        ("training.backbone_lr_scale", training.backbone_lr_scale != 1, "1"),
    ]
    faults = [
        f"{path}: is for networks that look at pictures, and '{tracker}' learns from places. Write {path}={cure}"
        for path, is_set, cure in foreign
        if is_set
    ]
    if faults:
        raise ConfigError(faults)
    length = data.sequence.frames
    window = WindowSpec(length, tuple(range(length)), background=False, image_size=PIXEL)
    return TrackingData(Trajectories(assembly.build_dataset(data), data), config, window)


def tracker_module(config: Config, data: TrackingData) -> TrajectoryModule:
    """Return what trains the tracker of the experiment.

    Raises:
        ConfigError: the tracker refuses its parameters, or breaks its contract; or no clip to validate on has room for
            a gap.
    """

    def build(fps: float, size: Size) -> Any:
        return assembly.build_tracker(config, fps=fps, size=size)

    first = data.splits.clips("train")[0].frames
    hidden = [hide(clip) for clip in data.splits.clips("val")] if "val" in data.splits.names else []
    if hidden and not any(one.gaps for one in hidden):
        raise ConfigError(
            f"data.split: in no clip of 'val' are the places of enough frames in a row known to hide {SHORTEST} to "
            f"{LONGEST} of them. Choose clips that are longer, or leave 'val' out."
        )
    tracker = build(first.fps, first.size)
    _check_cost(tracker, config)
    return TrajectoryModule(model=tracker, build=build, hidden=hidden, **learning(config))


def _check_cost(tracker: LearnedTracker, config: Config) -> None:
    """Compare the cost of a window with the contract, once, before anything is trained."""
    length = config.data.sequence.frames
    standing = torch.full((1, length, 1, 2), 100.0)
    labels = Labels(standing, torch.full((1, length), int(Visibility.EASY)), torch.zeros(1, length))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        cost = tracker.cost(labels, torch.tensor([[640.0, 360.0]]))
    if not (isinstance(cost, Cost) and cost.total.shape == cost.count.shape == ()):
        raise ConfigError(
            f"model.tracker: '{config.tracker['name']}' gives no Cost of two scalars, a sum and a count, for its "
            "windows. Mend it, or choose another tracker."
        )
