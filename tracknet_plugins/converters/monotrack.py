"""MonoTrack's weights as WASB's authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, skips_last, without_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.wasb_zoo import zoo_settings, zoo_weights

LAYERS = {
    "inc.conv1.*": "backbone.levels.0.blocks.0.*",
    "inc.conv2.*": "backbone.levels.0.blocks.1.*",
    "down*.maxpool_conv.1.conv0": "backbone.levels.*.around",
    "down*.maxpool_conv.1.convs.conv*": "backbone.levels.*.blocks.*.0",
    "down*.maxpool_conv.1.convs.bn*": "backbone.levels.*.blocks.*.1",
    **{
        theirs: ours
        for step in range(3)
        for theirs, ours in (
            (f"up{step + 1}.up", f"decoder.doublings.{step}"),
            (f"up{step + 1}.conv.conv0", f"decoder.merges.{step}.around"),
            (f"up{step + 1}.conv.convs.conv*", f"decoder.merges.{step}.blocks.*.0"),
            (f"up{step + 1}.conv.convs.bn*", f"decoder.merges.{step}.blocks.*.1"),
        )
    },
    "outc.conv": "head.logits.convolution",
}

NORMALIZATIONS = {
    "inc.*.0": "inc.*.1",
    "*.maxpool_conv.1.convs.conv*": "*.maxpool_conv.1.convs.bn*",
    "*.conv.convs.conv*": "*.conv.convs.bn*",
}


@converters.register("monotrack")
class MonoTrack:
    """MonoTrack (Liu and Wang, CVPR Workshops 2022) of the model zoo of WASB (nttcom/WASB-SBDT).

    Three RGB frames of 512 x 288 pixels, by mean and deviation of ImageNet. The way up takes the skip first there.
    """

    experiment = "monotrack"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and what they are normalised by."""
        return zoo_settings("monotrack")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = without_biases(zoo_weights(content), NORMALIZATIONS)
        return renamed(skips_last(weights, {"up*.conv.conv0": 2, "up*.conv.convs.conv0": 2}), LAYERS)
