"""The mean of what all windows say, those that see the frame in their middle counting most."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Merger
from tracknet_core.registry import mergers


@mergers.register("triangular")
class Triangular(Merger[Tensor]):
    """The codec's average with the weight min(i + 1, K - i) at place i of the K targets, as in TrackNetV3.

    The farther a frame is from the ends of its window, the more the window counts (Chen and Wang, "TrackNetV3:
    Enhancing ShuttleCock Tracking with Augmentations and Trajectory Rectification", ACM Multimedia Asia 2023).

    Args:
        targets: K, frames that a window reports.
        codec: knows what a mean of logits is.
    """

    reads = "logits"

    def __init__(self, *, targets: int, codec: Codec) -> None:
        self._targets = targets
        self._codec = codec

    def __call__(self, answers: Sequence[Tensor], positions: Sequence[int]) -> Tensor:
        """Return the weighted average."""
        logits = torch.stack(list(answers))  # (M, *form)
        weights = [min(position + 1, self._targets - position) for position in positions]
        return self._codec.average(logits, logits.new_tensor(weights))
