"""Binary cross-entropy of the heatmap."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("bce")
class BCE(nn.Module, Loss):
    """``-(y log p + (1 - y) log(1 - p))``, the mean over the cells of a map and over the frames that count.

    p is ``sigmoid(logits)`` and y the target's height in 0..1, so that the least loss of a soft target, its entropy,
    is not 0.
    """

    # nn.Module's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: values (B, K, h, w), heights in 0..1.

        Returns:
            A sum over the frames, and how many frames count.
        """
        cost = F.binary_cross_entropy_with_logits(logits.float(), target.values, reduction="none")
        return per_frame(cost.mean(dim=(-2, -1)), target.weight)
