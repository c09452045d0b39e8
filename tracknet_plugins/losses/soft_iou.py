"""Intersection over union of probabilities."""

from __future__ import annotations

from torch import Tensor, nn

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses

TINY = 1e-6
"""The least union: no division by 0 where nothing is asked and nothing said."""


@losses.register("soft_iou")
class SoftIoU(nn.Module, Loss):
    """``1 - sum(p y) / sum(p + y - p y)`` over all cells of all frames of a window, the mean over the windows.

    p = ``sigmoid(logits)``, y is the target's height. From Rahman and Wang, "Optimizing Intersection-Over-Union in Deep
    Neural Networks for Image Segmentation", ISVC 2016; DeepPro's loss (Li et al., 2025). What is asked and what is said
    are weighed against each other, so that few cells with a ball are not drowned by empty ones. It takes a window as a
    whole: a frame without a ball counts by what is said in it.

    Args:
        smooth: cells that are added to both sums for each frame, at least 0. With 0, as published, a window in which
            there is no ball at all costs 1 whatever is said, and trains nothing.

    Raises:
        ValueError: ``smooth`` is negative.
    """

    def __init__(self, *, smooth: float = 1.0) -> None:
        super().__init__()
        if not smooth >= 0:
            raise ValueError(f"smooth: {smooth} is no number of cells. Give at least 0.")
        self.smooth = smooth

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: values (B, K, h, w), heights in 0..1.

        Returns:
            A sum over the windows, each as often as its frames count, and how many frames count.
        """
        p, y = logits.float().sigmoid(), target.values
        weight = target.weight.float()  # (B, K)
        both = (weight * (p * y).sum(dim=(-2, -1))).sum(dim=-1)  # (B,)
        either = (weight * (p + y - p * y).sum(dim=(-2, -1))).sum(dim=-1)
        count = weight.sum(dim=-1)
        share = (both + self.smooth * count) / (either + self.smooth * count).clamp(min=TINY)
        return Cost((count * (1 - share)).sum(), count.sum())
