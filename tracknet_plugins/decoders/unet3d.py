"""The way up of a U-Net in space and time."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import volume_blocks
from tracknet_core.registry import decoders


@decoders.register("unet3d")
class UNet3D(nn.Module):
    """A 3-D U-Net's way up whose levels convolve within frames and over them in turn, for the backbone ``p3d``.

    As in TOTNet (Xu et al., 2025). Each step enlarges the map to the frames and cells of the next finer level
    (trilinear), puts the level's map of space beside it and convolves each frame by itself; then it puts the level's
    map of time beside that and convolves over frames too; the sum of both goes on. All frames of the finest level come
    out, one after the other along the channels.

    Args:
        in_features: the backbone's maps, fine to coarse: of each stride one of space and one of time, and then the
            coarsest.
        kernels: cells along a side of all convolutions of each level, fine to coarse, without the coarsest.
        time_kernels: frames that the convolutions of time reach over, likewise.
        blocks: convolutions of space of each level, likewise.
        time_blocks: convolutions of time of each level, likewise.

    Raises:
        ValueError: a parameter is out of range, or the maps are no pairs.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        kernels: tuple[int, ...] = (3, 2, 2),
        time_kernels: tuple[int, ...] = (5, 3, 3),
        blocks: tuple[int, ...] = (2, 2, 2),
        time_blocks: tuple[int, ...] = (1, 2, 2),
    ) -> None:
        super().__init__()
        *finer, coarsest = [list(specs) for _, specs in groupby(in_features, lambda feature: feature.stride)]
        if len(coarsest) != 1 or not finer or any(len(specs) != 2 or specs[0] != specs[1] for specs in finer):
            raise ValueError(
                "unet3d needs two maps of each stride, of space and of time, and one of the coarsest; the backbone "
                f"gives strides {tuple(feature.stride for feature in in_features)}. Choose the backbone 'p3d'."
            )
        levels = [specs[0] for specs in finer]
        for name, numbers in (
            ("kernels", kernels),
            ("time_kernels", time_kernels),
            ("blocks", blocks),
            ("time_blocks", time_blocks),
        ):
            if len(numbers) != len(levels) or min(numbers) < 1:
                raise ValueError(
                    f"{name}: {list(numbers)} does not fit the {len(levels)} levels above the backbone's coarsest. "
                    "Give as many numbers of at least 1, fine to coarse."
                )
        self.frames = [feature.frames for feature in in_features]
        self.feature = levels[0]
        self.space, self.time = nn.ModuleList(), nn.ModuleList()  # coarse to fine
        width = coarsest[0].channels // coarsest[0].frames
        steps = zip(levels, kernels, time_kernels, blocks, time_blocks, strict=True)
        for level, kernel, reach, count, time_count in reversed(list(steps)):
            own = level.channels // level.frames
            self.space.append(volume_blocks(width + own, own, count, kernel=(1, kernel)))
            self.time.append(volume_blocks(2 * own, own, time_count, kernel=(reach, kernel)))
            width = own

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, frames * C_i, H / s_i, W / s_i) each, fine to coarse -> (N, frames * C, H / s_0, W / s_0)."""
        maps = [_unfolded(feature, frames) for feature, frames in zip(features, self.frames, strict=True)]
        x: Tensor = maps.pop()  # (N, C, T, H, W)
        for space, time in zip(self.space, self.time, strict=True):
            moved, seen = maps.pop(), maps.pop()
            x = F.interpolate(x, seen.shape[2:], mode="trilinear", align_corners=False)
            x = space(torch.cat((x, seen), dim=1))
            x = x + time(torch.cat((x, moved), dim=1))
        return x.transpose(1, 2).flatten(1, 2)


def _unfolded(x: Tensor, frames: int) -> Tensor:
    """(N, T * C, H, W) -> (N, C, T, H, W), the channels of a cell side by side."""
    return (
        x.reshape(x.shape[0], frames, -1, *x.shape[2:]).transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
    )
