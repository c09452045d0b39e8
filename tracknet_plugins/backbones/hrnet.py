"""HRNet: branches of several resolutions side by side, of which the finest is never given up.

Letters: N samples, C channels, H x W pixels of the network input, S stride of a branch.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Backbone, FeatureSpec
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization

EXPANSION = 4
"""How many times wider than its 3x3 convolution a bottleneck ends."""


@backbones.register("hrnet")
class HRNet(nn.Module, Backbone):
    """The high-resolution network (Wang et al., "Deep High-Resolution Representation Learning", TPAMI 2021).

    A stem of two 3x3 convolutions and a stage of bottlenecks are followed by stages of parallel branches. The stride
    doubles from branch to branch, each stage has one branch more than the one before, and every module ends with an
    exchange, in which each branch gets the sum of all. There are as many maps as branches, fine to coarse.

    The defaults are HRNet-W32. With stem strides of 1 the finest map has the resolution of the input; WASB (Tarashima
    et al., BMVC 2023) is that with ``bottlenecks: 1, bottleneck_width: 32, channels: [16, 32, 64, 128],
    modules: [1, 1, 1], blocks: 2``, and BlurBall (Gossard et al., 2025) adds ``squeeze_excitation: 16``.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        stem_channels: channels of both convolutions of the stem.
        stem_strides: of these two, 1 or 2 each; their product is the stride of the finest branch.
        bottlenecks: residual blocks of the first stage.
        bottleneck_width: channels of their 3x3 convolution, a quarter of what comes out.
        channels: channels of each branch, fine to coarse, at least two.
        modules: for each stage from the second on, how many modules it has; one stage less than there are branches.
        blocks: residual blocks of each branch of a module.
        squeeze_excitation: how many times narrower the inner layer is that weighs the channels of every block from the
            second stage on; None leaves it out.
        multi_scale: whether all branches come out of the last stage. If not, the finest is the only map, and the layers
            that serve the others alone are not there: training on several devices waits for every gradient.
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
        stem_channels: int = 64,
        stem_strides: tuple[int, int] = (2, 2),
        bottlenecks: int = 4,
        bottleneck_width: int = 64,
        channels: tuple[int, ...] = (32, 64, 128, 256),
        modules: tuple[int, ...] = (1, 4, 3),
        blocks: int = 4,
        squeeze_excitation: int | None = None,
        multi_scale: bool = True,
        statistics: Statistics = "plain",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        _check_counts(
            stem_channels=stem_channels, bottlenecks=bottlenecks, bottleneck_width=bottleneck_width, blocks=blocks
        )
        _check_counts(squeeze_excitation=1 if squeeze_excitation is None else squeeze_excitation)
        if any(stride not in (1, 2) for stride in stem_strides):
            raise ValueError(f"stem_strides: {list(stem_strides)} are no strides of a stem. Give 1 or 2 for each.")
        if len(channels) < 2 or min(channels) < 1:
            raise ValueError(
                f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each of two or more "
                "branches."
            )
        if len(modules) != len(channels) - 1 or min(modules) < 1:
            raise ValueError(
                f"modules: {list(modules)} does not fit {len(channels)} branches. Give {len(channels) - 1} numbers of "
                "at least 1, one for each stage from the second on."
            )
        finest = stem_strides[0] * stem_strides[1]
        check_size(image_size, finest << len(channels) - 1)
        maps = len(channels) if multi_scale else 1
        self.features = tuple(FeatureSpec(channels[i], finest << i) for i in range(maps))
        wide = EXPANSION * bottleneck_width
        self.stem = nn.Sequential(
            _convolution(in_channels, stem_channels, stem_strides[0]),
            _convolution(stem_channels, stem_channels, stem_strides[1]),
        )
        self.bottlenecks = nn.Sequential(
            *(_Bottleneck(wide if i else stem_channels, bottleneck_width) for i in range(bottlenecks))
        )
        # Into the second stage both branches come from the one map; later on only the new branch is made.
        self.first = _convolution(wide, channels[0])
        self.branchings = nn.ModuleList(
            _convolution(before, after, stride=2) for before, after in pairwise((wide, *channels[1:]))
        )
        self.stages = nn.ModuleList()
        for branches, count in enumerate(modules, start=2):
            is_last = branches == len(channels)
            self.stages.append(
                nn.ModuleList(
                    _Module(
                        channels[:branches],
                        blocks,
                        squeeze_excitation,
                        outputs=maps if is_last and i == count - 1 else branches,
                    )
                    for i in range(count)
                )
            )
        _start(self)
        # Each pixel's channels together: a third less time on a CPU, where maps are large and have few channels.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / S_i, W / S_i) per branch, fine to coarse."""
        lowest: Tensor = self.bottlenecks(self.stem(x))
        maps = [self.first(lowest)]
        for branching, stage in zip(self.branchings, self.stages, strict=True):
            maps.append(branching(lowest))
            for module in stage:  # type: ignore[attr-defined]  # a ModuleList
                maps = module(maps)
            lowest = maps[-1]
        return maps


