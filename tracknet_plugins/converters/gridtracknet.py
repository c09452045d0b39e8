"""GridTrackNet's weights, of its port to torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, shape_of, weights_in, without_biases
from tracknet_core.registry import converters

KEYS = ("state_dict", "model_state_dict")

POSITIONS = [(0, 1), (3, 4), (6, 7), (9, 10, 11), (13, 14, 15)]
"""Of the convolutions of each level among the published layers; the others are poolings."""

LAYERS = {
    **{
        f"features.{position}.{layer}": f"backbone.levels.{level}.{i}.{j}"
        for level, positions in enumerate(POSITIONS)
        for i, position in enumerate(positions)
        for j, layer in enumerate(("conv", "bn"))
    },
    "head": "head.logits.convolution",
}


@converters.register("gridtracknet")
class GridTrackNet:
    """GridTrackNet (Korpelshoek, 2023), as VballNetGridV1a of asigatchov/vball-net-pytorch: normalised before ReLU.

    Five RGB frames of 768 x 432 pixels at 0..1. The weights of VKorpelshoek/GridTrackNet itself, of Keras, have no
    place here: their normalisation goes by the columns of the picture, and not by channels.
    """

    experiment = "gridtracknet"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and the order of layers."""
        channels = shape_of(weights_in(content, *KEYS), "features.0.conv.weight")[1]
        return (
            "model=gridtracknet",
            "model.backbone.order=norm_first",
            f"data.sequence.length={channels // 3}",
            "data.preprocess.resize=[768,432]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = without_biases(weights_in(content, *KEYS), {"features.*.conv": "features.*.bn"})
        return renamed(weights, LAYERS)
