"""How the losses of this package become a sum and a count."""

from __future__ import annotations

import torch
from torch import Tensor

from tracknet_core.contracts import Cost


def per_frame(values: Tensor, weight: Tensor) -> Cost:
    """Return the sum over the frames, to be divided by how much they count.

    Args:
        values: (B, K) float32, one number per frame.
        weight: (B, K), how much a frame counts; 0 leaves it out.
    """
    return per_thing(values, torch.ones_like(values), weight)


def per_thing(values: Tensor, counts: Tensor, weight: Tensor) -> Cost:
    """Return the sum over the frames, to be divided by the number of things in them.

    Args:
        values: (B, K) float32, the sum of a frame.
        counts: (B, K), how many things are in a frame.
        weight: (B, K), how much a frame counts; 0 leaves it out.
    """
    weight = weight.float()  # a half type does not count beyond a few hundred frames
    return Cost((weight * values).sum(), (weight * counts).sum())
