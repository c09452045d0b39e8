"""DeepBall's weights as WASB's authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, shape_of, without_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.wasb_zoo import zoo_weights

LAYERS = {
    **{
        f"conv{level + 1}.module.conv{i + 1}.conv.*": f"backbone.levels.{level}.{i}.*"
        for level in range(3)
        for i in range(2)
    },
    "upsample2": "decoder.enlarge.1",
    "upsample3": "decoder.enlarge.2",
    "conv4_1.module.conv1.conv.*": "decoder.merge.0.*",
    "conv4_2": "head.logits.convolution",
}


@converters.register("deepball")
class DeepBall:
    """DeepBall (Komorowski et al., VISAPP 2019) and DeepBall-Large of the model zoo of WASB (nttcom/WASB-SBDT).

    Single RGB frames of 1280 x 720 pixels, by mean and deviation of ImageNet.
    """

    experiment = "deepball"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, widths and what frames are normalised by."""
        weights = zoo_weights(content)
        widths = [shape_of(weights, f"conv{level}.module.conv1.conv.0.weight")[0] for level in (1, 2, 3)]
        return (
            "model=deepball",
            f"model.backbone.channels={widths}",
            "model.backbone.statistics=imagenet",
            "data.sequence.length=1",
            "data.preprocess.resize=[1280,720]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = zoo_weights(content)
        return renamed(without_biases(weights, {"*.module.*.conv.0": "*.module.*.conv.1"}), LAYERS)
