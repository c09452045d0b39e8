"""The penalty-reduced focal loss of CornerNet and CenterNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_thing

LEAST_PEAK = 0.35
"""Height from which the top cell of a map is a ball: the cell nearest to the centre of a gaussian with sigma of at
least 0.5 cells is not lower than exp(-1) = 0.37, wherever in the cell the ball is. Below it, what is in the map is
the tail of a ball outside."""


@losses.register("focal")
class Focal(nn.Module, Loss):
    """Focal loss on heatmaps whose cells near the ball are forgiven.

    With p = ``sigmoid(logits)`` and y the target's height, the cost of a cell is

    - ``-(1 - p)^alpha log p`` in the cell of a ball,
    - ``-(1 - y)^beta p^alpha log(1 - p)`` in every other,

    and the loss is the sum over the cells of the batch, divided by the number of balls, or by 1 if there are none (Law
    and Deng, "CornerNet", ECCV 2018, eq. 1; Zhou et al., "Objects as Points", 2019, eq. 1). A frame's weight counts
    in both sums. In the papers, the cell of a ball is where y = 1. Hardly a cell has that where places are sub-pixel:
    here it is the highest cell of the map, one per frame, the first of equals.

    Args:
        alpha: exponent of the prediction, at least 0; more puts more weight on cells that are wrong by much.
        beta: exponent of the target, at least 0; more forgives more around the ball.

    Raises:
        ValueError: an exponent is negative.
    """

    def __init__(self, *, alpha: float = 2.0, beta: float = 4.0) -> None:
        super().__init__()
        for name, value in (("alpha", alpha), ("beta", beta)):
            if not value >= 0:
                raise ValueError(f"{name}: {value} is no exponent of a focal loss. Give a number of at least 0.")
        self.alpha = alpha
        self.beta = beta

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: values (B, K, h, w), heights in 0..1, at most one ball per map.

        Returns:
            A sum over the frames, and the number of balls.
        """
        logits, height = logits.float().flatten(2), target.values.flatten(2)  # (B, K, h * w)
        peak, cell = height.max(dim=-1, keepdim=True)  # (B, K, 1)
        is_ball = torch.zeros_like(height, dtype=torch.bool).scatter(-1, cell, peak >= LEAST_PEAK)
        p = logits.sigmoid()
        found = (1 - p).pow(self.alpha) * F.logsigmoid(logits)
        empty = (1 - height).pow(self.beta) * p.pow(self.alpha) * F.logsigmoid(-logits)
        cost = -torch.where(is_ball, found, empty).sum(dim=-1)  # (B, K)
        return per_thing(cost, is_ball.sum(dim=-1), target.weight)
