"""Logits from the decoder's map and from the frames themselves."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from tracknet_core.contracts import HEATMAP, FeatureSpec, Form, Head, Size
from tracknet_core.registry import heads
from tracknet_plugins.heads.logits import Logits


@heads.register("detail")
class Detail(nn.Module, Head):
    """The detail branch of ViTMatte (Yao et al., Information Fusion 2024) for backbones with a coarse stride.

    A patch of a ViT knows that a ball is in it before it knows where. Strided 3x3 convolutions look at the frames and
    at the signed differences of consecutive ones, halving the size until they have the stride of the decoder's map;
    a 3x3 convolution merges both, and a 1x1 convolution gives the logits.

    Args:
        in_feature: the decoder's map; its stride is a power of 2.
        maps: target frames per network sample.
        form: what each of them gets: any map.
        frames: frames per network sample.
        channels: channels of the detail branch at its end, and of the merged map.
        prior: probability of a ball in a cell at the start, between 0 and 1.

    Raises:
        ValueError: a parameter is out of range, or the stride is not a power of 2.
    """

    forms = ("map",)

    def __init__(
        self,
        *,
        in_feature: FeatureSpec,
        maps: int,
        frames: int,
        form: Form = HEATMAP,
        channels: int = 32,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels: {channels} is no number of channels. Give at least 1.")
        halvings = int(math.log2(in_feature.stride))
        if 2**halvings != in_feature.stride:
            raise ValueError(
                f"the decoder's map has a stride of {in_feature.stride}, and the detail branch halves the frames step "
                "by step: it takes strides of 1, 2, 4, 8, …. Choose another decoder, or the head 'heatmap'."
            )
        self.frames = frames
        widths = [3 * (2 * frames - 1), *(max(8, channels >> (halvings - i)) for i in range(1, halvings + 1))]
        self.details = nn.Sequential()
        for before, after in pairwise(widths):
            self.details.append(_convolution(before, after, stride=2))
        self.merge = _convolution(in_feature.channels + widths[-1], channels, stride=1)
        self.logits = Logits(channels, maps, form, prior)

    def forward(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor:
        """Return logits.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, T, 3, H, W), the normalised frames.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, maps, *form).
        """
        own = frames.reshape(feature.shape[0], self.frames, *frames.shape[2:])  # (N, frames of a sample, 3, H, W)
        seen = torch.cat((own, own.diff(dim=1)), dim=1).flatten(1, 2)  # (N, 3 * (2 * frames - 1), H, W)
        merged = self.merge(torch.cat((feature, self.details(seen)), dim=1))  # (N, channels, H / stride, W / stride)
        logits: Tensor = self.logits(merged, size)
        return logits


def _convolution(before: int, after: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.GroupNorm(1, after), nn.GELU()
    )
