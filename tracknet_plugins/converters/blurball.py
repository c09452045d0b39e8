"""Weights of the network of BlurBall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.published import renamed
from tracknet_core.registry import converters
from tracknet_plugins.converters.hrnet_layers import LAYERS, UNUSED
from tracknet_plugins.converters.wasb_zoo import zoo_settings, zoo_weights


@converters.register("blurball")
class BlurBall:
    """BlurBall (Gossard et al., CVPR Workshops 2026), whose code is WASB's with squeeze-and-excitation.

    Three RGB frames of 512 x 288 pixels, by mean and deviation of ImageNet. A tenth of the published weights serves
    maps that nothing reads from; they are left out.
    """

    experiment = "blurball"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and what they are normalised by."""
        return zoo_settings("blurball")

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return renamed(zoo_weights(content), LAYERS, UNUSED)
