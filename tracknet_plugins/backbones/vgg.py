"""A plain convolutional encoder."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import (
    Activation,
    ConvBlock,
    Norm,
    Order,
    Shortcut,
    SpatialAttention,
    block_counts,
    conv_blocks,
)
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization


@backbones.register("vgg")
class VGG(nn.Module):
    """3x3 convolutions, with a 2x2 max pooling between levels (Simonyan and Zisserman, ICLR 2015), from random weights.

    Level i has the stride 2^i; every level gives its map, before it is pooled. By default it is the encoder of
    TrackNet (Huang et al., AVSS 2019): the first ten convolutions of VGG16, each with ReLU and batch normalisation.
    DeepBall (Komorowski et al., VISAPP 2019) begins with 7x7 cells and a stride of 2, and takes its maps pooled.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        channels: channels of each level, fine to coarse.
        blocks: convolutions of each level, or one number for all.
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.
        order: whether normalisation or activation comes first after a convolution.
        bias: whether a convolution that an activation follows has a bias.
        use_depthwise: depthwise separable convolutions, which need about a ninth of the work.
        residual: whether a way leads around the convolutions of each level, as in MonoTrack (Liu and Wang, CVPRW 2022):
            a 1x1 convolution, but in the first level, where it leads around all convolutions but the first.
        stem_kernel: side in pixels of the very first convolution, odd.
        stem_channels: channels of the very first convolution; null for those of its level.
        stem_stride: pixels per cell of the finest level: the stride of the very first convolution.
        spatial_attention: whether the cells of the coarsest map are weighed by the mean and the maximum of their
            channels (Woo et al., "CBAM", ECCV 2018).
        pooled: whether a level gives its map after it is pooled, with twice the stride; the last one is pooled, too.
        statistics: what frames are brought to: 0..1 (``plain``), mean and deviation of ImageNet (``imagenet``), or the
            same with the numbers of red for blue and the other way round (``imagenet_bgr``).

    Raises:
        ValueError: a parameter is out of range, or the image is not a whole number of the coarsest cells.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        image_size: tuple[int, int],
        channels: tuple[int, ...] = (64, 128, 256, 512),
        blocks: int | tuple[int, ...] = (2, 2, 3, 3),
        norm: Norm = "bn",
        activation: Activation = "relu",
        order: Order = "activation_first",
        bias: bool = True,
        use_depthwise: bool = False,
        residual: bool = False,
        stem_kernel: int = 3,
        stem_channels: int | None = None,
        stem_stride: int = 1,
        spatial_attention: bool = False,
        pooled: bool = False,
        statistics: Statistics = "plain",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        if not channels or min(channels) < 1:
            raise ValueError(f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each level.")
        counts = block_counts(blocks, len(channels), "levels")
        if stem_kernel < 1 or stem_kernel % 2 == 0:
            raise ValueError(f"stem_kernel: {stem_kernel} has no middle. Give an odd number, such as 3 or 7.")
        if stem_channels is not None and (stem_channels < 1 or counts[0] < 2):
            raise ValueError(
                f"stem_channels: {stem_channels} takes at least 1 channel, and a first level of two convolutions or "
                "more. Give more blocks, or null."
            )
        if stem_stride < 1:
            raise ValueError(f"stem_stride: {stem_stride} is no number of pixels per cell. Give at least 1.")
        finest = stem_stride * (2 if pooled else 1)
        self.features = tuple(FeatureSpec(width, finest * 2**i) for i, width in enumerate(channels))
        check_size(image_size, self.features[-1].stride)
        self.levels = nn.ModuleList()
        for (before, after), count in zip(pairwise((in_channels, *channels)), counts, strict=True):
            is_first = not len(self.levels)
            width = stem_channels or after if is_first else after  # of the first convolution
            stem = ConvBlock(
                before,
                width,
                norm=norm,
                act=activation,
                depthwise=use_depthwise,
                order=order,
                kernel=stem_kernel if is_first else 3,
                stride=stem_stride if is_first else 1,
                bias=bias,
            )
            others = conv_blocks(
                width, after, count - 1, norm=norm, act=activation, depthwise=use_depthwise, order=order, bias=bias
            )
            level = nn.Sequential(stem, *others)
            self.levels.append(Shortcut(level, None if is_first else before, after) if residual else level)
        self.attention = SpatialAttention() if spatial_attention else None
        self.pool = nn.MaxPool2d(2)
        self.pooled = pooled

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per level, fine to coarse."""
        maps: list[Tensor] = []
        for level in self.levels:
            x = self.pool(level(x)) if self.pooled else level(self.pool(x) if maps else x)
            maps.append(x)
        return maps if self.attention is None else [*maps[:-1], self.attention(maps[-1])]
