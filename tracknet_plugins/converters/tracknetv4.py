"""TrackNetV4's weights as the authors of TrackNetV5 train it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, weights_in, with_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.tracknetv5_code import LAYERS

ATTENTION = {"backbone.motion.a": "slope", "backbone.motion.b": "threshold"}
"""What is learned of the attention; its names have no layer of their own."""

LUMA = "backbone.motion.gray_scale"
"""The weights of colours in a grey picture, which are the same here and no part of a file."""


@converters.register("tracknetv4")
class TrackNetV4:
    """TrackNetV4 (Raj et al., ICASSP 2025) of codelancera-offical/TracknetV5, in torch.

    Three RGB frames of 512 x 288 pixels at 0..1. Which of the two fusions a network was trained with does not stand in
    its file: it is type A, unless ``model.head.fusion=both`` is set. Files of the paper's own code are Keras', whose
    normalisation goes by the columns of the picture, and have no place.
    """

    experiment = "tracknetv4"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames, and what differs from the paper's own code."""
        return (
            "model=tracknetv4",
            "model.backbone.bias=false",
            "model.decoder.bias=false",
            "model.decoder.upsample=bilinear_aligned",
            "model.head.margin=1.0e-6",
            "model.head.scale=1.0",
            "data.sequence.length=3",
            "data.preprocess.resize=[512,288]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        published = {name: value for name, value in weights_in(content).items() if name != LUMA}
        weights = renamed(with_biases(published, ["head.conv"]), {**LAYERS, "head.conv": "head.logits.convolution"})
        return {
            f"head.motion.normalization.{ATTENTION[name]}" if name in ATTENTION else name: value
            for name, value in weights.items()
        }
