"""Binary cross-entropy of the heatmap."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import weighted_mean


@losses.register("bce")
class BCE(nn.Module):
    """``-(y log p + (1 - y) log(1 - p))``, the mean over the cells of a map and over the frames that count.

    p is ``sigmoid(logits)`` and y the target's height in 0..1, so that the least loss of a soft target, its entropy,
    is not 0.
    """

    # nn.Module's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: (B, K, h, w), heights in 0..1.
            weight: (B, K), how much a frame counts; 0 leaves it out.

        Returns:
            Scalar; 0 if no frame counts.
        """
        cost = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
        return weighted_mean(cost.mean(dim=(-2, -1)), weight)
