"""Weights of TrackNetV3's gap filler, as its authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, weights_in
from tracknet_core.registry import converters

LAYERS = {
    **{f"down_{i + 1}.conv": f"network.down.{i}.0" for i in range(3)},
    **{f"buttleneck.conv_{i + 1}.conv": f"network.bottleneck.{i}.0" for i in range(2)},
    **{f"up_{i + 1}.conv": f"network.up.{i}.0" for i in range(3)},
    "predictor": "network.last",
}


@converters.register("inpaintnet")
class InpaintNet:
    """TrackNetV3's rectification module (Chen and Wang, MMAsia 2023; qaz812345/TrackNetV3), as a tracker.

    It is given places as shares of the picture, which begin in the middle of the first pixel there and at its corner
    here: half a pixel, in and out.
    """

    experiment = "inpaint"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return windows and training as they are published."""
        return (
            "model=inpaint",
            "model.tracker.mask=independent",
            "model.tracker.noise=0.0",
            "model.tracker.loss=squared",
            "model.tracker.residual=false",
            "data.sequence.length=16",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return renamed(weights_in(content, "model"), LAYERS)
