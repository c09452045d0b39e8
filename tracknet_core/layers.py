"""Layers that parts of networks share."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["gn", "bn"]
Activation = Literal["gelu", "relu"]
Order = Literal["norm_first", "activation_first"]
"""What stands between a convolution and the next: normalisation and then activation, or the other way round."""

GROUPS = 8
"""Groups of a group normalisation. Fewer than the paper's 32 (Wu and He, ECCV 2018, whose table 3 shows that it hardly
matters), because decoders are narrow: 64 channels in 32 groups would leave two channels to a group."""


def normalization(name: Norm, channels: int) -> nn.Module:
    """Return a normalisation: ``gn`` is independent of the batch size, ``bn`` is not.

    Raises:
        ValueError: ``name`` is unknown.
    """
    if name == "gn":
        return nn.GroupNorm(math.gcd(GROUPS, channels), channels)
    if name == "bn":
        return nn.BatchNorm2d(channels)
    raise ValueError(f"norm: {name!r} is unknown. It accepts: gn, bn.")


def activation(name: Activation) -> nn.Module:
    """Return an activation.

    Raises:
        ValueError: ``name`` is unknown.
    """
    if name == "gelu":
        return nn.GELU()
    if name == "relu":
        return nn.ReLU()
    raise ValueError(f"activation: {name!r} is unknown. It accepts: gelu, relu.")


class ConvBlock(nn.Sequential):
    """Convolution, 3x3 by default, with normalisation and activation.

    A normalisation right after the convolution takes its bias away, so the convolution has one only where the
    activation comes first, and then by default.

    Args:
        in_channels: channels that go in.
        out_channels: channels that come out.
        norm: kind of normalisation.
        act: kind of activation.
        depthwise: a 3x3 convolution of each channel and a 1x1 convolution across them, in place of a full one.
        order: whether normalisation or activation comes first.
        kernel: side of the convolution, odd.
        stride: cells of the map that goes in per cell of the one that comes out.
        bias: whether a convolution that an activation follows has a bias.

    Raises:
        ValueError: a kind is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: Norm,
        act: Activation,
        depthwise: bool = False,
        order: Order = "norm_first",
        kernel: int = 3,
        stride: int = 1,
        bias: bool = True,
    ) -> None:
        if order not in ("norm_first", "activation_first"):
            raise ValueError(f"order: {order!r} is unknown. It accepts: norm_first, activation_first.")
        bias = bias and order == "activation_first"
        convolution: list[nn.Module]
        if depthwise:
            convolution = [
                nn.Conv2d(in_channels, in_channels, kernel, stride, kernel // 2, groups=in_channels, bias=False),
                nn.Conv2d(in_channels, out_channels, 1, bias=bias),
            ]
        else:
            convolution = [nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=bias)]
        after = [normalization(norm, out_channels), activation(act)]
        super().__init__(*convolution, *(after if order == "norm_first" else reversed(after)))


def block_counts(blocks: int | tuple[int, ...], parts: int, what: str) -> tuple[int, ...]:
    """Return how many blocks each part of a network has.

    Args:
        blocks: one number for each part, or one for all.
        parts: how many there are.
        what: their name, such as ``levels``, for the message.

    Raises:
        ValueError: a number is missing, or below 1.
    """
    counts = (blocks,) * parts if isinstance(blocks, int) else blocks
    if len(counts) != parts or min(counts) < 1:
        raise ValueError(
            f"blocks: {list(counts)} does not say how many convolutions the {parts} {what} have. Give one number of at "
            "least 1 for each, or a single one."
        )
    return counts


def conv_blocks(
    in_channels: int,
    out_channels: int,
    count: int,
    *,
    norm: Norm,
    act: Activation,
    depthwise: bool = False,
    order: Order = "norm_first",
    kernel: int = 3,
    bias: bool = True,
) -> nn.Sequential:
    """Return ``count`` blocks in a row, the first of which changes the channels; see :class:`ConvBlock`."""
    return nn.Sequential(
        *(
            ConvBlock(
                out_channels if i else in_channels,
                out_channels,
                norm=norm,
                act=act,
                depthwise=depthwise,
                order=order,
                kernel=kernel,
                bias=bias,
            )
            for i in range(count)
        )
    )


class Shortcut(nn.Module):
    """Blocks in a row and a way around them, added up (He et al., "Deep Residual Learning", CVPR 2016).

    Args:
        blocks: the first of them changes the channels.
        in_channels: channels that go in, which a 1x1 convolution leads around all blocks; None leads what comes out of
            the first block around the others.
        out_channels: channels that come out.
    """

    def __init__(self, blocks: nn.Sequential, in_channels: int | None, out_channels: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.around = None if in_channels is None else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        if self.around is not None:
            added: Tensor = self.blocks(x) + self.around(x)
        else:
            first = self.blocks[0](x)
            added = first + self.blocks[1:](first)
        return added


class SpatialAttention(nn.Module):
    """Cells weighed by the mean and the maximum of their channels (Woo et al., "CBAM", ECCV 2018, section 3).

    Args:
        kernel: side of the convolution of both in cells, odd.
    """

    def __init__(self, kernel: int = 7) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        seen = torch.cat((x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)), dim=1)  # (N, 2, H, W)
        weighed: Tensor = x * self.convolution(seen).sigmoid()
        return weighed


