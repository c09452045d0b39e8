"""Backbone ``tiny_conv``: two strided convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec, Normalization
from tracknet_core.registry import backbones


@backbones.register("tiny_conv")
class TinyConv(nn.Module):
    """The smallest backbone that is one: feature maps at strides 4 and 8.

    Args:
        in_channels: channels of a network sample; supplied by tracknet.
        width: channels of the finer map; the coarser has twice as many.

    Raises:
        ValueError: ``width`` is not positive.
    """

    def __init__(self, *, in_channels: int, width: int = 16) -> None:
        if width < 1:
            raise ValueError(f"width: {width} is too small. It accepts: 1 or more.")
        super().__init__()
        self.features = (FeatureSpec(channels=width, stride=4), FeatureSpec(channels=2 * width, stride=8))
        self.normalization = Normalization(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
        self.fine = nn.Conv2d(in_channels, width, kernel_size=7, stride=4, padding=3)
        self.coarse = nn.Conv2d(width, 2 * width, kernel_size=3, stride=2, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> (N, width, H / 4, W / 4) and (N, 2 * width, H / 8, W / 8)."""
        fine = self.fine(x).relu()
        return [fine, self.coarse(fine).relu()]
