"""What codecs make of several windows that look at one frame."""

from __future__ import annotations

from torch import Tensor

_EPSILON = 1e-6  # of a probability, so that its logit is finite


def average_probabilities(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the logits of the weighted mean of ``sigmoid(logits)``.

    Args:
        logits: (M, h, w) maps of M windows, of any floating type.
        weights: (M,) how much each counts, positive.

    Returns:
        (h, w) float32, finite.
    """
    weighted = logits.float().sigmoid() * weights.float()[:, None, None]  # (M, h, w)
    return (weighted.sum(0) / weights.sum()).logit(_EPSILON)
