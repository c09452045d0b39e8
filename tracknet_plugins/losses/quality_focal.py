"""The focal loss for targets between 0 and 1."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("quality_focal")
class QualityFocal(nn.Module, Loss):
    """``-|y - p|^beta (y log p + (1 - y) log(1 - p))``, with p = ``sigmoid(logits)`` and y the target's height.

    From Li et al., "Generalized Focal Loss", NeurIPS 2020, eq. 2; WASB's loss (Tarashima et al., BMVC 2023). Where y is
    0 or 1 it is the plain focal loss, and with a ``beta`` of 2 the same as ``wbce``; a height between them is reached
    at a cost of 0. The mean over the cells of a map and over the frames that count.

    Args:
        beta: exponent of the error, at least 1; more puts more weight on cells that are wrong by much.

    Raises:
        ValueError: ``beta`` is less than 1.
    """

    def __init__(self, *, beta: float = 2.0) -> None:
        super().__init__()
        if not beta >= 1:
            raise ValueError(f"beta: {beta} is no exponent of an error. Give a number of at least 1.")
        self.beta = beta

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: values (B, K, h, w), heights in 0..1.

        Returns:
            A sum over the frames, and how many frames count.
        """
        logits = logits.float()
        error = (target.values - logits.sigmoid()).abs().pow(self.beta)
        entropy = F.binary_cross_entropy_with_logits(logits, target.values, reduction="none")
        return per_frame((error * entropy).mean(dim=(-2, -1)), target.weight)
