"""Convolutions along time, over the frames of a window.

Letters: B windows, C channels, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TemporalUNet(nn.Module):
    """One-dimensional convolutions with the skip connections of a U-Net, all of one length: no frame is pooled away.

    The network of TrackNetV3's InpaintNet (https://doi.org/10.1145/3595916.3626370) with 3 channels in, 2 out, and the
    default sizes: 520,610 parameters. A frame is seen from ``(kernel - 1) / 2`` frames per convolution to each side.

    Args:
        in_channels: numbers per frame that go in.
        out_channels: numbers per frame that come out.
        channels: of the convolutions on the way down; the way up mirrors them.
        bottleneck: channels of the two convolutions between the ways.
        kernel: frames that a convolution spans, an odd number.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, channels: Sequence[int], bottleneck: int, kernel: int
    ) -> None:
        super().__init__()
        sizes = [in_channels, *channels]
        self.down = nn.ModuleList(
            _convolution(before, after, kernel) for before, after in zip(sizes, channels, strict=False)
        )
        self.bottleneck = nn.Sequential(
            _convolution(sizes[-1], bottleneck, kernel), _convolution(bottleneck, bottleneck, kernel)
        )
        below = [bottleneck, *channels[:0:-1]]
        self.up = nn.ModuleList(
            _convolution(before + after, after, kernel) for before, after in zip(below, channels[::-1], strict=True)
        )
        self.last = nn.Conv1d(channels[0], out_channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, T) -> (B, out_channels, T)."""
        skipped: list[Tensor] = []
        for convolution in self.down:
            x = convolution(x)
            skipped.append(x)
        x = self.bottleneck(x)
        for convolution in self.up:
            x = convolution(torch.cat([x, skipped.pop()], dim=1))
        result: Tensor = self.last(x)
        return result


def _convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Module:
    return nn.Sequential(nn.Conv1d(in_channels, out_channels, kernel, padding=kernel // 2), nn.LeakyReLU(0.01))
