"""Mean squared error of the heatmap."""

from __future__ import annotations

from torch import Tensor, nn

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("mse")
class MSE(nn.Module, Loss):
    """``(sigmoid(logits) - target)^2``, the mean over the cells of a map and over the frames that count."""

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
        error = (logits.float().sigmoid() - target.values).square()
        return per_frame(error.mean(dim=(-2, -1)), target.weight)
