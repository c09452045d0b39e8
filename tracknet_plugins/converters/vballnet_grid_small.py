"""Weights of VballNetGridV1c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import normalized, renamed, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.vballnet_family import family_settings

KEYS = ("state_dict", "model_state_dict")

BLOCKS = {
    "stem": "backbone.levels.0.0",
    "encoder.0": "backbone.levels.0.1",
    "encoder.2": "backbone.levels.1.0",
    "encoder.4": "backbone.levels.2.0",
    "encoder.6": "backbone.levels.3.0",
    "encoder.8": "backbone.levels.4.0",
    "encoder.9": "backbone.levels.4.1",
    "head.0": "backbone.levels.4.2",
}

LAYERS = {
    **{f"{theirs}.block.*": f"{ours}.*" for theirs, ours in BLOCKS.items()},
    "head.1": "head.logits.convolution",
}

NODES = {f"/{'/'.join([*theirs.split('.')[:-1], theirs])}/block/block.1/Conv": f"{theirs}.block.1" for theirs in BLOCKS}
"""Nodes of the exported file whose weights are two layers in one, and the first of these layers."""


@converters.register("vballnet_grid_small")
class VballNetGridSmall:
    """VballNetGridV1c of asigatchov/vball-net-pytorch, from torch or from its ONNX files.

    Such are ``VballNetGridV1c_seq9_grayscale_….onnx`` in asigatchov/fast-volleyball-tracking-inference. Grey frames of
    768 x 432 pixels at 0..1; how many, the weights say.
    """

    experiment = "vballnet_grid"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        weights = weights_in(content, *KEYS)
        return family_settings("vballnet_grid_small", weights, "stem.block.0", size=(768, 432))

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = renamed(weights_in(content, *KEYS), NODES)
        places = {f"{theirs}.block.1": f"{theirs}.block.2" for theirs in BLOCKS}
        return renamed(normalized(weights, places), LAYERS)
