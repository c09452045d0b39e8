"""Binary cross-entropy of distributions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame

SUREST = 1e-6
"""How near to 1 a probability counts: the logarithm of the rest stays finite."""


@losses.register("softmax_bce")
class SoftmaxBCE(nn.Module, Loss):
    """``-(y log p + (1 - y) log(1 - p))``, the sum over the cells along both sides, and the mean over the frames.

    p are the distributions whose logarithms the logits are. From TOTNet (Xu et al., 2025), which takes the mean over
    the frames whatever they weigh: here a frame's weight counts in both sums, as in all losses. Beside the plain cross
    entropy, ``-y log p``, it presses on each cell that is not the ball's by itself.
    """

    forms = ("sides",)

    # nn.Module's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, w + h) logarithms of probabilities.
            target: values (B, K, w + h), probabilities.

        Returns:
            A sum over the frames, and how many frames count.
        """
        logits = logits.float()
        rest = (-torch.expm1(logits.clamp(max=-SUREST))).log()
        cost = -(target.values * logits + (1 - target.values) * rest).sum(dim=-1)
        return per_frame(cost, target.weight)