class _Module(nn.Module):
    """Residual blocks in each branch, then the exchange between them.

    Args:
        channels: of each branch, fine to coarse.
        blocks: of each branch.
        squeeze_excitation: reduction in every block, or None.
        outputs: branches that come out, from the finest on.
    """

    def __init__(self, channels: tuple[int, ...], blocks: int, squeeze_excitation: int | None, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(_BasicBlock(width, squeeze_excitation) for _ in range(blocks))) for width in channels
        )
        self.exchanges = nn.ModuleList(_Exchange(channels, target) for target in range(outputs))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """One (N, C_i, H / S_i, W / S_i) per branch -> as many as come out."""
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        return [exchange(maps) for exchange in self.exchanges]


class _Exchange(nn.Module):
    """The sum of all branches in the resolution and the width of one of them.

    Args:
        channels: of each branch, fine to coarse.
        target: the branch that gets the sum.
    """

    def __init__(self, channels: tuple[int, ...], target: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(_path(channels, source, target) for source in range(len(channels)))

    def forward(self, maps: list[Tensor]) -> Tensor:
        """One (N, C_i, H / S_i, W / S_i) per branch -> (N, C, H / S, W / S)."""
        first, *others = (path(x) for path, x in zip(self.paths, maps, strict=True))
        total: Tensor = first
        for other in others:
            total = total + other
        return total.relu()


class _Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, and what came in added, by a 1x1 convolution where it is not as wide."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        after = EXPANSION * width
        self.residual = nn.Sequential(
            _convolution(before, width, kernel=1),
            _convolution(width, width),
            _convolution(width, after, kernel=1, activation=False),
        )
        self.shortcut = nn.Identity() if before == after else _convolution(before, after, kernel=1, activation=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H / S, W / S) -> (N, 4 * width, H / S, W / S)."""
        changed: Tensor = self.shortcut(x) + self.residual(x)
        return changed.relu()


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions, and what came in added."""

    def __init__(self, channels: int, squeeze_excitation: int | None) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(channels, channels), _convolution(channels, channels, activation=False)
        )
        if squeeze_excitation is not None:
            self.residual.append(_SqueezeExcitation(channels, squeeze_excitation))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H / S, W / S) -> (N, C, H / S, W / S)."""
        changed: Tensor = x + self.residual(x)
        return changed.relu()


class _SqueezeExcitation(nn.Module):
    """Channels weighed by what the whole map contains (Hu et al., CVPR 2018), without biases."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.gate = nn.Sequential(
            nn.Linear(channels, inner, bias=False), nn.ReLU(), nn.Linear(inner, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H / S, W / S) -> (N, C, H / S, W / S)."""
        weights: Tensor = self.gate(x.mean(dim=(-2, -1)))  # (N, C)
        return x * weights[..., None, None]


def _path(channels: tuple[int, ...], source: int, target: int) -> nn.Module:
    """Return what takes the map of a branch to the resolution and the width of another."""
    before, after = channels[source], channels[target]
    if source == target:
        return nn.Identity()
    if source > target:
        enlarge = nn.Upsample(scale_factor=float(2 ** (source - target)), mode="nearest")
        return nn.Sequential(_convolution(before, after, kernel=1, activation=False), enlarge)
    halvings = [_convolution(before, before, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, _convolution(before, after, stride=2, activation=False))


def _convolution(
    before: int, after: int, stride: int = 1, *, kernel: int = 3, activation: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if activation else []))


def _start(network: nn.Module) -> None:
    """Draw the convolutions as He et al. (ICCV 2015) do, so that the variance of gradients is kept."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}: {value} is out of range. Give at least 1.")
