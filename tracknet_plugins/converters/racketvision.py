"""Weights of RacketVision's ball tracker, as its authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.errors import CheckpointError
from tracknet_core.published import renamed, shape_of, weights_in
from tracknet_core.registry import converters
from tracknet_plugins.converters.tracknetv3 import LAYERS

FIRST, LAST = "down_block_1.conv_1.conv.weight", "predictor"


@converters.register("racketvision")
class RacketVision:
    """The ball tracker of RacketVision (OrcustD/RacketVision, 2025): TrackNetV3, of whose maps the last alone is read.

    Frames of 512 x 288 pixels at 0..1, and the median; there blue comes before green and red, so that the inputs of the
    first convolution are turned round picture by picture. Files of mmengine hold its own objects beside the weights:
    save the state dict of one alone.
    """

    experiment = "racketvision"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size and frames."""
        frames = shape_of(weights_in(content, "state_dict"), FIRST)[1] // 3 - 1
        return ("model=racketvision", f"data.sequence.length={frames}", "data.preprocess.resize=[512,288]")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = weights_in(content, "state_dict")
        if FIRST in weights:
            if weights[FIRST].dim() != 4 or weights[FIRST].shape[1] % 3:
                raise CheckpointError(
                    f"{FIRST} is {tuple(weights[FIRST].shape)}, and takes no pictures of three colours."
                )
            weights[FIRST] = _colours_turned(weights[FIRST])
        for leaf in ("weight", "bias"):
            name = f"{LAST}.{leaf}"
            if name in weights:
                weights[name] = weights[name][-1:]
        return renamed(weights, LAYERS)


def _colours_turned(weight: Tensor) -> Tensor:
    """(C, 3 * P, k, k) -> the same with the colours of each picture the other way round."""
    after, channels, *kernel = weight.shape
    return weight.reshape(after, channels // 3, 3, *kernel).flip(2).reshape(weight.shape)
