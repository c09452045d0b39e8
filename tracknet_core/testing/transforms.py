"""Augmentations, of windows and of batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tracknet_core.contracts import (
    HEATMAP,
    BatchTransform,
    Form,
    Labels,
    Size,
    Target,
    Transform,
    Visibility,
    Window,
    plain_labels,
)
from tracknet_core.testing.require import require, require_shape, require_visible_inside, values_of


def check_transform(
    component: Transform,
    *,
    size: Size = (96, 64),
    draws: int = 8,
    tolerance: float | None = 1.0,
    alike: bool = True,
) -> None:
    """Check an augmentation on windows of which three frames come out, each black with a white spot for a ball.

    Windows come without and with a background picture, on which there is no spot.

    Args:
        component: the augmentation.
        size: (W, H) pixels of the frames to try.
        draws: how many random draws to try.
        tolerance: pixels of the frame that ``xy`` of an EASY ball may be off the spot; None leaves that out.
        alike: whether all pictures change in the same way; False for what is added to, or hidden in, single frames.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    width, height = component.output_size(size)
    length = component.input_frames(3)
    for seed in range(draws):
        for pictures in (length, length + 1):
            window = _window(size, length, pictures, seed)
            kept = _copied(window)
            changed = component(window, np.random.default_rng(seed))
            require(_same_window(window, kept), "the transform changed the window that it got")
            require(changed.frames.dtype == np.uint8, f"frames are uint8, got {changed.frames.dtype}")
            require_shape("the frames", changed.frames, (3 + pictures - length, height, width, 3))
            require_shape("points", changed.labels.points, (3, 1, 2))
            require_shape("visibility", changed.visibility, (3,))
            again = component(_copied(window), np.random.default_rng(seed))
            require(_same_window(changed, again), "the same window and the same draw give another result")
            require_visible_inside(changed.xy, changed.visibility, (width, height))
            require(
                bool(np.isnan(changed.xy[changed.visibility == Visibility.ABSENT]).all()),
                "a frame is ABSENT, but xy has a place for it; that is NaN",
            )
            if tolerance is not None:
                _require_spots(changed, tolerance)
            if alike:
                still = component(_still(window), np.random.default_rng(seed)).frames
                require(
                    bool((still == still[:1]).all()),
                    "pictures of a window that are equal, frames or background, become unequal: one draw is for all",
                )
            unknown = component(_unlabelled(window), np.random.default_rng(seed)).visibility
            require(bool((unknown == Visibility.UNLABELLED).all()), "a frame that is UNLABELLED gets a label")


def check_batch_transform(
    component: BatchTransform, *, shape: tuple[int, int, int, int] = (4, 3, 9, 16), form: Form = HEATMAP
) -> None:
    """Check an augmentation across the windows of a batch, without and with a background picture.

    Args:
        component: the augmentation.
        shape: (B, K, h, w) of the cells of the targets; frames are of twice that size.
        form: of the targets.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    require(form.fits(component.forms), f"the transform says that it takes {component.forms}, and is tried with {form}")
    batch, targets, h, w = shape
    for pictures in (targets, targets + 1):
        generator = torch.Generator().manual_seed(pictures)
        frames = torch.randint(256, (batch, pictures, 3, 2 * h, 2 * w), generator=generator, dtype=torch.uint8)
        weight = torch.ones(batch, targets)
        weight[0, 0] = 0
        target = Target(values_of(form, shape), weight, torch.ones(batch, targets, dtype=torch.bool))
        given = (frames, *target)
        kept = [tensor.clone() for tensor in given]
        mixed = _mixed(component, frames, target)
        for name, before, after in zip(("frames", *Target._fields), given, mixed, strict=True):
            require_shape(f"the {name} that come out", after, tuple(before.shape))
            require(after.dtype == before.dtype, f"the {name} stay {before.dtype}, got {after.dtype}")
        require(all(map(torch.equal, given, kept)), "the transform changed the tensors that it got")
        require(
            all(map(torch.equal, mixed, _mixed(component, frames, target))),
            "the same seed of torch gives another result",
        )
        require(bool(mixed[1].isfinite().all()), "the target is not finite")
        require(bool((mixed[2] >= 0).all()), "a weight is negative")
        unweighted = _mixed(component, frames, target._replace(weight=torch.zeros_like(weight)))[2]
        require(not unweighted.any(), "frames with weight 0 come to count in the loss")


def _require_spots(window: Window, tolerance: float) -> None:
    for frame, xy, code in zip(window.frames, window.xy, window.visibility, strict=False):  # less the background
        height, width = frame.shape[:2]
        margin = 4  # a spot at the border is cut, and its centre another
        if code != Visibility.EASY or not (margin <= xy[0] < width - margin and margin <= xy[1] < height - margin):
            continue
        light = frame.astype(np.float64).sum(axis=2)
        light = np.clip(light - (light.min() + light.max()) / 2, 0, None)
        rows, columns = np.mgrid[:height, :width]
        total = max(light.sum(), 1e-9)
        spot = np.array([(light * columns).sum() / total, (light * rows).sum() / total])
        error = float(np.linalg.norm(spot - xy))
        require(error <= tolerance, f"xy says {xy.tolist()}, but the spot went to {spot.tolist()}: {error:.2f} px off")


def _window(size: Size, frames: int, pictures: int, seed: int) -> Window:
    width, height = size
    rng = np.random.default_rng(100 + seed)
    xy = rng.integers((8, 8), (width - 8, height - 8), size=(frames, 2))
    drawn = np.zeros((pictures, height, width, 3), dtype=np.uint8)
    for frame, (x, y) in zip(drawn, xy, strict=False):  # a background has no spot
        frame[y - 1 : y + 2, x - 1 : x + 2] = 255
    return Window(drawn, plain_labels(xy.astype(np.float32), np.full(frames, int(Visibility.EASY), dtype=np.int64)))


def _still(window: Window) -> Window:
    frames = np.repeat(window.frames[:1], len(window.frames), axis=0)
    return window.replace(frames, points=np.repeat(window.labels.points[:1], len(window), axis=0))


def _unlabelled(window: Window) -> Window:
    nowhere = np.full_like(window.labels.points, np.nan)
    unlabelled = np.full_like(window.visibility, int(Visibility.UNLABELLED))
    return window.replace(window.frames, points=nowhere, visibility=unlabelled)


def _mixed(component: BatchTransform, frames: Tensor, target: Target) -> tuple[Tensor, ...]:
    """Return frames, values, weight and has_ball as they come out."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mixed, target = component.mix(frames, target)
    return mixed, *target


def _copied(window: Window) -> Window:
    return Window(window.frames.copy(), Labels(*(part.copy() for part in window.labels)))


def _same_window(one: Window, other: Window) -> bool:
    return (
        np.array_equal(one.frames, other.frames)
        and np.array_equal(one.xy, other.xy, equal_nan=True)
        and np.array_equal(one.visibility, other.visibility)
    )
