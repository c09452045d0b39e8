"""ResTrackNetV2's weights as WASB's authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, without_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.wasb_zoo import zoo_settings, zoo_weights

BLOCKS = {
    **{f"down{level + 1}.convs.block{i}": f"backbone.levels.{level}.{i}" for level in range(4) for i in range(4)},
    **{f"up{step + 1}.conv0": f"decoder.doublings.{step}" for step in range(3)},
    **{f"up{step + 1}.convs.block{i}": f"decoder.merges.{step}.{i}" for step in range(3) for i in range(3)},
    "up4": "decoder.finish.0",
}
"""Residual blocks; the way around begins with a pooling there wherever it is not empty, and here where it pools."""

HALVED = {f"down{level + 1}.convs.block0" for level in range(4)}
DOUBLED = {"up1.conv0", "up2.conv0", "up3.conv0", "up4"}

LAYERS = {
    **{f"inc.conv{i + 1}.{layer}": f"backbone.stem.{i}.0.{layer}" for i in range(2) for layer in (0, 1)},
    **{
        f"{theirs}.conv1.{layer}": f"{ours}.blocks.{layer}"
        for theirs, ours in BLOCKS.items()
        for layer in (0, 2, 3, 5, 6, 8)
    },
    **{
        f"{theirs}.conv0.{layer}": f"{ours}.around.{layer if theirs in HALVED | DOUBLED else layer - 1}"
        for theirs, ours in BLOCKS.items()
        for layer in (1, 2)
    },
    **{f"outc.convs.{3 * i + layer}": f"decoder.finish.{i + 1}.0.{layer}" for i in range(2) for layer in (0, 1)},
    "outc.convs.6": "head.logits.convolution",
}

NORMALIZATIONS = {
    "inc.*.0": "inc.*.1",
    **{
        f"{block}.{theirs}": f"{block}.{after}"
        for block in BLOCKS
        for theirs, after in (("conv0.1", "conv0.2"), ("conv1.2", "conv1.3"), ("conv1.5", "conv1.6"))
    },
    "outc.convs.0": "outc.convs.1",
    "outc.convs.3": "outc.convs.4",
}


@converters.register("restracknetv2")
class ResTrackNetV2:
    """ResTrackNetV2 of the model zoo of WASB (nttcom/WASB-SBDT).

    Three RGB frames of 512 x 288 pixels, by mean and deviation of ImageNet.
    """

    experiment = "restracknetv2"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and what they are normalised by."""
        return zoo_settings("restracknetv2")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return renamed(without_biases(zoo_weights(content), NORMALIZATIONS), LAYERS)
