"""BallSeg's weights as WASB's authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed, skips_last, with_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.wasb_zoo import zoo_weights

LAYERS = {
    **{f"conv_sub1.*.{layer}": f"backbone.branch.*.{i}" for i, layer in enumerate(("conv", "bn"))},
    **{f"pretrained.conv1.{3 * i}": f"backbone.stem.{i}.0" for i in range(3)},
    **{f"pretrained.conv1.{3 * i + 1}": f"backbone.stem.{i}.1" for i in range(2)},
    "pretrained.bn1": "backbone.stem.2.1",
    **{
        f"pretrained.layer{level + 1}.*.{layer}{i + 1}": f"backbone.levels.{level}.*.residual.{i}.{j}"
        for level in range(4)
        for i in range(2)
        for j, layer in enumerate(("conv", "bn"))
    },
    **{f"pretrained.layer{level + 1}.*.downsample.*": f"backbone.levels.{level}.*.shortcut.*" for level in range(4)},
    **{
        f"head.{fusion}.conv_{way}.*": f"decoder.{way}.{i}.*"
        for i, fusion in enumerate(("cff_24", "cff_12"))
        for way in ("low", "high")
    },
    "head.deconv_x2": "decoder.doublings.0",
    "head.conv_cls": "head.logits.convolution",
    "head.deconv_x8": "head.logits.enlarged",
}

UNUSED = ("pretrained.fc", "head.*.conv_low_cls")
"""A classifier of ImageNet, and answers of coarser maps that nothing reads."""


@converters.register("ballseg")
class BallSeg:
    """BallSeg (Van Zandycke and De Vleeschouwer, MMSports 2019) of the model zoo of WASB (nttcom/WASB-SBDT).

    An RGB frame of 1024 x 576 pixels and its absolute difference from the one before, by mean and deviation of
    ImageNet. The difference comes first there.
    """

    experiment = "ballseg"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and what they are normalised by."""
        return (
            "model=ballseg",
            "model.backbone.statistics=imagenet",
            "data.sequence.length=2",
            "data.preprocess.resize=[1024,576]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = with_biases(zoo_weights(content), ["head.conv_cls"])
        return renamed(skips_last(weights, {"conv_sub1.0.conv": 2, "pretrained.conv1.0": 2}), LAYERS, UNUSED)
