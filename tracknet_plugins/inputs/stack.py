"""All frames of a window stacked along the channels."""

from typing import Literal

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Input
from tracknet_core.luma import LUMA
from tracknet_core.registry import inputs

Outputs = Literal["all", "middle", "last"]


@inputs.register("stack")
class Stack(nn.Module, Input):
    """T frames as one sample of 3T channels, as TrackNetV2 does (Sun et al., ICPAI 2020).

    The network sees motion because it sees the frames beside each other; one pass gives a heatmap for each
    target frame.

    Args:
        frames: T, the length of a window.
        outputs: the frames that get a heatmap: all of them (K = T), the middle one (the later of the two if T is
            even), or the last one, which needs no frame of the future (K = 1).
        grey: one channel per frame, the luma of ITU-R BT.601, in place of three colours.

    Raises:
        ValueError: ``frames`` is less than 1, or ``outputs`` is unknown.
    """

    luma: Tensor

    def __init__(self, *, frames: int, outputs: Outputs = "all", grey: bool = False) -> None:
        super().__init__()
        self.grey = grey
        self.register_buffer("luma", torch.tensor(LUMA).view(3, 1, 1), persistent=False)
        self.channels = frames if grey else 3 * frames
        self.targets = target_positions(frames, outputs)
        self.maps = len(self.targets)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, 3T, H, W): the colours of the first frame, of the second, …; grey (B, T, H, W)."""
        return (frames * self.luma).sum(dim=2) if self.grey else frames.flatten(1, 2)


def target_positions(frames: int, outputs: Outputs) -> tuple[int, ...]:
    """Return the positions in a window of ``frames`` that get a heatmap.

    Raises:
        ValueError: ``frames`` is less than 1, or ``outputs`` is unknown.
    """
    if frames < 1:
        raise ValueError(f"frames: {frames} is no length of a window. Give at least 1.")
    positions = {"all": tuple(range(frames)), "middle": (frames // 2,), "last": (frames - 1,)}
    if outputs not in positions:
        raise ValueError(f"outputs: {outputs!r} is unknown. It accepts: {', '.join(positions)}.")
    return positions[outputs]
