"""How the losses of this package become one number."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return the mean over the frames that count.

    Args:
        values: (B, K) float32, one number per frame.
        weight: (B, K), how much a frame counts; 0 leaves it out.

    Returns:
        Scalar ``sum(weight * values) / sum(weight)``; 0 with a gradient of zeros if no frame counts.
    """
    return weighted_ratio(values, torch.ones_like(values), weight)


def weighted_ratio(values: Tensor, counts: Tensor, weight: Tensor) -> Tensor:
    """Return a sum per thing counted, over the frames that count.

    Args:
        values: (B, K) float32, the sum of a frame.
        counts: (B, K), how many things are in a frame.
        weight: (B, K), how much a frame counts; 0 leaves it out.

    Returns:
        Scalar ``sum(weight * values) / sum(weight * counts)``; only the numerator if the denominator is 0.
    """
    weight = weight.float()  # a half type does not count beyond a few hundred frames
    count = (weight * counts).sum()
    return (weight * values).sum() / torch.where(count > 0, count, 1.0)
