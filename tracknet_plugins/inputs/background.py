"""Stacked frames beside the background of the clip."""

from typing import Literal

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Input
from tracknet_core.registry import inputs
from tracknet_plugins.inputs.stack import Outputs, target_positions

Mode = Literal["concat", "subtract", "subtract_concat"]


@inputs.register("background")
class Background(nn.Module, Input):
    """T frames and the median of the clip, as TrackNetV3 has it (Chen & Wang 2023).

    Args:
        frames: T, the length of a window.
        mode: ``concat`` stacks the background and the frames, 3 (T + 1) channels; ``subtract`` gives for each frame the
            absolute difference from the background, summed over the colours, T channels; ``subtract_concat`` each
            frame with that difference, 4 T channels.
        outputs: the frames that get a heatmap; as in ``stack``.

    Raises:
        ValueError: ``frames`` is less than 1, or ``mode`` or ``outputs`` is unknown.
    """

    background = True

    def __init__(self, *, frames: int, mode: Mode = "concat", outputs: Outputs = "all") -> None:
        super().__init__()
        channels = {"concat": 3 * (frames + 1), "subtract": frames, "subtract_concat": 4 * frames}
        if mode not in channels:
            raise ValueError(f"mode: {mode!r} is unknown. It accepts: {', '.join(channels)}.")
        self.mode = mode
        self.channels = channels[mode]
        self.targets = target_positions(frames, outputs)
        self.maps = len(self.targets)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T + 1, 3, H, W), the background last -> (B, channels, H, W)."""
        moving, background = frames[:, :-1], frames[:, -1:]
        if self.mode == "concat":
            return torch.cat((background, moving), dim=1).flatten(1, 2)
        difference = (moving - background).abs().sum(dim=2, keepdim=True)  # (B, T, 1, H, W)
        if self.mode == "subtract":
            return difference.flatten(1, 2)
        return torch.cat((moving, difference), dim=2).flatten(1, 2)
