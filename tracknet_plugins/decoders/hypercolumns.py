"""All feature maps in one size, side by side."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Decoder, FeatureSpec
from tracknet_core.layers import Activation, ConvBlock, Norm, Order, conv_blocks
from tracknet_core.registry import decoders

Upsample = Literal["nearest", "bilinear", "bilinear_aligned", "deconv"]


@decoders.register("hypercolumns")
class Hypercolumns(nn.Module, Decoder):
    """What every level knows of a cell (Hariharan et al., "Hypercolumns for Object Segmentation", CVPR 2015).

    Each map is brought to the size of the finest one; all are put beside each other and go through 3x3 convolutions. By
    default it is that of DeepBall (Komorowski et al., VISAPP 2019) as WASB's code has it. Where time is an axis of its
    own, each frame goes through this by itself, and channels are those of a frame.

    Args:
        in_features: the backbone's maps, fine to coarse; their strides are multiples of the finest.
        channels: of the map that comes out; None for as many as all maps have together.
        blocks: convolutions of all maps together; 0 leaves them as they are, side by side.
        kernel: their side in cells, odd.
        reduce: channels that a 1x1 convolution makes of each map first; None leaves it as it is.
        upsample: how a map gets its size: ``nearest`` or ``bilinear`` interpolation, the latter also with the centres
            of the corner cells in place (``bilinear_aligned``), or a transposed convolution whose stride and side are
            the number of times it grows (``deconv``).
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.
        order: whether normalisation or activation comes first after a convolution.

    Raises:
        ValueError: a parameter is out of range, a stride is no multiple of the finest, or maps have different frames.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: int | None = None,
        blocks: int = 1,
        kernel: int = 3,
        reduce: int | None = None,
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
        self.frames = in_features[0].frames
        if any(feature.frames != self.frames for feature in in_features):
            raise ValueError(
                "hypercolumns needs as many frames in each map; the backbone gives maps of "
                f"{', '.join(str(feature.frames) for feature in in_features)}. Choose another decoder: 'unet3d'."
            )
        if blocks < 0:
            raise ValueError(f"blocks: {blocks} is no number of convolutions. Give at least 0.")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel: {kernel} has no middle. Give an odd number, such as 1 or 3.")
        if reduce is not None and reduce < 1:
            raise ValueError(f"reduce: {reduce} is no number of channels. Give at least 1, or null.")
        own = [feature.channels // self.frames for feature in in_features]
        widths = own if reduce is None else [reduce] * len(own)
        together = sum(widths)
        width = together if channels is None else channels
        if width < 1:
            raise ValueError(f"channels: {width} is no number of channels. Give at least 1.")
        if not blocks and width != together:
            raise ValueError(f"channels: without convolutions {together} channels come out, not {width}. Give null.")
        self.feature = FeatureSpec(width * self.frames, finest, self.frames)
        self.reduce = nn.ModuleList(
            nn.Identity()
            if reduce is None
            else ConvBlock(before, reduce, norm=norm, act=activation, order=order, kernel=1)
            for before in own
        )
        self.enlarge = nn.ModuleList(
            _enlarge(width, stride // finest, upsample) for width, stride in zip(widths, strides, strict=True)
        )
        self.merge = conv_blocks(together, width, blocks, norm=norm, act=activation, order=order, kernel=kernel)

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, frames * C_i, H / s_i, W / s_i) each, fine to coarse -> (N, frames * C, H / s_0, W / s_0)."""
        maps = [
            enlarge(reduce(feature.reshape(-1, feature.shape[1] // self.frames, *feature.shape[2:])))
            for reduce, enlarge, feature in zip(self.reduce, self.enlarge, features, strict=True)
        ]  # (N * frames, C_i, H / s_0, W / s_0) each
        merged: Tensor = self.merge(torch.cat(maps, dim=1))
        return merged.reshape(-1, merged.shape[1] * self.frames, *merged.shape[2:])


def _enlarge(channels: int, times: int, upsample: Upsample) -> nn.Module:
    accepted = get_args(Upsample)
    if upsample not in accepted:
        raise ValueError(f"upsample: {upsample!r} is unknown. It accepts: {', '.join(accepted)}.")
    if times == 1:
        return nn.Identity()
    if upsample == "deconv":
        return nn.ConvTranspose2d(channels, channels, times, stride=times)
    if upsample == "nearest":
        return nn.Upsample(scale_factor=times, mode="nearest")
    return nn.Upsample(scale_factor=times, mode="bilinear", align_corners=upsample == "bilinear_aligned")
