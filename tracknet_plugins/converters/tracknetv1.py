"""TrackNet's weights as yastrebksv/TrackNet publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, weights_in
from tracknet_core.registry import converters

BLOCKS = [
    *(f"backbone.levels.{level}.{i}" for level, count in enumerate((2, 2, 3, 3)) for i in range(count)),
    *(f"decoder.merges.{step}.{i}" for step, count in enumerate((3, 2, 2)) for i in range(count)),
]

FIRST = "conv1.block.0.weight"

LAYERS = {
    **{f"conv{number}.block.*": f"{ours}.*" for number, ours in enumerate(BLOCKS, start=1)},
    "conv18.block.0": "head.logits.convolution",
    "conv18.block.2": "head.logits.normalization",
}


@converters.register("tracknetv1")
class TrackNetV1:
    """TrackNet (Huang et al., AVSS 2019) as reimplemented in yastrebksv/TrackNet, trained on tennis.

    Three frames of 640 x 360 pixels at 0..1; there the last one comes first, and blue before green and red, so that the
    inputs of the first convolution are turned round.
    """

    experiment = "tracknetv1"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames, and that the 256 levels are normalised."""
        return (
            "model=tracknetv1",
            "model.head.normalize=true",
            "data.sequence.length=3",
            "data.preprocess.resize=[640,360]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = weights_in(content)
        if FIRST in weights:
            weights[FIRST] = weights[FIRST].flip(1)
        return renamed(weights, LAYERS)
