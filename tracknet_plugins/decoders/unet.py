"""The coarsest feature map, enlarged step by step and joined with the finer ones."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import Activation, ConvGRU, Norm, Order, Shortcut, block_counts, conv_blocks
from tracknet_core.registry import decoders
from tracknet_plugins.decoders.strides import of_stride, stride_after

Upsample = Literal["nearest", "bilinear", "bilinear_aligned", "deconv"]


@decoders.register("unet")
class UNet(nn.Module):
    """The way up of a U-Net (Ronneberger et al., MICCAI 2015).

    Each step doubles the size of the map, puts the backbone's map of that stride beside it where there is one (the
    skip), and goes through 3x3 convolutions. It begins with the coarsest map; of maps with one stride (several layers
    of a ViT) it takes all.

    Args:
        in_features: the backbone's maps, fine to coarse.
        channels: channels after each step, coarse to fine; the stride halves as many times.
        blocks: 3x3 convolutions of each step, or one number for all.
        skips: whether finer maps of the backbone join; without them it is a plain decoder, such as TrackNet's (Huang
            et al., AVSS 2019).
        upsample: how a step doubles the size: ``nearest`` or ``bilinear`` interpolation of all channels, bilinear with
            the centres of the corner cells in place (``bilinear_aligned``), or a transposed 2x2 convolution to the
            channels of the step (``deconv``), as in the paper.
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.
        order: whether normalisation or activation comes first after a convolution.
        bias: whether a convolution that an activation follows has a bias.
        use_depthwise: depthwise separable convolutions, which need about a ninth of the work.
        residual: whether a 1x1 convolution leads around the 3x3 convolutions of each step.
        recurrent: whether a convolutional GRU adds to the coarsest map what it remembers of earlier windows: the
            network then has a state, and trains on several windows in a row (``data.sequence.windows``).

    Raises:
        ValueError: a parameter is out of range, or the steps go below one pixel per cell.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: tuple[int, ...] = (256, 128, 64),
        blocks: int | tuple[int, ...] = 2,
        skips: bool = True,
        upsample: Upsample = "bilinear",
        norm: Norm = "bn",
        activation: Activation = "relu",
        order: Order = "norm_first",
        bias: bool = True,
        use_depthwise: bool = False,
        residual: bool = False,
        recurrent: bool = False,
    ) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise ValueError(f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each step.")
        counts = block_counts(blocks, len(channels), "steps")
        coarsest = in_features[-1].stride
        self.feature = FeatureSpec(channels[-1], stride_after(len(channels), coarsest))
        self.start = of_stride(in_features, coarsest)
        self.joined = [of_stride(in_features, coarsest >> (i + 1)) if skips else () for i in range(len(channels))]
        self.doublings, self.merges = nn.ModuleList(), nn.ModuleList()
        width = sum(in_features[i].channels for i in self.start)
        self.memory = ConvGRU(width) if recurrent else None
        self.state = (FeatureSpec(width, coarsest),) if recurrent else ()
        for after, count, joined in zip(channels, counts, self.joined, strict=True):
            self.doublings.append(_doubling(width, after, upsample))
            width = after if upsample == "deconv" else width
            width += sum(in_features[i].channels for i in joined)
            merge = conv_blocks(
                width, after, count, norm=norm, act=activation, depthwise=use_depthwise, order=order, bias=bias
            )
            self.merges.append(Shortcut(merge, width, after) if residual else merge)
            width = after

    def forward(self, features: list[Tensor], *state: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, C_i, H / s_i, W / s_i) each, fine to coarse, and the state -> (N, C, H / stride, W / stride), and it."""
        x = torch.cat([features[i] for i in self.start], dim=1)  # (N, sum of C_i, H / s, W / s)
        if self.memory is None:
            return self._enlarged(x, features)
        remembered = self.memory(x, *state)
        return self._enlarged(x + remembered, features), remembered

    def _enlarged(self, x: Tensor, features: list[Tensor]) -> Tensor:
        for doubling, merge, joined in zip(self.doublings, self.merges, self.joined, strict=True):
            x = merge(torch.cat([doubling(x), *(features[i] for i in joined)], dim=1))
        return x


def _doubling(before: int, after: int, upsample: Upsample) -> nn.Module:
    if upsample == "nearest":
        return nn.Upsample(scale_factor=2, mode="nearest")
    if upsample in ("bilinear", "bilinear_aligned"):
        return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=upsample == "bilinear_aligned")
    if upsample == "deconv":
        return nn.ConvTranspose2d(before, after, 2, stride=2)
    raise ValueError(f"upsample: {upsample!r} is unknown. It accepts: {', '.join(get_args(Upsample))}.")
