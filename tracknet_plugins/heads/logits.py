"""The last layer that heads share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Form, Size


class Logits(nn.Module):
    """A convolution to logits that starts at a prior, and a resize where the heatmap has another size.

    With a small prior the many empty cells cost little from the start (Lin et al., "Focal Loss", ICCV 2017, 4.1).
    Of ``classes``, all but the first share the prior. Of ``offsets``, only the first says whether there is a ball; the
    others start at 0.5, the middle of the cell.

    Args:
        channels: channels of the map that comes in.
        maps: target frames per network sample.
        form: what each of them gets, of the layout ``map``.
        prior: probability of a ball in a cell at the start, between 0 and 1.
        kernel: side of the convolution, odd.
        normalize: whether ReLU and batch normalisation come after it, which then starts at the prior.
        enlarge: cells along a side that a transposed convolution makes of each, which starts with copies; 1 leaves it
            out.

    Raises:
        ValueError: ``prior`` is not between 0 and 1, ``kernel`` is not odd, or ``enlarge`` is less than 1.
    """

    def __init__(
        self,
        channels: int,
        maps: int,
        form: Form,
        prior: float,
        kernel: int = 1,
        normalize: bool = False,
        enlarge: int = 1,
    ) -> None:
        super().__init__()
        if not 0 < prior < 1:
            raise ValueError(
                f"prior: {prior} is no probability of a ball. Give a number between 0 and 1, such as 0.01."
            )
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel: {kernel} has no middle. Give an odd number, such as 1 or 3.")
        if enlarge < 1:
            raise ValueError(f"enlarge: {enlarge} is no number of cells. Give at least 1.")
        self._form = form
        start = _start(form, prior)
        self.convolution = nn.Conv2d(channels, maps * len(start), kernel, padding=kernel // 2)
        self.normalization = nn.BatchNorm2d(maps * len(start)) if normalize else None
        if self.normalization is None:
            nn.init.normal_(self.convolution.weight, std=0.01)
        last = self.convolution if self.normalization is None else self.normalization
        with torch.no_grad():
            last.bias.copy_(torch.tensor(maps * start))  # type: ignore[union-attr]
        self.enlarged: nn.Module = nn.Identity()
        if enlarge > 1:
            outputs = maps * len(start)
            self.enlarged = nn.ConvTranspose2d(outputs, outputs, enlarge, stride=enlarge, groups=outputs)
            nn.init.ones_(self.enlarged.weight)
            nn.init.zeros_(self.enlarged.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """(N, channels, H, W) -> (N, maps, *form), for ``size`` (w, h) cells."""
        logits: Tensor = self.convolution(x)
        if self.normalization is not None:
            logits = self.normalization(logits.relu())
        logits = self.enlarged(logits)
        width, height = size
        if logits.shape[-2:] != (height, width):
            logits = F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
        if self._form.channels is None:
            return logits
        return logits.reshape(logits.shape[0], -1, self._form.channels, height, width)


def _start(form: Form, prior: float) -> list[float]:
    """Return the logits of an empty cell."""
    channels, ball = form.channels or 1, math.log(prior / (1 - prior))
    if form.name == "classes":
        return [math.log(channels - 1) - ball, *[0.0] * (channels - 1)]
    return [ball, *[0.0 if form.name == "offsets" else ball] * (channels - 1)]
