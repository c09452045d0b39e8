"""What heads share that look at motion."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.layers import PowerNormalization
from tracknet_core.luma import LUMA

Fusion = Literal["previous", "both", "central"]
Change = Literal["absolute", "brightening"]


class MotionFusion(nn.Module):
    """Logits times motion attention: what changed from a frame to the next, by its luma.

    Args:
        maps: target frames per network sample, its first ones.
        frames: pictures of a network sample: the target frames, and a background after them at most.
        fusion: the changes that count for a frame: from the ``previous`` frame, so that the first keeps its logits, or
            the mean of that and the one to the next frame (``both``), or the attention of half the change from the
            previous frame to the next (``central``); at the ends the one that there is.
        change: the ``absolute`` difference, or only that of cells that became brighter (``brightening``).
        normalization: difference to attention.

    Raises:
        ValueError: ``fusion`` or ``change`` is unknown, or the frames are not those that get an answer.
    """

    luma: Tensor

    def __init__(
        self, *, maps: int, frames: int, fusion: Fusion, change: Change, normalization: PowerNormalization
    ) -> None:
        super().__init__()
        for name, value, known in (("fusion", fusion, get_args(Fusion)), ("change", change, get_args(Change))):
            if value not in known:
                raise ValueError(f"{name}: {value!r} is unknown. It accepts: {', '.join(known)}.")
        if maps < 2 or not 0 <= frames - maps <= 1:
            raise ValueError(
                f"motion attention is for windows whose frames all get an answer, two or more, and here {maps} of "
                f"{frames} pictures do. Choose an input with outputs: all, or the head 'heatmap'."
            )
        self.maps, self.frames, self.fusion, self.change = maps, frames, fusion, change
        self.normalization = normalization
        self.register_buffer("luma", torch.tensor(LUMA).view(3, 1, 1), persistent=False)

    def forward(self, logits: Tensor, frames: Tensor) -> Tensor:
        """Return changed logits.

        Args:
            logits: (N, maps, h, w).
            frames: (B, P, 3, H, W), the normalised frames.

        Returns:
            (N, maps, h, w).
        """
        own = frames.reshape(logits.shape[0], self.frames, *frames.shape[2:])[:, : self.maps]  # (N, maps, 3, H, W)
        differences = (own * self.luma).sum(dim=2).diff(dim=1)  # (N, maps - 1, H, W)
        if self.fusion == "central":
            middle = (differences[:, :-1] + differences[:, 1:]) / 2
            differences = torch.cat((differences[:, :1], middle, differences[:, -1:]), dim=1)  # (N, maps, H, W)
        if self.change == "brightening":
            differences = differences.relu()
        attention: Tensor = self.normalization(differences)
        if attention.shape[-2:] != logits.shape[-2:]:
            attention = F.interpolate(attention, logits.shape[-2:], mode="bilinear", align_corners=False)
        if self.fusion == "central":
            return logits * attention
        first, last = attention[:, :1], attention[:, -1:]
        if self.fusion == "previous":
            return logits * torch.cat((torch.ones_like(first), attention), dim=1)
        return logits * torch.cat((first, (attention[:, :-1] + attention[:, 1:]) / 2, last), dim=1)
