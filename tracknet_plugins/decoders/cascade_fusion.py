"""A coarse map that sees the whole picture, joined step by step with finer ones."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Decoder, FeatureSpec
from tracknet_core.registry import decoders
from tracknet_plugins.decoders.strides import stride_after


@decoders.register("cascade_fusion")
class CascadeFusion(nn.Module, Decoder):
    """Pyramid pooling and the cascade feature fusion of ICNet (Zhao et al., ECCV 2018).

    To the coarsest map are added its means over grids of a few cells, the whole of it among them. Then the finer maps
    join, one after the other: the coarse one gets their size by its nearest cells and goes through a dilated 3x3
    convolution, the finer one through a 1x1 convolution, and both are added. Transposed 2x2 convolutions enlarge what
    comes out. By default it is that of BallSeg, as WASB's code has it.

    Args:
        in_features: the backbone's maps, fine to coarse, two at least.
        channels: channels of every fusion.
        pools: cells along each side of the grids.
        doublings: transposed convolutions at the end.

    Raises:
        ValueError: a parameter is out of range, there is one map only, or the doublings go below one pixel per cell.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: int = 128,
        pools: tuple[int, ...] = (1, 2, 3, 6),
        doublings: int = 1,
    ) -> None:
        super().__init__()
        if channels < 1 or doublings < 0 or min(pools, default=1) < 1:
            raise ValueError(
                f"channels: {channels}, pools: {list(pools)} or doublings: {doublings} is out of range. Give channels "
                "and cells of at least 1, and no negative number of doublings."
            )
        if len(in_features) < 2:
            raise ValueError(
                f"the backbone gives a single map, of stride {in_features[0].stride}, and a fusion needs two. Choose "
                "the decoder 'upsampling', or another backbone."
            )
        self.pools = pools
        *finer, coarsest = in_features
        self.feature = FeatureSpec(channels, stride_after(doublings, finer[0].stride))
        self.low, self.high = nn.ModuleList(), nn.ModuleList()
        width = coarsest.channels
        for feature in reversed(finer):
            self.low.append(_convolution(width, channels, kernel=3, dilation=2))
            self.high.append(_convolution(feature.channels, channels, kernel=1, dilation=1))
            width = channels
        self.doublings = nn.Sequential(*(nn.ConvTranspose2d(channels, channels, 2, stride=2) for _ in range(doublings)))

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each, fine to coarse -> (N, channels, H / stride, W / stride)."""
        *finer, coarsest = features
        x = coarsest
        for cells in self.pools:
            pooled = F.adaptive_avg_pool2d(coarsest, cells)  # (N, C, cells, cells)
            x = x + F.interpolate(pooled, coarsest.shape[-2:], mode="nearest")
        for low, high, feature in zip(self.low, self.high, reversed(finer), strict=True):
            enlarged = F.interpolate(x, feature.shape[-2:], mode="nearest")
            x = (low(enlarged) + high(feature)).relu()
        doubled: Tensor = self.doublings(x)
        return doubled


def _convolution(before: int, after: int, *, kernel: int, dilation: int) -> nn.Sequential:
    border = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=border, dilation=dilation, bias=False), nn.BatchNorm2d(after)
    )
