"""Readers of data sets, and the clips that they give."""

from __future__ import annotations

import pickle

import numpy as np

from tracknet_core.contracts import Clip, Dataset, FrameSource, Visibility
from tracknet_core.testing.require import require, require_shape, require_visible_inside


def check_dataset(component: Dataset, split: str) -> None:
    """Check a reader, on files that exist.

    Reads the first clip's frames, and of the others only their labels.

    Args:
        component: the reader.
        split: the split to read.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    splits = component.splits
    require(
        isinstance(splits, tuple) and split in splits,
        f"splits is a tuple of names with '{split}' among them, got {splits!r}",
    )
    clips = component.clips(split)
    names = [clip.name for clip in clips]
    require(len(clips) > 0, f"the split '{split}' has no clips")
    require(len(set(names)) == len(names), "the names of clips are unique in a split")
    require([clip.name for clip in component.clips(split)] == names, "clips come in the same order every time")
    for clip in clips:
        _require_labels(clip)
    _require_frames(clips[0])


def _require_labels(clip: Clip) -> None:
    require(isinstance(clip.frames, FrameSource), f"the frames of clip '{clip.name}' inherit from FrameSource")
    count = len(clip.frames)
    require(count > 0, f"clip '{clip.name}' has no frames")
    require_shape(f"xy of clip '{clip.name}'", clip.xy, (count, 2))
    require_shape(f"visibility of clip '{clip.name}'", clip.visibility, (count,))
    codes = {int(code) for code in Visibility}
    unknown = {*clip.visibility.tolist()} - codes
    require(not unknown, f"clip '{clip.name}' has the codes {unknown}, and {sorted(codes)} are known")
    require(clip.frames.fps > 0, f"clip '{clip.name}' has {clip.frames.fps} frames per second")
    require_visible_inside(clip.xy, clip.visibility, clip.frames.size, f"clip '{clip.name}': ")


def _require_frames(clip: Clip) -> None:
    source = clip.frames
    indices = sorted({0, len(source) // 2, len(source) - 1})
    times = source.times
    require(
        len(times) == len(source) and times[0] == 0 and sorted(times) == list(times),
        f"times are those of {len(source)} frames, ascending from 0, got {times}",
    )
    width, height = source.size
    frames = list(source.read(indices))
    require(len(frames) == len(indices), f"read gave {len(frames)} frames for {len(indices)} indices")
    for frame in frames:
        require_shape(f"a frame of clip '{clip.name}'", frame, (height, width, 3))
        require(frame.dtype == np.uint8, f"frames are uint8, got {frame.dtype}")
    small = next(iter(source.read(indices[-1:], (width // 2, height // 2))))
    require_shape("a frame that was asked for at half the size", small, (height // 2, width // 2, 3))
    # Sources travel to the processes of the loader.
    copied = next(iter(pickle.loads(pickle.dumps(source)).read(indices[-1:])))
    require(np.array_equal(copied, frames[-1]), "a pickled source gives another frame; or the order of reading matters")
