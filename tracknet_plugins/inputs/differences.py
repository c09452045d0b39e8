"""Stacked frames with what changed between them."""

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Input
from tracknet_core.luma import LUMA
from tracknet_core.registry import inputs
from tracknet_plugins.inputs.stack import Outputs, target_positions


@inputs.register("differences")
class Differences(nn.Module, Input):
    """T frames and the T - 1 signed differences of consecutive frames, stacked along the channels.

    A small fast ball is hard to see in a frame and easy to see in a difference. The sign is kept, as in
    TrackNetV5: where a bright ball arrives the difference is positive, where it left, negative, so that the
    direction of the motion stands in the input, which the absolute difference of TrackNetV4 does not tell.

    Args:
        frames: T, the length of a window, at least 2.
        keep_frames: give the frames themselves too (3T channels more).
        targets_only: of the frames themselves only those that get a heatmap (3K channels more), as in BallSeg.
        absolute: leave out the sign.
        grey: one channel per difference, the mean over the colours; False gives three. The mean is unweighted,
            since the colours of normalised frames have equal variance.
        luma: the frames too are grey (T channels), and grey is the luma of ITU-R BT.601: nothing depends on colours.
        outputs: the frames that get a heatmap; as in ``stack``.

    Raises:
        ValueError: ``frames`` is less than 2, or ``outputs`` is unknown.
    """

    weights: Tensor

    def __init__(
        self,
        *,
        frames: int,
        keep_frames: bool = True,
        targets_only: bool = False,
        absolute: bool = False,
        grey: bool = True,
        luma: bool = False,
        outputs: Outputs = "all",
    ) -> None:
        super().__init__()
        if frames < 2:
            raise ValueError(
                f"frames: {frames} has no differences. Give at least 2 (data.sequence.length), or choose the input "
                "'per_frame'."
            )
        if luma and not grey:
            raise ValueError("luma: frames without colours have grey differences. Set grey: true, or luma: false.")
        self.keep_frames = keep_frames
        self.absolute = absolute
        self.grey = grey
        self.luma = luma
        self.register_buffer("weights", torch.tensor(LUMA).view(3, 1, 1), persistent=False)
        self.targets = target_positions(frames, outputs)
        self.maps = len(self.targets)
        self.kept = slice(self.targets[0], self.targets[-1] + 1) if targets_only else slice(frames)
        kept = len(range(frames)[self.kept]) if keep_frames else 0
        self.channels = (1 if luma else 3) * kept + (frames - 1) * (1 if grey else 3)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, channels, H, W): frames, then frame t + 1 minus frame t for each t."""
        if self.luma:
            frames = (frames * self.weights).sum(dim=2, keepdim=True)  # (B, T, 1, H, W)
        differences = frames.diff(dim=1)  # (B, T - 1, 3 or 1, H, W)
        if self.grey and not self.luma:
            differences = differences.mean(dim=2, keepdim=True)  # (B, T - 1, 1, H, W)
        if self.absolute:
            differences = differences.abs()
        changes = differences.flatten(1, 2)  # (B, (T - 1) * (1 or 3), H, W)
        return torch.cat((frames[:, self.kept].flatten(1, 2), changes), dim=1) if self.keep_frames else changes
