"""TOTNet's weights, as its authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import Weights, renamed, shape_of, weights_in, without_biases
from tracknet_core.registry import converters

FIRST, LAST = "block1.conv_layers.0.block.0.weight", "temp_reduce.block.0.weight"

KERNELS = {"block1": 3, "block2": 2, "block3": 2, "bottle_neck": 1, "block5": 2, "block6": 2, "block7": 3}
"""Cells along a side of the convolutions of each part; before those of an even number there is a border here."""

PARTS = {
    **{
        f"{theirs}.{layers}_layers.{number}": f"backbone.{ours}.{level}.{i}"
        for level, (theirs, last) in enumerate((("block1", 0), ("block2", 1), ("block3", 1), ("bottle_neck", 1)))
        for layers, ours, numbers in (("conv", "space", range(3)), ("temp", "time", [last]))
        for i, number in enumerate(numbers)
    },
    **{
        f"block{step + 5}.{layers}_layers.{i}": f"decoder.{ours}.{step}.{i}"
        for step in range(3)
        for layers, ours in (("conv", "space"), ("temp", "time"))
        for i in range(2)
    },
}

LAYERS = {
    **{
        f"{theirs}.block.{layer}": f"{ours}.{layer + (KERNELS[theirs.partition('.')[0]] % 2 == 0)}"
        for theirs, ours in PARTS.items()
        for layer in (0, 1)
    },
    "temp_reduce.block.0": "head.map",
    "temp_reduce.block.1": "head.after.0",
}

UNUSED = [f"{part}.temp_layers.0.block.*" for part in ("block2", "block3", "bottle_neck")]
"""The first of two convolutions over time, whose answer the second one, on the same map, takes the place of."""


@converters.register("totnet")
class TOTNet:
    """TOTNet (Xu et al., 2025; AugustRushG/TOTNet), of any width.

    Five frames of 512 x 288 pixels, by mean and deviation of ImageNet; there blue comes before green and red, with the
    numbers that are meant for red, green and blue, so that the inputs of the first convolution are turned round.
    Convolutions within frames are 2-D there, and 3-D over one frame here. Later versions of the code end in one softmax
    over the whole picture; its highest cell is where both sides have theirs here.
    """

    experiment = "totnet"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames, widths and what frames are normalised by."""
        weights = weights_in(content, "state_dict")
        width, frames = shape_of(weights, FIRST)[0], shape_of(weights, LAST)[2]
        return (
            "model=totnet",
            f"model.backbone.channels={[width * 2**level for level in range(4)]}",
            "model.backbone.statistics=imagenet_bgr",
            f"data.sequence.length={frames}",
            "data.preprocess.resize=[512,288]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = without_biases(
            weights_in(content, "state_dict"), {"*.*.*.block.0": "*.*.*.block.1", "*.block.0": "*.block.1"}
        )
        return renamed(_shaped(weights), LAYERS, UNUSED)


def _shaped(weights: Weights) -> Weights:
    """Return weights in the shapes that they have here."""
    shaped = dict(weights)
    if FIRST in weights:
        shaped[FIRST] = weights[FIRST].flip(1)
    if LAST in weights:
        shaped[LAST] = weights[LAST].transpose(1, 2).flatten(1, 2).squeeze(-1).unsqueeze(-1)
    for name, value in shaped.items():
        if ".conv_layers." in name and name.endswith(".block.0.weight"):
            shaped[name] = value.unsqueeze(2)  # (C_out, C_in, k, k) -> (C_out, C_in, 1, k, k)
    return shaped