Resample = Literal["keep", "halve", "double"]


class PreActivation(nn.Module):
    """A residual block whose activations come first (He et al., "Identity Mappings in Residual Networks", ECCV 2016).

    1x1, 3x3 and 1x1 convolutions of one width, each after a batch normalisation and ReLU, and a way around: as it is
    where neither channels nor size change, or else resampled, through a 1x1 convolution and a normalisation.

    Args:
        in_channels: channels that go in.
        out_channels: channels that come out.
        resample: ``halve`` gives the 3x3 convolution a stride of 2 and pools the way around; ``double`` has a
            transposed 2x2 convolution in its place, and the nearest cells around.
    """

    def __init__(self, in_channels: int, out_channels: int, resample: Resample = "keep") -> None:
        super().__init__()
        middle: nn.Module
        if resample == "double":
            middle = nn.ConvTranspose2d(out_channels, out_channels, 2, stride=2, bias=False)
        else:
            stride = 2 if resample == "halve" else 1
            middle = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            middle,
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 1),
        )
        self.around = nn.Sequential()
        if resample == "keep" and in_channels == out_channels:
            return
        if resample != "keep":
            self.around.append(nn.MaxPool2d(2) if resample == "halve" else nn.Upsample(scale_factor=2, mode="nearest"))
        self.around.append(nn.Conv2d(in_channels, out_channels, 1, bias=False))
        self.around.append(nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W), of half or of twice the size where it is resampled."""
        added: Tensor = self.blocks(x) + self.around(x)
        return added


class VolumeBlock(nn.Sequential):
    """3-D convolution over frames, height and width with batch normalisation and ReLU; the size stays.

    Where a side of the kernel is even, the border is one wider at its end than at its beginning.

    Args:
        in_channels: channels that go in.
        out_channels: channels that come out.
        kernel: frames and cells along a side that the convolution reaches over; one frame is a 2-D convolution of each.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: tuple[int, int]) -> None:
        sides = (kernel[0], kernel[1], kernel[1])
        border = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2, (kernel[1] - 1) // 2)
        rest = [1 - side % 2 for side in sides]
        super().__init__(
            *([nn.ZeroPad3d((0, rest[2], 0, rest[1], 0, rest[0]))] if any(rest) else []),
            nn.Conv3d(in_channels, out_channels, sides, padding=border, bias=False),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(),
        )


def volume_blocks(in_channels: int, out_channels: int, count: int, *, kernel: tuple[int, int]) -> nn.Sequential:
    """Return ``count`` blocks in a row, the first of which changes the channels; see :class:`VolumeBlock`."""
    return nn.Sequential(
        *(VolumeBlock(out_channels if i else in_channels, out_channels, kernel=kernel) for i in range(count))
    )


class SqueezeExcitation(nn.Module):
    """Channels weighted by what the whole map contains (Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018).

    Args:
        channels: C.
        reduction: how many times narrower the inner layer is.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gated: Tensor = x * self.gate(x)
        return gated


class PowerNormalization(nn.Module):
    """Differences to attention between 0 and 1 (Chen et al., "Motion Meets Attention", ACML 2024).

    A difference x becomes the logistic function of 5 (abs(scale * x) - 0.6 tanh(threshold)) / (0.45 abs(tanh(slope))
    + margin), in which slope and threshold are learned.

    Args:
        slope: where the one starts; the nearer to 0, the steeper.
        threshold: where the other starts; at 0 what has not changed gets half.
        margin: what is added to the width of the rise.
        scale: factor on the differences, if frames are not at 0..1.
    """

    def __init__(self, *, slope: float, threshold: float, margin: float, scale: float = 1.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))
        self.threshold = nn.Parameter(torch.tensor(threshold))
        self.margin = margin
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        steepness = 5 / (0.45 * self.slope.tanh().abs() + self.margin)
        attention: Tensor = (steepness * ((self.scale * x).abs() - 0.6 * self.threshold.tanh())).sigmoid()
        return attention


class ConvGRU(nn.Module):
    """A gated recurrent unit whose products are 3x3 convolutions (Ballas et al., ICLR 2016): a map that remembers.

    What a cell remembers comes from its own neighbourhood, so that maps of any size will do.

    Args:
        channels: C, of the map and of what is remembered.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1)
        self.candidate = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """(N, C, h, w), and what was remembered before it, twice the same shape -> what is remembered now."""
        reset, update = self.gates(torch.cat((x, state), dim=1)).sigmoid().chunk(2, dim=1)  # (N, C, h, w) each
        candidate = self.candidate(torch.cat((x, reset * state), dim=1)).tanh()
        remembered: Tensor = update * state + (1 - update) * candidate
        return remembered
