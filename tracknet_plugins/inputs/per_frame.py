"""Frames one by one."""

from torch import Tensor, nn

from tracknet_core.contracts import Input
from tracknet_core.registry import inputs


@inputs.register("per_frame")
class PerFrame(nn.Module, Input):
    """Each frame of a window as a sample of its own: no motion, and a backbone with 3 channels.

    Args:
        frames: T, the length of a window; every frame gets a heatmap.

    Raises:
        ValueError: ``frames`` is less than 1.
    """

    def __init__(self, *, frames: int) -> None:
        super().__init__()
        if frames < 1:
            raise ValueError(f"frames: {frames} is no length of a window. Give at least 1.")
        self.channels = 3
        self.targets = tuple(range(frames))
        self.maps = 1

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B * T, 3, H, W), the frames of a window in a row."""
        return frames.flatten(0, 1)
