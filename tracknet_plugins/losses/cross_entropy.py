"""Cross-entropy over classes in every cell."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("cross_entropy")
class CrossEntropy(nn.Module, Loss):
    """``-(1 - p)^gamma log p``, the mean over the cells of a map and over the frames that count.

    p is the probability of the class that is right, by ``softmax(logits)``. TrackNet (Huang et al., AVSS 2019) is
    trained with ``gamma`` 0. More takes weight from cells that are right already, nearly all of which are empty (Lin et
    al., "Focal Loss for Dense Object Detection", ICCV 2017).

    Args:
        gamma: exponent of the focal loss, at least 0.

    Raises:
        ValueError: ``gamma`` is negative.
    """

    forms = ("classes",)

    def __init__(self, *, gamma: float = 0.0) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"gamma: {gamma} is no exponent of a focal loss. Give a number of at least 0.")
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, C, h, w).
            target: values (B, K, h, w) int64, numbers of classes.

        Returns:
            A sum over the frames, and how many frames count.
        """
        cost = F.cross_entropy(logits.float().flatten(0, 1), target.values.flatten(0, 1), reduction="none")
        if self.gamma:
            cost = (1 - (-cost).exp()).pow(self.gamma) * cost
        return per_frame(cost.mean(dim=(-2, -1)).view(target.weight.shape), target.weight)
