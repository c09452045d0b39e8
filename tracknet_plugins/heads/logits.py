"""The last layer that heads share."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Form, Size


class Logits(nn.Module):
    """A 1x1 convolution to logits that starts at a prior, and a resize where the heatmap has another size.

    With a small prior the many empty cells cost little from the start (Lin et al., "Focal Loss", ICCV 2017, 4.1).

    Args:
        channels: channels of the map that comes in.
        maps: target frames per network sample.
        form: what each of them gets, of the layout ``map``.
        prior: what ``sigmoid(logits)`` is at the start, between 0 and 1.

    Raises:
        ValueError: ``prior`` is not between 0 and 1.
    """

    def __init__(self, channels: int, maps: int, form: Form, prior: float) -> None:
        super().__init__()
        if not 0 < prior < 1:
            raise ValueError(
                f"prior: {prior} is no probability of a ball. Give a number between 0 and 1, such as 0.01."
            )
        self._form = form
        self.convolution = nn.Conv2d(channels, maps * (form.channels or 1), 1)
        nn.init.normal_(self.convolution.weight, std=0.01)
        nn.init.constant_(self.convolution.bias, math.log(prior / (1 - prior)))  # type: ignore[arg-type]

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """(N, channels, H, W) -> (N, maps, *form), for ``size`` (w, h) cells."""
        logits: Tensor = self.convolution(x)
        width, height = size
        if logits.shape[-2:] != (height, width):
            logits = F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
        if self._form.channels is None:
            return logits
        return logits.reshape(len(logits), -1, self._form.channels, height, width)
