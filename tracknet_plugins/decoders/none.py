"""No decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.registry import decoders


@decoders.register("none")
class NoDecoder(nn.Module):
    """The coarsest feature map as it is; of several with one stride all, beside each other.

    For answers on a coarse grid, such as GridTrackNet's.

    Args:
        in_features: the backbone's maps, fine to coarse.
    """

    def __init__(self, *, in_features: tuple[FeatureSpec, ...]) -> None:
        super().__init__()
        stride = in_features[-1].stride
        self.used = tuple(i for i, feature in enumerate(in_features) if feature.stride == stride)
        self.feature = FeatureSpec(sum(in_features[i].channels for i in self.used), stride)

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each -> (N, C, H / stride, W / stride)."""
        return torch.cat([features[i] for i in self.used], dim=1)
