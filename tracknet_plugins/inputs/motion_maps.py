"""Stacked frames, and between each two of them learned maps of what changed."""

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Input
from tracknet_core.layers import PowerNormalization
from tracknet_core.luma import LUMA
from tracknet_core.registry import inputs
from tracknet_plugins.inputs.stack import Outputs, target_positions


@inputs.register("motion_maps")
class MotionMaps(nn.Module, Input):
    """T frames and T - 1 maps of attention to motion, or twice as many, in the order of time.

    With ``direction`` there are two maps of each pair of frames, one of the cells that became brighter, one of those
    that became darker, as in the motion direction decoupling of TrackNetV5: where a bright ball arrives is the one,
    where it left the other. Without, there is one map of the absolute difference, TrackNetV4's attention (Raj et al.,
    ICASSP 2025) as an input. Differences are those of luma, and slope and threshold of the attention are learned.

    Args:
        frames: T, the length of a window, at least 2.
        direction: two maps for each pair of frames, by the sign of the change, in place of one.
        slope: where the learned slope of the attention starts; the nearer to 0, the steeper.
        threshold: where its learned threshold starts; at 0 what has not changed gets half.
        margin: what is added to the width of the rise.
        scale: factor on differences: the deviation that frames were divided by, 1 for frames at 0..1.
        outputs: the frames that get a heatmap; as in ``stack``.

    Raises:
        ValueError: ``frames`` is less than 2, or ``outputs`` is unknown.
    """

    luma: Tensor

    def __init__(
        self,
        *,
        frames: int,
        direction: bool = True,
        slope: float = 0.2,
        threshold: float = 0.15,
        margin: float = 1e-6,
        scale: float = 1.0,
        outputs: Outputs = "all",
    ) -> None:
        super().__init__()
        if frames < 2:
            raise ValueError(
                f"frames: {frames} has no motion. Give at least 2 (data.sequence.length), or choose the input "
                "'per_frame'."
            )
        self.direction = direction
        self.normalization = PowerNormalization(slope=slope, threshold=threshold, margin=margin, scale=scale)
        self.register_buffer("luma", torch.tensor(LUMA).view(3, 1, 1), persistent=False)
        self.channels = 3 * frames + (frames - 1) * (2 if direction else 1)
        self.targets = target_positions(frames, outputs)
        self.maps = len(self.targets)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, channels, H, W): a frame, the maps up to the next (brighter, darker), the next, …."""
        differences = (frames * self.luma).sum(dim=2, keepdim=True).diff(dim=1)  # (B, T - 1, 1, H, W)
        if self.direction:
            differences = torch.cat((differences.relu(), (-differences).relu()), dim=2)  # (B, T - 1, 2, H, W)
        between = torch.cat((frames[:, :-1], self.normalization(differences)), dim=2)  # (B, T - 1, 3 + 1 or 2, H, W)
        return torch.cat((between.flatten(1, 2), frames[:, -1]), dim=1)
