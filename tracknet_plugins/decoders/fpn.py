"""A pyramid of feature maps, merged from coarse to fine."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import Activation, ConvBlock, Norm, normalization
from tracknet_core.registry import decoders

Fuse = Literal["sum", "concat"]


@decoders.register("fpn")
class FPN(nn.Module):
    """Feature pyramid with one output (Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017).

    A 1x1 convolution brings each level to ``lateral_dim`` channels; from the coarsest on, the map is doubled in size
    (nearest neighbour, as in the paper), fused with the next finer level, and smoothed by a 3x3 convolution. Unlike
    the paper's, every level is normalised, and smoothed before it goes on: a heatmap needs only the finest one.

    Args:
        in_features: the backbone's maps, fine to coarse.
        lateral_dim: channels of every level, and of the map that comes out.
        fuse: add two levels, or put their channels beside each other for the 3x3 convolution to merge.
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.

    Raises:
        ValueError: the strides do not double from map to map, or a parameter is out of range.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        lateral_dim: int = 64,
        fuse: Fuse = "sum",
        norm: Norm = "gn",
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        _check_pyramid(tuple(feature.stride for feature in in_features))
        if lateral_dim < 1:
            raise ValueError(f"lateral_dim: {lateral_dim} is no number of channels. Give at least 1.")
        if fuse not in ("sum", "concat"):
            raise ValueError(f"fuse: {fuse!r} is unknown. It accepts: sum, concat.")
        self.feature = FeatureSpec(lateral_dim, in_features[0].stride)
        self.fuse = fuse
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(feature.channels, lateral_dim, 1, bias=False), normalization(norm, lateral_dim))
            for feature in in_features
        )
        fused = lateral_dim if fuse == "sum" else 2 * lateral_dim
        self.merges = nn.ModuleList(ConvBlock(fused, lateral_dim, norm=norm, act=activation) for _ in in_features[1:])

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each, fine to coarse -> (N, lateral_dim, H / s_0, W / s_0)."""
        levels = [lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)]
        merged: Tensor = levels[-1]
        for level, merge in zip(levels[-2::-1], self.merges, strict=True):
            coarser = F.interpolate(merged, scale_factor=2.0, mode="nearest")  # (N, lateral_dim, H / s, W / s)
            merged = merge(level + coarser if self.fuse == "sum" else torch.cat((level, coarser), dim=1))
        return merged


def _check_pyramid(strides: tuple[int, ...]) -> None:
    doubles = all(coarser == 2 * finer for finer, coarser in pairwise(strides))
    if len(strides) < 2 or not doubles:
        raise ValueError(
            f"fpn needs a pyramid, two or more maps whose strides double such as (4, 8, 16, 32); the backbone gives "
            f"strides {strides}. Choose a backbone with a pyramid ('convnext', 'timm'), or the decoder 'upsampling'."
        )
