"""Weights of VballNetV2, of its version for torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.vballnet_family import family_settings
from tracknet_plugins.converters.vballnet_v1 import BLOCKS, KEYS, attention_renamed

LAYERS = {
    **{
        f"{theirs}.{layer}": f"{ours}.{i}"
        for theirs, ours in BLOCKS.items()
        for i, layer in enumerate(("depthwise", "pointwise", "bn"))
    },
    "spatial_attention.conv": "backbone.attention.convolution",
    "out_conv": "head.logits.convolution",
}


@converters.register("vballnet_v2")
class VballNetV2:
    """VballNetV2 of asigatchov/vball-net-pytorch; the ONNX files called V2 are of Keras, and have no place here.

    Grey frames of 512 x 288 pixels at 0..1; how many, the weights say.
    """

    experiment = "vballnet_v2"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        return family_settings("vballnet_v2", weights_in(content, *KEYS), "out_conv")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return attention_renamed(renamed(weights_in(content, *KEYS), LAYERS))
