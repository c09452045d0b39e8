"""Weights of VballNetV1, of its version for torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import Weights, renamed, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.vballnet_family import family_settings

KEYS = ("state_dict", "model_state_dict")

BLOCKS = {
    "enc1": "backbone.levels.0.0",
    "enc1_1": "backbone.levels.0.1",
    "enc2": "backbone.levels.1.0",
    "enc3": "backbone.levels.2.0",
    "dec1": "decoder.merges.0.0",
    "dec2": "decoder.merges.1.0",
}
LAYERS = {**{f"{theirs}.*": f"{ours}.*" for theirs, ours in BLOCKS.items()}, "out_conv": "head.logits.convolution"}

ATTENTION = {
    "motion_prompt.a": "head.motion.normalization.slope",
    "motion_prompt.b": "head.motion.normalization.threshold",
}


def attention_renamed(weights: Weights) -> Weights:
    """Return weights in which both numbers of the motion prompt have the names that they have here."""
    return {ATTENTION.get(name, name): value for name, value in weights.items()}


@converters.register("vballnet_v1")
class VballNetV1:
    """VballNetV1a of asigatchov/vball-net-pytorch; the ONNX files called V1 are of Keras, and have no place here.

    Grey frames of 512 x 288 pixels at 0..1; how many, the weights say.
    """

    experiment = "vballnet_v1"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        return family_settings("vballnet_v1", weights_in(content, *KEYS), "out_conv")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return attention_renamed(renamed(weights_in(content, *KEYS), LAYERS))
