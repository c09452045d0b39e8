"""An encoder in space and time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.layers import volume_blocks
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.sizes import channels_of_frame, check_size
from tracknet_plugins.backbones.statistics import Statistics, normalization


@backbones.register("p3d")
class P3D(nn.Module):
    """Convolutions within frames and over them in turn: pseudo-3-D residual levels, from random weights.

    Each level is the block C of P3D (Qiu et al., "Learning Spatio-Temporal Representation with Pseudo-3D Residual
    Networks", ICCV 2017): S convolves each frame by itself, T convolves over frames too, and what goes on is
    ``S(x) + T(S(x))``. Between levels, 2x2 cells and neighbouring frames are max-pooled. Every level gives S(x) and
    T(S(x)), two maps for the skips of a decoder, and the coarsest one their sum. By default it is the encoder of TOTNet
    (Xu et al., 2025); in its code a level has a second T, which does not reach the result and is left out here.

    Args:
        in_channels: channels of a network sample, the frames one after the other, such as from the input ``stack``.
        frames: frames per network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        channels: channels of each level, fine to coarse.
        kernels: cells along a side of all convolutions of each level.
        time_kernels: frames that T reaches over, for each level.
        blocks: convolutions of S, for each level.
        keep: frames that are left after each level but the last, at most; windows of a pooling overlap where they must.
        patch_size: side in pixels of the patches that are the cells of the finest level; 1 leaves pixels as they are.
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
        channels: tuple[int, ...] = (64, 128, 256, 512),
        kernels: tuple[int, ...] = (3, 2, 2, 1),
        time_kernels: tuple[int, ...] = (5, 3, 3, 1),
        blocks: tuple[int, ...] = (2, 2, 2, 3),
        keep: tuple[int, ...] = (5, 3, 1),
        patch_size: int = 1,
        statistics: Statistics = "plain",
    ) -> None:
        super().__init__()
        self.normalization = normalization(statistics)
        if len(channels) < 2 or min(channels) < 1:
            raise ValueError(f"channels: {list(channels)} is no list of widths. Give one of at least 1 for each level.")
        count = len(channels)
        for name, numbers, length in (
            ("kernels", kernels, count),
            ("time_kernels", time_kernels, count),
            ("blocks", blocks, count),
            ("keep", keep, count - 1),
        ):
            if len(numbers) != length or min(numbers) < 1:
                raise ValueError(
                    f"{name}: {list(numbers)} does not fit the {count} levels of channels. Give {length} numbers of at "
                    "least 1, fine to coarse."
                )
        if patch_size < 1:
            raise ValueError(f"patch_size: {patch_size} is out of range. Give at least 1.")
        own = channels_of_frame(in_channels, frames)
        self.frames = frames
        self.patch_size = patch_size
        self.keep = keep
        self.space, self.time = nn.ModuleList(), nn.ModuleList()
        features: list[FeatureSpec] = []
        before, length = own * patch_size**2, frames
        for i, (width, kernel, reach, number) in enumerate(zip(channels, kernels, time_kernels, blocks, strict=True)):
            self.space.append(volume_blocks(before, width, number, kernel=(1, kernel)))
            self.time.append(volume_blocks(width, width, 1, kernel=(reach, kernel)))
            spec = FeatureSpec(width * length, patch_size * 2**i, length)
            features += [spec, spec] if i < count - 1 else [spec]
            before, length = width, min([length, *keep[i : i + 1]])
        self.features = tuple(features)
        check_size(image_size, self.features[-1].stride)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> S(x) and T(S(x)) of each level, fine to coarse, and the sum of the coarsest.

        They are (N, frames * C, H / s, W / s), all C channels of the first frame, then of the second, and so on.
        """
        x = x.reshape(x.shape[0], self.frames, -1, *x.shape[2:])  # (N, T, C, H, W)
        if self.patch_size > 1:
            x = F.pixel_unshuffle(x, self.patch_size)
        # (N, C, T, H, W); the channels of a cell side by side, since 3-D convolutions are half as fast otherwise.
        x = x.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
        maps: list[Tensor] = []
        for i, (space, time) in enumerate(zip(self.space, self.time, strict=True)):
            seen = space(x)
            moved = time(seen)
            x = seen + moved
            if i < len(self.keep):
                maps += [_folded(seen), _folded(moved)]
                x = _pooled(x, min(x.shape[2], self.keep[i]))
        return [*maps, _folded(x)]


def _folded(x: Tensor) -> Tensor:
    """(N, C, T, H, W) -> (N, T * C, H, W)."""
    return x.transpose(1, 2).flatten(1, 2)


def _pooled(x: Tensor, frames: int) -> Tensor:
    """(N, C, T, H, W) -> (N, C, frames, H / 2, W / 2), maxima.

    In time as torch's adaptive pooling does it, which cannot be exported where windows overlap.
    """
    x = F.max_pool3d(x, (1, 2, 2))
    before = x.shape[2]
    if frames == before:
        return x
    ends = [(i * before // frames, -(-(i + 1) * before // frames)) for i in range(frames)]
    return torch.stack([x[:, :, first:last].amax(dim=2) for first, last in ends], dim=2)
