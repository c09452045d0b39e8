"""A residual network whose activations come before its convolutions."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from tracknet_core.contracts import Backbone, FeatureSpec
from tracknet_core.layers import PreActivation, block_counts, conv_blocks
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization


@backbones.register("resnetv2")
class ResNetV2(nn.Module, Backbone):
    """Levels of pre-activation blocks (He et al., "Identity Mappings in Residual Networks", ECCV 2016).

    3x3 convolutions see the picture in full resolution; then each level halves the map with its first block. Level i
    gives a map with the stride 2^(i + 1). The blocks are as narrow inside as what comes out; by default it is the
    encoder of ResTrackNetV2, as WASB's code has it.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        stem: channels of the 3x3 convolutions in full resolution, one number for each.
        channels: channels of each level, fine to coarse.
        blocks: blocks of each level, or one number for all.
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
        stem: tuple[int, ...] = (64, 64),
        channels: tuple[int, ...] = (16, 32, 64, 128),
        blocks: int | tuple[int, ...] = (3, 3, 4, 3),
        statistics: Statistics = "plain",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        for name, widths in {"stem": stem, "channels": channels}.items():
            if not widths or min(widths) < 1:
                raise ValueError(f"{name}: {list(widths)} is no list of widths. Give at least one of at least 1.")
        counts = block_counts(blocks, len(channels), "levels")
        self.features = tuple(FeatureSpec(width, 2 << i) for i, width in enumerate(channels))
        check_size(image_size, self.features[-1].stride)
        self.stem = nn.Sequential(
            *(conv_blocks(before, after, 1, norm="bn", act="relu") for before, after in pairwise((in_channels, *stem)))
        )
        self.levels = nn.ModuleList(
            nn.Sequential(
                PreActivation(before, after, "halve"), *(PreActivation(after, after) for _ in range(count - 1))
            )
            for (before, after), count in zip(pairwise((stem[-1], *channels)), counts, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per level, fine to coarse."""
        x = self.stem(x)
        maps: list[Tensor] = []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        return maps
