"""The loss of GridTrackNet: in which cell, and where in it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("grid")
class GridLoss(nn.Module, Loss):
    """A focal loss of the confidence, and the distance of the offsets in the cell of the ball.

    With p = ``sigmoid`` of a cell's first logit, and c its target, 1 in the cell of the ball, the loss of a frame is

    - the mean over the cells of ``-(alpha c (1 - p)^gamma log p + (1 - alpha) (1 - c) p^gamma log(1 - p))``
      (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017),
    - and ``offset_weight`` times ``|dx| + |dy|``, how far the sigmoids of the other two are from theirs in the cell of
      the ball, in sides of a cell.

    It is the mean over the frames that count. The defaults are those of GridTrackNet (Korpelshoek, 2023), whose weight
    of the offsets is small because the first part is a mean over 1,296 cells: with fewer cells, give more.

    Args:
        alpha: weight of the cells with a ball, in 0..1; the others have the rest.
        gamma: exponent of the prediction, at least 0; more puts more weight on cells that are wrong by much.
        offset_weight: weight of the offsets, at least 0.

    Raises:
        ValueError: a parameter is out of its range.
    """

    forms = ("offsets",)

    def __init__(self, *, alpha: float = 0.75, gamma: float = 2.0, offset_weight: float = 0.001) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha: {alpha} is no share of the weight. Give a number from 0 to 1.")
        for name, value in (("gamma", gamma), ("offset_weight", offset_weight)):
            if not value >= 0:
                raise ValueError(f"{name}: {value} is out of range. Give a number of at least 0.")
        self.alpha = alpha
        self.gamma = gamma
        self.offset_weight = offset_weight

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, 3, h, w).
            target: values (B, K, 3, h, w): confidence, and offsets along x and y in 0..1.

        Returns:
            A sum over the frames, and how many frames count.
        """
        logits = logits.float()
        said, ball = logits[:, :, 0], target.values[:, :, 0]  # (B, K, h, w)
        p = said.sigmoid()
        # log p and log(1 - p) from the logits: finite where p rounds to 0 or 1.
        found = self.alpha * ball * (1 - p).pow(self.gamma) * F.logsigmoid(said)
        empty = (1 - self.alpha) * (1 - ball) * p.pow(self.gamma) * F.logsigmoid(-said)
        distance = (logits[:, :, 1:].sigmoid() - target.values[:, :, 1:]).abs().sum(dim=2)  # (B, K, h, w)
        offsets = self.offset_weight * (ball * distance).sum(dim=(-2, -1))
        return per_frame(offsets - (found + empty).mean(dim=(-2, -1)), target.weight)
