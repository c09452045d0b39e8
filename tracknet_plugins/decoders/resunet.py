"""The way up of a U-Net of residual blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Decoder, FeatureSpec
from tracknet_core.layers import PreActivation, block_counts, conv_blocks
from tracknet_core.registry import decoders
from tracknet_plugins.decoders.strides import of_stride, stride_after


@decoders.register("resunet")
class ResUNet(nn.Module, Decoder):
    """Steps of pre-activation blocks (Zhang et al., "Road Extraction by Deep Residual U-Net", 2018).

    Each step doubles the coarsest map in a residual block of its own, puts the backbone's map of that stride beside it
    where there is one, and goes through residual blocks. By default it is the decoder of ResTrackNetV2, as WASB's code
    has it: three steps, and then one more doubling and two convolutions.

    Args:
        in_features: the backbone's maps, fine to coarse.
        channels: channels after each step, coarse to fine.
        blocks: residual blocks of each step after its doubling, or one number for all.
        finish: channels of plain 3x3 convolutions at the end, after one more doubling without a skip; none leaves both
            out.

    Raises:
        ValueError: a parameter is out of range, or the steps go below one pixel per cell.
    """

    def __init__(
        self,
        *,
        in_features: tuple[FeatureSpec, ...],
        channels: tuple[int, ...] = (64, 32, 16),
        blocks: int | tuple[int, ...] = (3, 2, 2),
        finish: tuple[int, ...] = (64, 64),
    ) -> None:
        super().__init__()
        for name, widths in {"channels": channels, "finish": finish}.items():
            if min(widths, default=1) < 1 or not channels:
                raise ValueError(f"{name}: {list(widths)} is no list of widths. Give one of at least 1 for each step.")
        counts = block_counts(blocks, len(channels), "steps")
        coarsest = in_features[-1].stride
        stride = stride_after(len(channels) + bool(finish), coarsest)
        self.feature = FeatureSpec((*channels, *finish)[-1], stride)
        self.start = of_stride(in_features, coarsest)
        self.joined = [of_stride(in_features, coarsest >> (i + 1)) for i in range(len(channels))]
        self.doublings, self.merges = nn.ModuleList(), nn.ModuleList()
        width = sum(in_features[i].channels for i in self.start)
        for after, count, joined in zip(channels, counts, self.joined, strict=True):
            self.doublings.append(PreActivation(width, width, "double"))
            width += sum(in_features[i].channels for i in joined)
            self.merges.append(
                nn.Sequential(PreActivation(width, after), *(PreActivation(after, after) for _ in range(count - 1)))
            )
            width = after
        self.finish = nn.Sequential()
        if finish:
            self.finish.append(PreActivation(width, width, "double"))
        for after in finish:
            self.finish.append(conv_blocks(width, after, 1, norm="bn", act="relu"))
            width = after

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each, fine to coarse -> (N, C, H / stride, W / stride)."""
        x = torch.cat([features[i] for i in self.start], dim=1)  # (N, sum of C_i, H / s, W / s)
        for doubling, merge, joined in zip(self.doublings, self.merges, self.joined, strict=True):
            x = merge(torch.cat([*(features[i] for i in joined), doubling(x)], dim=1))
        finished: Tensor = self.finish(x)
        return finished
