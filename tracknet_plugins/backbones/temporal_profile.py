"""Convolutions along time only.

Letters: N samples, C channels, T frames, H x W pixels, h x w cells.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import channels_of_frame, check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization


@backbones.register("temporal_profile")
class TemporalProfile(nn.Module):
    """What each cell goes through in time, and nothing of its neighbours: a detector of events in 1-D signals.

    From DeepPro (Li et al., "Probing Deep into Temporal Profile Makes the Infrared Small Target Detector Much Better",
    2025), by default as in its code. Residual blocks convolve along time, first by differences, so that what stands
    still adds nothing; they run beside each other on pixels and on cells of 2x2 and 4x4, the maxima of which are all
    that one pixel learns of another. Then each level weighs all frames of the window against each other, in groups of
    channels.

    A camera that moves gives every pixel something to tell, and what was learned for one length of windows is of no use
    for another.

    Args:
        in_channels: channels of a network sample, the frames one after the other, such as from the input ``stack``.
        frames: T, frames per network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        stem: channels of the first convolution, over five frames.
        channels: of each residual block, in order.
        levels: of 1x1, 2x2, 4x4, … cells. Each next one has a further pooling, before its next block.
        heads: groups of channels that weigh frames by themselves.
        statistics: what frames are brought to: 0..1 (``plain``), mean and deviation of ImageNet (``imagenet``), or the
            same with the numbers of red for blue and the other way round (``imagenet_bgr``).

    Raises:
        ValueError: a parameter is out of range, the channels are no frames, or the image is not a whole number of the
            coarsest cells.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        frames: int,
        image_size: tuple[int, int],
        stem: int = 8,
        channels: tuple[int, ...] = (16, 32),
        levels: int = 3,
        heads: int = 4,
        statistics: Statistics = "imagenet",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        if stem < 1:
            raise ValueError(f"stem: {stem} is no number of channels. Give at least 1.")
        if not channels or min(channels) < 1:
            raise ValueError(f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each block.")
        if not 1 <= levels <= len(channels) + 1:
            raise ValueError(
                f"levels: {levels} do not fit {len(channels)} blocks, before each of which a level may be pooled once. "
                f"Give 1 to {len(channels) + 1}."
            )
        if heads < 1 or channels[-1] % heads:
            raise ValueError(
                f"heads: {heads} are no equal groups of {channels[-1]} channels. Give a number that divides them."
            )
        own = channels_of_frame(in_channels, frames)
        self.frames = frames
        self.stem = nn.Sequential(_convolution(own, stem, 5), nn.BatchNorm3d(stem), nn.ReLU())
        self.levels = nn.ModuleList(
            nn.ModuleList(_Block(before, after) for before, after in pairwise((stem, *channels))) for _ in range(levels)
        )
        self.windows = nn.ModuleList(_WholeWindow(channels[-1], frames, heads) for _ in range(levels))
        self.features = tuple(FeatureSpec(channels[-1] * frames, 2**level, frames) for level in range(levels))
        check_size(image_size, self.features[-1].stride)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> (N, T * C, h, w) each, fine to coarse, all channels of the first frame first."""
        x = x.reshape(x.shape[0], self.frames, -1, *x.shape[2:]).transpose(1, 2)  # (N, C, T, H, W)
        x = self.stem(x)
        seen: list[Tensor] = []
        for poolings, blocks in enumerate(self.levels):
            y = x
            for i, block in enumerate(blocks.children()):
                y = block(F.max_pool3d(y, (1, 2, 2)) if i < poolings else y)
            seen.append(y)
        weighed = [window(y) for window, y in zip(self.windows, seen, strict=True)]
        return [y.transpose(1, 2).flatten(1, 2) for y in weighed]


def _convolution(before: int, after: int, reach: int) -> nn.Conv3d:
    """Return a convolution over ``reach`` frames of a cell, after which a normalisation is to come."""
    return nn.Conv3d(before, after, (reach, 1, 1), padding=(reach // 2, 0, 0), bias=False)


class _Difference(nn.Conv3d):
    """A convolution over every other of five frames whose kernel is what it has more than its neighbours in time.

    The kernel that is learned is taken twice, and those a step earlier and later off it, the ends standing for what is
    beyond them. Its numbers add up to 0: what never changes gives 0.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, (3, 1, 1), padding=(2, 0, 0), dilation=(2, 1, 1), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, T, h, w) -> (N, after, T, h, w)."""
        first, middle, last = self.weight.unbind(dim=2)  # (after, before, 1, 1) each
        kernel = torch.stack((first - middle, 2 * middle - first - last, last - middle), dim=2)
        return F.conv3d(x, kernel, None, self.stride, self.padding, self.dilation)


class _Block(nn.Module):
    """A residual block along time, and a 1x1 convolution around it."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _Difference(before, after),
            nn.BatchNorm3d(after),
            nn.ReLU(),
            _convolution(after, after, 3),
            nn.BatchNorm3d(after),
            nn.ReLU(),
            _convolution(after, after, 1),
            nn.BatchNorm3d(after),
        )
        self.shortcut = nn.Sequential(_convolution(before, after, 1), nn.BatchNorm3d(after))

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, T, h, w) -> (N, after, T, h, w)."""
        added: Tensor = self.residual(x) + self.shortcut(x)
        return added.relu()


class _WholeWindow(nn.Module):
    """Each frame as a weighted sum of all frames of the window, by weights that a group of channels shares."""

    def __init__(self, channels: int, frames: int, heads: int) -> None:
        super().__init__()
        self.scale = frames**-0.5
        self.heads = nn.ModuleList(nn.Conv1d(frames, frames, 1) for _ in range(heads))
        self.after = nn.Sequential(
            nn.BatchNorm3d(channels),
            nn.ReLU(),
            _convolution(channels, channels, 1),
            nn.BatchNorm3d(channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, h, w) -> (N, C, T, h, w)."""
        groups = (self.scale * x).chunk(len(self.heads), dim=1)  # (N, C / heads, T, h, w) each
        sums = [
            head(group.flatten(0, 1).flatten(2)).reshape(group.shape)  # frames are channels, cells the length
            for head, group in zip(self.heads, groups, strict=True)
        ]
        weighed: Tensor = self.after(torch.cat(sums, dim=1))
        return weighed
