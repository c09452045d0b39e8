"""What a person gives as a video in Python: a path, arrays, frames that come one after the other, or a source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tracknet_core.contracts import Array, FrameSource, LiveSource
from tracknet_core.errors import DataError
from tracknet_core.tracking.jobs import check_fps, find_sources
from tracknet_core.video import ArrayFrames, PassingFrames

Video = str | Path | Array | Iterable[Array] | FrameSource | LiveSource
"""A video, a folder of images, the URL of a stream or the device of a camera; frames (T, H, W, 3) uint8, RGB; or frames
(H, W, 3) that come one after the other; or a source of frames, such as those of the clips of a data set."""


def source_of(video: Video, fps: float) -> tuple[str, FrameSource | LiveSource]:
    """Return how messages call a video, and its frames.

    Args:
        video: what a person gives.
        fps: frames per second of what does not say it: folders of images, and arrays.

    Raises:
        ConfigError: there is no such rate.
        DataError: there is no such video, or more than one.
    """
    check_fps(fps)
    if isinstance(video, str | Path):
        found = find_sources([str(video)], fps=fps)
        if len(found) > 1:
            names = ", ".join(name for name, _ in found[:3])
            raise DataError(f"{video}: {len(found)} videos ({names}, …). Give one; a loop goes through several.")
        return found[0]
    if isinstance(video, np.ndarray):
        return "frames", ArrayFrames(video, fps=fps)
    if isinstance(video, FrameSource) or getattr(video, "is_live", False):
        return type(video).__name__, video  # type: ignore[return-value]
    if not isinstance(video, Iterable):
        raise DataError(
            f"{type(video).__name__} is no video. Give a path, an array (T, H, W, 3) of uint8, or frames (H, W, 3) one "
            "after the other."
        )
    return "frames", PassingFrames(video, fps=fps)
