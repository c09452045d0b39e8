"""One picture in two sizes through one residual network, and beside it through a few convolutions."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from tracknet_core.contracts import Backbone, FeatureSpec
from tracknet_core.layers import block_counts
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization

DILATIONS = (1, 1, 2, 4)
"""Cells from one to the next that the convolutions of a level see; from the third level on the size stays."""


@backbones.register("image_cascade")
class ImageCascade(nn.Module, Backbone):
    """The image cascade of ICNet (Zhao et al., ECCV 2018), which sees much of the picture and small things in it.

    A dilated ResNet (He et al., CVPR 2016; Yu et al., CVPR 2017) sees the picture in half of its size, all of it, and
    in its whole size, its first two levels. A branch of three strided convolutions sees the whole size, too. There are
    three maps: the branch and the second level, both with stride 8, and the last level of the half, with stride 16. By
    default it is that of BallSeg (Van Zandycke and De Vleeschouwer, MMSports 2019) with a ResNet18, as WASB's code has
    it.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of 16.
        stem: channels of the three convolutions of the ResNet before its levels.
        channels: channels of its four levels.
        blocks: residual blocks of each level, or one number for all.
        branch: channels of the three convolutions of the branch.
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
        stem: tuple[int, int, int] = (64, 64, 128),
        channels: tuple[int, int, int, int] = (64, 128, 256, 512),
        blocks: int | tuple[int, ...] = 2,
        branch: tuple[int, int, int] = (32, 32, 64),
        statistics: Statistics = "plain",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        for name, widths in {"stem": stem, "channels": channels, "branch": branch}.items():
            if min(widths) < 1:
                raise ValueError(f"{name}: {list(widths)} is no list of widths. Give numbers of at least 1.")
        counts = block_counts(blocks, len(channels), "levels")
        self.features = (FeatureSpec(branch[-1], 8), FeatureSpec(channels[1], 8), FeatureSpec(channels[-1], 16))
        check_size(image_size, 16)
        self.branch = nn.Sequential(
            *(_convolution(before, after, stride=2) for before, after in pairwise((in_channels, *branch)))
        )
        self.stem = nn.Sequential(
            _convolution(in_channels, stem[0], stride=2),
            _convolution(stem[0], stem[1]),
            _convolution(stem[1], stem[2]),
            nn.MaxPool2d(3, 2, 1),
        )
        self.levels = nn.ModuleList()
        for i, ((before, after), count) in enumerate(zip(pairwise((stem[-1], *channels)), counts, strict=True)):
            level = nn.Sequential(_Block(before, after, 2 if i == 1 else 1, max(1, DILATIONS[i] // 2), DILATIONS[i]))
            level.extend(_Block(after, after, 1, DILATIONS[i], DILATIONS[i]) for _ in range(count - 1))
            self.levels.append(level)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> (N, C, H / 8, W / 8) of the branch and the whole, (N, C, H / 16, W / 16)."""
        first, second, third, fourth = self.levels
        fine = self.branch(x)
        whole = second(first(self.stem(x)))
        half = fourth(third(second(first(self.stem(x[..., ::2, ::2])))))
        return [fine, whole, half]


class _Block(nn.Module):
    """Two 3x3 convolutions, and what came in added, by a 1x1 convolution where size or channels change.

    Args:
        before: channels that go in.
        after: channels that come out.
        stride: of the first convolution.
        first: its dilation.
        second: that of the other.
    """

    def __init__(self, before: int, after: int, stride: int, first: int, second: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(before, after, stride=stride, dilation=first),
            _convolution(after, after, dilation=second, activation=False),
        )
        changes = stride > 1 or before != after
        self.shortcut = (
            _convolution(before, after, stride=stride, kernel=1, activation=False) if changes else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        changed: Tensor = self.residual(x) + self.shortcut(x)
        return changed.relu()


def _convolution(
    before: int, after: int, *, stride: int = 1, dilation: int = 1, kernel: int = 3, activation: bool = True
) -> nn.Sequential:
    border = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride=stride, padding=border, dilation=dilation, bias=False),
        nn.BatchNorm2d(after),
        *([nn.ReLU()] if activation else []),
    )
