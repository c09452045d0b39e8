"""Weights of VballNetGridV1b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import normalized, renamed, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.gridtracknet import KEYS, POSITIONS
from tracknet_plugins.converters.vballnet_family import family_settings

PARTS = {"dsconv.depthwise": 0, "dsconv.pointwise": 1, "bn": 2}

LAYERS = {
    **{
        f"features.{position}.{layer}": f"backbone.levels.{level}.{i}.{j}"
        for level, positions in enumerate(POSITIONS)
        for i, position in enumerate(positions)
        for layer, j in PARTS.items()
    },
    "head.0": "head.logits.convolution",
}


@converters.register("vballnet_grid")
class VballNetGrid:
    """VballNetGridV1b of asigatchov/vball-net-pytorch, from torch or as its authors export it to ONNX.

    Grey frames of 768 x 432 pixels at 0..1; how many, the weights say.
    """

    experiment = "vballnet_grid"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        weights = weights_in(content, *KEYS)
        return family_settings("vballnet_grid", weights, "features.0.dsconv.depthwise", size=(768, 432))

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = normalized(weights_in(content, *KEYS), {"features.*.dsconv.pointwise": "features.*.bn"})
        return renamed(weights, LAYERS)
