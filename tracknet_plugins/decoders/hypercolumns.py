"""All feature maps in one size, side by side."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Decoder, FeatureSpec
from tracknet_core.layers import Activation, Norm, Order, conv_blocks
from tracknet_core.registry import decoders

Upsample = Literal["nearest", "bilinear", "deconv"]


@decoders.register("hypercolumns")
class Hypercolumns(nn.Module, Decoder):
    """What every level knows of a cell (Hariharan et al., "Hypercolumns for Object Segmentation", CVPR 2015).

    Each map is brought to the size of the finest one; all are put beside each other and go through 3x3 convolutions. By
    default it is that of DeepBall (Komorowski et al., VISAPP 2019) as WASB's code has it.

    Args:
        in_features: the backbone's maps, fine to coarse; their strides are multiples of the finest.
        channels: of the map that comes out; None for as many as all maps have together.
        blocks: 3x3 convolutions of all maps together; 0 leaves them as they are, side by side.
        upsample: how a map gets its size: ``nearest`` or ``bilinear`` interpolation, or a transposed convolution whose
            stride and side are the number of times it grows (``deconv``).
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.
        order: whether normalisation or activation comes first after a convolution.

    Raises:
        ValueError: a parameter is out of range, or a stride is no multiple of the finest.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: int | None = None,
        blocks: int = 1,
        upsample: Upsample = "deconv",
        norm: Norm = "bn",
        activation: Activation = "relu",
        order: Order = "norm_first",
    ) -> None:
        super().__init__()
        finest = in_features[0].stride
        strides = tuple(feature.stride for feature in in_features)
        if any(stride % finest for stride in strides):
            raise ValueError(
                "hypercolumns needs maps that grow to the finest by whole numbers; the backbone gives strides "
                f"{strides}. Choose a backbone whose strides are multiples of the first, such as 'vgg'."
            )
        together = sum(feature.channels for feature in in_features)
        if blocks < 0:
            raise ValueError(f"blocks: {blocks} is no number of convolutions. Give at least 0.")
        width = together if channels is None else channels
        if width < 1:
            raise ValueError(f"channels: {width} is no number of channels. Give at least 1.")
        if not blocks and width != together:
            raise ValueError(f"channels: without convolutions {together} channels come out, not {width}. Give null.")
        self.feature = FeatureSpec(width, finest)
        self.enlarge = nn.ModuleList(_enlarge(f.channels, f.stride // finest, upsample) for f in in_features)
        self.merge = conv_blocks(together, width, blocks, norm=norm, act=activation, order=order)

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each, fine to coarse -> (N, C, H / s_0, W / s_0)."""
        maps = [enlarge(feature) for enlarge, feature in zip(self.enlarge, features, strict=True)]
        merged: Tensor = self.merge(torch.cat(maps, dim=1))
        return merged


def _enlarge(channels: int, times: int, upsample: Upsample) -> nn.Module:
    if upsample not in ("nearest", "bilinear", "deconv"):
        raise ValueError(f"upsample: {upsample!r} is unknown. It accepts: nearest, bilinear, deconv.")
    if times == 1:
        return nn.Identity()
    if upsample == "deconv":
        return nn.ConvTranspose2d(channels, channels, times, stride=times)
    return nn.Upsample(scale_factor=times, mode=upsample, align_corners=False if upsample == "bilinear" else None)
