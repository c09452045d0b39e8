"""Weights of VballNetFastV1, of its ONNX files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import Weights, renamed, scale_and_shift, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.vballnet_family import family_settings

NETWORK = "VballNetFastV1_1"
"""What every name begins with."""

BLOCKS = {
    **{f"down_block_{level + 1}": f"backbone.levels.{level}.0" for level in range(3)},
    "bottleneck": "backbone.levels.3.0",
    **{f"up_block_{step + 1}": f"decoder.merges.{step}.0" for step in range(3)},
}

LAYERS = {
    **{f"{NETWORK}/{theirs}_sepconv_1/separable_conv2d/depthwise": f"{ours}.0" for theirs, ours in BLOCKS.items()},
    **{f"{NETWORK}/{theirs}_sepconv_1/separable_conv2d": f"{ours}.1" for theirs, ours in BLOCKS.items()},
    f"{NETWORK}/predictor_1/convolution": "head.logits.convolution",
}

BIAS = f"{NETWORK}/predictor_1/add.1"


@converters.register("vballnet_fast")
class VballNetFast:
    """``VballNetFastV1_….onnx`` of asigatchov/fast-volleyball-tracking-inference, exported from Keras.

    Grey frames of 512 x 288 pixels at 0..1; how many, the weights say. Files that answer for fewer frames than they are
    given have no place here.
    """

    experiment = "vballnet_fast"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        first = f"{NETWORK}/down_block_1_sepconv_1/separable_conv2d/depthwise"
        return family_settings("vballnet_fast", weights_in(content), first)

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = _with_normalizations(weights_in(content))
        return renamed(weights, LAYERS, ["Resize__*"])


def _with_normalizations(weights: Weights) -> Weights:
    """Return weights in which factor and summand after a convolution are a normalisation, and the last ones a bias."""
    changed = dict(weights)
    for theirs, ours in BLOCKS.items():
        factor, summand = (f"{NETWORK}/{theirs}_bn_1/batchnorm/{node}.1" for node in ("mul_1", "add_1"))
        if factor in changed and summand in changed:
            changed.update(scale_and_shift(f"{ours}.2", changed.pop(factor).flatten(), changed.pop(summand).flatten()))
    if BIAS in changed:
        changed["head.logits.convolution.bias"] = changed.pop(BIAS).flatten()
    return changed
