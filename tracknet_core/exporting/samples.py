"""Windows that a network and its copy are compared on, and that 8 bits are calibrated with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tracknet_core import assembly
from tracknet_core.background import Backgrounds
from tracknet_core.config import Config, DataConfig, load_data
from tracknet_core.contracts import Clip, WindowSpec
from tracknet_core.errors import ConfigError, UserError
from tracknet_core.loading.batches import Sample, collate, read_windows
from tracknet_core.loading.windows import EvaluationPlaces
from tracknet_core.model import BallTracker
from tracknet_core.splits import choose_clips, split_names

CHECKED_WINDOWS = 16
"""To compare on; a large network takes a second for each, twice."""

CALIBRATION_WINDOWS = 64
"""To find the ranges of 8 bits on; beyond some dozens they hardly change."""

IN_A_ROW = 4
"""Of these, where a network carries a state along them."""

CLIPS = 8
"""That windows come from, at most: opening a clip can take longer than reading a few windows of it."""


class _Windows(NamedTuple):
    """(N, S, P, 3, H, W), N times S windows in a row, and the split that they are of."""

    rows: Tensor
    split: str


def find_samples(
    config: Config,
    model: BallTracker,
    data: str | None,
    overrides: Sequence[str],
    *,
    int8: bool,
    tell: Callable[[str], object],
) -> tuple[Tensor, Tensor]:
    """Return windows (N, S, P, 3, H, W) to compare on, and those to calibrate with, or an example.

    N times S windows in a row: more than one for a network that carries a state along them.

    Where the data of the checkpoint cannot be read, and nobody named others, drawn ones do for a comparison.

    Args:
        config: the experiment of the checkpoint.
        model: its network.
        data: name of another section ``data``.
        overrides: settings of the data.
        int8: whether there is something to calibrate.
        tell: is called with what a person should know of the data.

    Raises:
        ConfigError: all faults of the section; or data to calibrate on that cannot be read.
        UserError: the data cannot be read, and somebody asked for it.
    """
    chosen = load_data(config, overrides, data)
    chosen = replace(chosen, sequence=config.data.sequence, preprocess=config.data.preprocess)
    try:
        checked = _read(chosen, model, ("val", "test", "train"), CHECKED_WINDOWS)
        if not int8:
            return checked.rows, checked.rows
        calibration = _read(chosen, model, ("train", "val", "test"), CALIBRATION_WINDOWS)
    except UserError as error:
        if data is not None or overrides:
            raise
        if int8:
            raise ConfigError(
                f"--int8: calibrates on the data of the checkpoint, and they cannot be read: {error}\nName others: "
                "--data NAME data.root=/path/to/data"
            ) from error
        tell(f"the data of the checkpoint cannot be read, so synthetic frames are compared: {error}")
        rows = _cut(model, _drawn(_row(model), CHECKED_WINDOWS // _in_a_row(model)))
        return rows, rows
    if calibration.split == checked.split:
        tell(f"calibrated and compared on the same clips: there is no other split than '{checked.split}'")
    return checked.rows, calibration.rows


def _read(data: DataConfig, model: BallTracker, splits: Sequence[str], count: int) -> _Windows:
    """Return up to ``count`` windows, evenly along clips of the first of the splits that there is.

    Raises:
        UserError: the data cannot be read.
    """
    dataset = assembly.build_dataset(data)
    names = split_names(dataset, data.split)
    split = next((name for name in (*splits, *names) if name in names), splits[0])
    all_clips = choose_clips(dataset, data.split, split)
    clips: list[Clip] = [all_clips[i] for i in _evenly(len(all_clips), CLIPS)]
    places = EvaluationPlaces([len(clip) for clip in clips], _row(model))
    rows = -(-count // _in_a_row(model))
    size = model.window.image_size
    background_of = Backgrounds(data.cache.path, size)
    read: list[Sample] = []
    for number, clip in enumerate(clips):
        of_clip = places(number, 0)
        chosen = [of_clip[i] for i in _evenly(len(of_clip), -(-rows // len(clips)))]
        background = background_of(clip) if model.window.background else None
        read += read_windows(clip, chosen, size, background=background)
    return _Windows(_cut(model, collate(read[:rows]).frames), split)


def _in_a_row(model: BallTracker) -> int:
    return IN_A_ROW if model.decoder.state else 1


def _row(model: BallTracker) -> WindowSpec:
    """Return windows in a row as one."""
    return model.window.in_a_row(_in_a_row(model))


def _cut(model: BallTracker, frames: Tensor) -> Tensor:
    """Cut rows, (N, pictures, 3, H, W), into windows: (N, S, P, 3, H, W)."""
    return torch.stack(list(model.windows(frames)), dim=1)


def _evenly(length: int, count: int) -> list[int]:
    """Return up to ``count`` places of a list of ``length``, evenly along it."""
    chosen = min(length, count)
    return [(2 * i + 1) * length // (2 * chosen) for i in range(chosen)]


def _drawn(window: WindowSpec, count: int) -> Tensor:
    """Return windows (count, P, 3, H, W) of random textures, over each of which a small bright ball flies.

    The same at every call.

    Args:
        window: what the network is given.
        count: how many.
    """
    width, height = window.image_size
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 9, 16, generator=draw)
    texture = functional.interpolate(coarse, (height, width), mode="bilinear")  # (count, 3, H, W), 0..1
    begin, end = torch.rand(2, count, 1, 2, generator=draw) * torch.tensor((width, height))  # (count, 1, 2) each
    xy = torch.lerp(begin, end, torch.linspace(0, 1, window.length).unsqueeze(-1))  # (count, T, 2)
    x, y = torch.arange(width), torch.arange(height).unsqueeze(-1)
    squared = (x - xy[..., :1, None]) ** 2 + (y - xy[..., 1:, None]) ** 2  # (count, T, H, W)
    ball = torch.exp(-squared / (height / 100) ** 2).unsqueeze(2)  # (count, T, 1, H, W)
    still = 0.6 * texture.unsqueeze(1)  # (count, 1, 3, H, W); the rest of the range is the ball's
    pictures = [still + ball * (1 - still), *([still] if window.background else [])]
    return (255 * torch.cat(pictures, dim=1)).to(torch.uint8)
