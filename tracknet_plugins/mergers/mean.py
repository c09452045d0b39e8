"""The mean of what all windows say, each counting the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Merger
from tracknet_core.registry import mergers


@mergers.register("mean")
class Mean(Merger[Tensor]):
    """The codec's average of what all windows say, decoded once; of heatmaps, their mean probability.

    Args:
        codec: knows what a mean of logits is.
    """

    reads = "logits"

    def __init__(self, *, codec: Codec) -> None:
        self._codec = codec

    def __call__(self, answers: Sequence[Tensor], positions: Sequence[int]) -> Tensor:
        """Return the average; all windows count the same."""
        logits = torch.stack(list(answers))  # (M, *form)
        return self._codec.average(logits, logits.new_ones(len(answers)))
