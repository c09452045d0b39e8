"""Mean squared error of the heatmap."""

from __future__ import annotations

from torch import Tensor, nn

from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import weighted_mean


@losses.register("mse")
class MSE(nn.Module):
    """``(sigmoid(logits) - target)^2``, the mean over the cells of a map and over the frames that count."""

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
        error = (logits.float().sigmoid() - target).square()
        return weighted_mean(error.mean(dim=(-2, -1)), weight)
