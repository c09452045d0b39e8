"""Windows of a clip, each frame decoded once, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tracknet_core.contracts import (
    ArrayLabels,
    Batch,
    Clip,
    FloatArray,
    FrameSource,
    IntArray,
    Labels,
    Size,
    UInt8Array,
    Visibility,
    Window,
    rescale,
)
from tracknet_core.frame_views import ReadableFrames
from tracknet_core.loading.windows import Place

Pictures = UInt8Array | Sequence[UInt8Array]
"""The P pictures of a window, T frames and maybe a background: an array (P, H, W, 3), or single ones (H, W, 3) that
other windows share; nobody may write to them."""


@dataclass(frozen=True)
class Sample:
    """A window as it leaves the transforms, and where it came from.

    Attributes:
        pictures: T frames and maybe a background.
        labels: (T,) in pixels of the pictures; UNLABELLED where the window does not report a frame.
        clip: index of the clip in its split.
        counted: (T,) bool; frames that this window reports.
        number: (T,) frame numbers as read, from the first on; transforms may have taken others of those read.
        original_points: (T, Q, 2) in pixels of the original video, of the frames ``number``.
        original_size: width and height of the original video.
        broken: what is wrong with frames of the window that could not be read, by number; it counts nothing then.
    """

    pictures: Pictures
    labels: ArrayLabels
    clip: int
    counted: np.ndarray[Any, np.dtype[np.bool_]]
    number: IntArray
    original_points: FloatArray
    original_size: Size
    broken: Mapping[int, str]


def read_windows(
    clip: Clip,
    places: Sequence[Place],
    size: Size,
    *,
    background: UInt8Array | None = None,
    augment: Callable[[Window], Window] | None = None,
) -> Iterator[Sample]:
    """Yield windows of a clip, read forwards; a frame that several of them share is decoded once.

    Args:
        clip: the clip; a window with a frame that its :class:`ReadableFrames` could not read counts nothing.
        places: where the windows lie, ascending.
        size: (W, H) that frames are scaled to.
        background: (H, W, 3), added to every window as the last picture; None adds none.
        augment: changes each window; None leaves them as they are.

    Raises:
        DataError: a frame cannot be read.
    """
    original_size = clip.frames.size
    scale = np.asarray(size, dtype=np.float32) / np.asarray(original_size, dtype=np.float32)
    faults = clip.frames.broken if isinstance(clip.frames, ReadableFrames) else {}
    for place, pictures in zip(places, _pictures(clip.frames, places, size), strict=True):
        broken = {int(number): faults[int(number)] for number in place.numbers if int(number) in faults}
        pictures = pictures if background is None else [*pictures, background]
        counted = np.zeros_like(place.counted) if broken else place.counted
        labels = clip.labels.at(place.numbers)
        labels = labels._replace(
            points=rescale(labels.points, scale).astype(np.float32),
            visibility=np.where(counted, labels.visibility, Visibility.UNLABELLED),
        )
        if augment is not None:
            window = augment(Window(_as_array(pictures), labels))
            pictures, labels = window.frames, window.labels
            # Transforms may change the order of frames: that one is not to be counted is then in its visibility.
            counted = np.ones(len(window), dtype=np.bool_)
        read = place.numbers[: len(labels.visibility)]
        yield Sample(pictures, labels, place.clip, counted, read, clip.labels.points[read], original_size, broken)


def collate(samples: Sequence[Sample]) -> Batch:
    """Return a batch; the frames keep the memory of a video, channels last."""
    pictures = samples[0].pictures
    frames = np.empty((len(samples), len(pictures), *pictures[0].shape), dtype=np.uint8)  # (B, P, H, W, 3)
    for row, sample in zip(frames, samples, strict=True):
        for place, picture in zip(row, sample.pictures, strict=True):
            place[:] = picture  # the only copy of a frame that no transform changed
    return Batch(
        frames=torch.from_numpy(frames).permute(0, 1, 4, 2, 3),
        labels=_stacked([sample.labels for sample in samples]),
        counted=torch.from_numpy(np.stack([sample.counted for sample in samples])),
        original_points=_stacked_points([sample.original_points for sample in samples]),
        original_size=torch.tensor([sample.original_size for sample in samples], dtype=torch.float32),
        clip=torch.tensor([sample.clip for sample in samples]),
        number=torch.from_numpy(np.stack([sample.number for sample in samples])),
    )


def _stacked(labels: Sequence[ArrayLabels]) -> Labels[Tensor]:
    """Return the labels of a batch."""
    parts = ([one.visibility for one in labels], [one.difficulty for one in labels])
    return Labels(
        _stacked_points([one.points for one in labels]), *(torch.from_numpy(np.stack(part)) for part in parts)
    )


def _stacked_points(parts: Sequence[FloatArray]) -> Tensor:
    """Return points (T, Q, 2) as those of a batch; a plain ball beside streaks is one whose ends are in one place."""
    most = max(points.shape[1] for points in parts)
    return torch.from_numpy(np.stack([np.broadcast_to(points, (len(points), most, 2)) for points in parts]))


def _pictures(frames: FrameSource, places: Sequence[Place], size: Size) -> Iterator[Pictures]:
    """Yield the T pictures of each place: a part of the whole if the frames lie ready, else decoded, each once.

    Args:
        frames: of the clip.
        places: ascending.
        size: (W, H) to deliver.
    """
    kept = frames.kept(size)
    if kept is not None:
        for place in places:
            first, last = int(place.numbers[0]), int(place.numbers[-1])
            is_run = last - first + 1 == len(place.numbers)  # not so where a short clip repeats frames
            yield kept[first : last + 1] if is_run else kept[place.numbers]
        return
    needed = np.unique([i for place in places for i in place.numbers]).tolist()
    decoded = zip(needed, frames.read(needed, size), strict=True)
    held: dict[int, UInt8Array] = {}
    for place in places:
        while place.numbers[-1] not in held:
            i, frame = next(decoded)
            held[i] = frame
        held = {i: frame for i, frame in held.items() if i >= place.numbers[0]}
        yield [held[int(i)] for i in place.numbers]


def _as_array(pictures: Pictures) -> UInt8Array:
    """Return pictures as one array (P, H, W, 3), without a copy if they are one already."""
    return pictures if isinstance(pictures, np.ndarray) else np.stack(pictures)
