"""What codecs make of several windows that look at one frame."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-6  # of a probability, so that its logit is finite


def average_probabilities(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the logits of the weighted mean of ``sigmoid(logits)``.

    Args:
        logits: (M, *form) of M windows, of any floating type.
        weights: (M,) how much each counts, positive.

    Returns:
        (*form) float32, finite.
    """
    return _mean(logits.float().sigmoid(), weights).logit(_EPSILON)


def average_classes(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the logits of the weighted mean of the probabilities of classes.

    Args:
        logits: (M, C, h, w) maps of M windows, of any floating type.
        weights: (M,) how much each counts, positive.

    Returns:
        (C, h, w) float32, finite.
    """
    return _mean(logits.float().softmax(dim=1), weights).clamp(min=_EPSILON).log()


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    weights = weights.float()
    return torch.einsum("m,m...->...", weights, values) / weights.sum()
