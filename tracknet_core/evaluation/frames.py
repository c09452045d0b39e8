"""The frames of clips as protocols take them: a batch of windows of one frame each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tracknet_core.contracts import Detections
from tracknet_core.evaluation.results import ClipResult


class Frames(NamedTuple):
    """Frames as a batch of N windows of one frame.

    Attributes:
        points: (N, 1, 1, Q, 2) predicted points in pixels of the original video.
        score: (N, 1, 1).
        present: (N, 1, 1) bool.
        true_points: (N, 1, Q, 2).
        visibility: (N, 1).
        counted: (N, 1) bool.
        size: (N, 2) width and height of the original video.
    """

    points: Tensor
    score: Tensor
    present: Tensor
    true_points: Tensor
    visibility: Tensor
    counted: Tensor
    size: Tensor

    @classmethod
    def of(cls, clip: ClipResult) -> Frames:
        """Return the frames of a clip; a ball without a score is the surest."""
        frames = len(clip)
        return cls(
            points=torch.from_numpy(np.nan_to_num(clip.prediction.points)).view(frames, 1, 1, -1, 2),
            score=torch.from_numpy(np.nan_to_num(clip.prediction.score, nan=np.inf)).view(frames, 1, 1),
            present=torch.from_numpy(clip.prediction.present).view(frames, 1, 1),
            true_points=torch.from_numpy(clip.points).view(frames, 1, -1, 2),
            visibility=torch.from_numpy(clip.visibility).view(frames, 1),
            counted=torch.ones(frames, 1, dtype=torch.bool),
            size=torch.tensor([clip.size], dtype=torch.float32).expand(frames, 2),
        )

    @classmethod
    def together(cls, clips: Sequence[Frames]) -> Frames:
        """Return the frames of all clips; a plain ball beside streaks is one whose ends are in one place."""
        points, true_points = (
            _widened(parts) for parts in ([clip.points for clip in clips], [clip.true_points for clip in clips])
        )
        clips = [
            clip._replace(points=one, true_points=other)
            for clip, one, other in zip(clips, points, true_points, strict=True)
        ]
        return cls(*(torch.cat(parts) for parts in zip(*clips, strict=True)))

    def only(self, counted: Tensor) -> Frames:
        """Return the same frames, of which others count."""
        return self._replace(counted=counted)

    def at(self, frames: Tensor) -> Frames:
        """Return the frames of (M,) indices, which may repeat."""
        return Frames(*(part[frames] for part in self))

    @property
    def as_batch(self) -> tuple[Any, ...]:
        """What a protocol is given of them."""
        found = Detections(self.points, self.score, self.present)
        return found, self.true_points, self.visibility, self.counted, self.size


def _widened(parts: Sequence[Tensor]) -> list[Tensor]:
    """Return points (…, Q, 2) with the most points that a ball has in any of the parts."""
    most = max(part.shape[-2] for part in parts)
    return [part.expand(*part.shape[:-2], most, 2) for part in parts]
