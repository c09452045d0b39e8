"""One feature map, enlarged step by step."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import Activation, ConvBlock, Norm, SqueezeExcitation
from tracknet_core.registry import decoders
from tracknet_plugins.decoders.strides import stride_after

Upsample = Literal["bilinear", "nearest", "deconv", "pixel_shuffle"]


@decoders.register("upsampling")
class Upsampling(nn.Module):
    """Stages that double the size, as in SimpleBaseline and ViTPose (Xiao et al., ECCV 2018; Xu et al., NeurIPS 2022).

    It takes the coarsest feature map, together with all others of the same stride (several layers of a ViT), and
    leaves finer ones of a pyramid alone: those are for ``fpn``.

    Args:
        in_features: the backbone's maps, fine to coarse.
        channels: channels after each stage; the stride halves as many times.
        upsample: how a stage doubles the size: ``bilinear`` or ``nearest`` interpolation or ``pixel_shuffle``, each
            after a 1x1 convolution, or a transposed 4x4 convolution (``deconv``).
        blocks_per_stage: 3x3 convolutions after each doubling, each with normalisation and activation.
        norm: ``gn`` (group) or ``bn`` (batch) normalisation.
        activation: ``gelu`` or ``relu``.
        use_depthwise: depthwise separable convolutions, which need about a ninth of the work.
        use_se: squeeze-and-excitation at the end of each stage.
        se_reduction: how many times narrower its inner layer is.
        dropout: probability that a channel is dropped at the end of each stage, in training.

    Raises:
        ValueError: a parameter is out of range, or the stages go below one pixel per cell.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: tuple[int, ...] = (128, 64),
        upsample: Upsample = "bilinear",
        blocks_per_stage: int = 1,
        norm: Norm = "gn",
        activation: Activation = "gelu",
        use_depthwise: bool = False,
        use_se: bool = False,
        se_reduction: int = 4,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise ValueError(f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each stage.")
        for name, value in (("blocks_per_stage", blocks_per_stage), ("se_reduction", se_reduction)):
            if value < 1:
                raise ValueError(f"{name}: {value} is out of range. Give at least 1.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout: {dropout} is no probability. Give at least 0 and less than 1.")
        coarsest = in_features[-1].stride
        self.feature = FeatureSpec(channels[-1], stride_after(len(channels), coarsest))
        self.used = tuple(i for i, feature in enumerate(in_features) if feature.stride == coarsest)
        widths = (sum(in_features[i].channels for i in self.used), *channels)
        self.stages = nn.Sequential()
        for before, after in pairwise(widths):
            self.stages.append(_doubling(before, after, upsample))
            for _ in range(blocks_per_stage):
                self.stages.append(ConvBlock(after, after, norm=norm, act=activation, depthwise=use_depthwise))
            if use_se:
                self.stages.append(SqueezeExcitation(after, se_reduction))
            if dropout:
                self.stages.append(nn.Dropout2d(dropout))

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each -> (N, C, H / stride, W / stride)."""
        x = torch.cat([features[i] for i in self.used], dim=1)  # (N, sum of C_i, H / s, W / s)
        decoded: Tensor = self.stages(x)
        return decoded


def _doubling(before: int, after: int, upsample: Upsample) -> nn.Module:
    # The 1x1 convolution stands before the interpolation, with which it commutes, because there it costs a quarter.
    if upsample == "bilinear":
        return nn.Sequential(
            nn.Conv2d(before, after, 1), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        )
    if upsample == "nearest":
        return nn.Sequential(nn.Conv2d(before, after, 1), nn.Upsample(scale_factor=2, mode="nearest"))
    if upsample == "deconv":
        return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
    if upsample == "pixel_shuffle":
        return nn.Sequential(nn.Conv2d(before, 4 * after, 1), nn.PixelShuffle(2))
    raise ValueError(f"upsample: {upsample!r} is unknown. It accepts: bilinear, nearest, deconv, pixel_shuffle.")
