"""TrackNetV2's weights as WASB's authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, skips_last
from tracknet_core.registry import converters
from tracknet_plugins.converters.wasb_zoo import zoo_settings, zoo_weights

BLOCKS = {
    "inc": "backbone.levels.0",
    "down*.maxpool_conv.1": "backbone.levels.*",
    "up1.conv": "decoder.merges.0",
    "up2.conv": "decoder.merges.1",
    "up3.conv": "decoder.merges.2",
}

LAYERS = {
    # Each convolution has a ReLU and a normalisation after it.
    **{
        f"{theirs}.*_conv.{3 * i + j}": f"{ours}.{i}.{j}"
        for theirs, ours in BLOCKS.items()
        for i in range(3)
        for j in (0, 2)
    },
    "outc.conv": "head.logits.convolution",
}


@converters.register("tracknetv2")
class TrackNetV2:
    """TrackNetV2 (Sun et al., ICPAI 2020) of the model zoo of WASB (nttcom/WASB-SBDT), trained for each of five sports.

    Three RGB frames of 512 x 288 pixels, by mean and deviation of ImageNet. The way up takes the skip first there.
    """

    experiment = "tracknetv2"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and what they are normalised by."""
        return zoo_settings("tracknetv2")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = zoo_weights(content)
        return renamed(skips_last(weights, {"up*.conv.*_conv.0": 3}), LAYERS)
