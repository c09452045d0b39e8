"""A feature map to distributions along the sides of the image."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec, Form, Head, Size
from tracknet_core.registry import heads

Pool = Literal["max", "logsumexp"]


@heads.register("sides")
class Sides(nn.Module, Head):
    """Where along the width and where along the height: two distributions per target frame.

    A 1x1 convolution gives one map per target frame. What is highest in each of its columns, and in each of its rows,
    becomes a distribution by a softmax along the side: as in TOTNet (Xu et al., 2025). Logarithms of both come out,
    those of the width first.

    Args:
        in_feature: the decoder's map.
        maps: target frames per network sample.
        form: what each of them gets: the sides of a map.
        pool: what stands for a column or a row: its highest cell (``max``), or the logarithm of the sum of its
            exponentials (``logsumexp``), with which both are the marginals of one softmax over the whole map.
        normalize: batch normalisation and ReLU of the map before, as in the paper. In a map that is nearly empty a
            single cell stands out by many deviations, so that a softmax can be sure of it from the start.

    Raises:
        ValueError: an unknown ``pool``, or several channels per cell.
    """

    forms = ("sides",)

    def __init__(
        self, *, in_feature: FeatureSpec, maps: int, form: Form, pool: Pool = "max", normalize: bool = True
    ) -> None:
        super().__init__()
        if pool not in ("max", "logsumexp"):
            raise ValueError(f"pool: {pool!r} is unknown. It accepts: max, logsumexp.")
        if form.channels is not None:
            raise ValueError(f"the codec wants {form}, and the sides of a map have one number per cell.")
        self.pool = pool
        self.map = nn.Conv2d(in_feature.channels, maps, 1, bias=not normalize)
        self.after = nn.Sequential(nn.BatchNorm2d(maps), nn.ReLU()) if normalize else nn.Identity()

    def forward(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor:
        """Return the logarithms of both distributions.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, T, 3, H, W); not used.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, maps, w + h) float32.
        """
        width, height = size
        cells: Tensor = self.after(self.map(feature)).float()
        if cells.shape[-2:] != (height, width):
            cells = F.interpolate(cells, (height, width), mode="bilinear", align_corners=False)
        pooled = torch.amax if self.pool == "max" else torch.logsumexp
        return torch.cat([pooled(cells, dim=side).log_softmax(dim=-1) for side in (-2, -1)], dim=-1)
