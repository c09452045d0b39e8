"""Blend the windows of a batch, as TrackNetV3 does."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.contracts import BatchTransform, Target
from tracknet_core.registry import transforms


@transforms.register("mixup")
class Mixup(BatchTransform):
    """Blend every window, and its targets, with another one of the batch.

    Sample mixup of TrackNetV3 (Chen and Wang, "TrackNetV3: Enhancing ShuttleCock Tracking with Augmentations and
    Trajectory Rectification", 2023; its published code trains with ``alpha`` 0.5): each window draws a share from
    Beta(alpha, alpha), and keeps the larger part of itself, at least one half. Its partner comes from a random order of
    the batch, itself possibly. Pictures (with the background) and heatmaps are blended with the same shares, so a
    heatmap has two fainter peaks where both windows show a ball.

    Unlike there, labels may be missing: a frame counts only if both frames that it is made of do.

    Args:
        alpha: shape of the Beta distribution, above 0; small values blend little, 1 draws evenly.

    Raises:
        ValueError: ``alpha`` is not above 0.
    """

    def __init__(self, *, alpha: float = 0.5) -> None:
        if not 0 < alpha < math.inf:
            raise ValueError(
                f"alpha={alpha} is no shape of a Beta distribution: give a number above 0, such as 0.5; "
                "without mixup, remove the transform"
            )
        self.alpha = alpha

    def mix(self, frames: Tensor, target: Target) -> tuple[Tensor, Target]:
        """Return blended frames and targets, of which only what was known counts.

        Args:
            frames: (B, P, 3, H, W) uint8.
            target: values (B, K, h, w), heatmaps.
        """
        batch = len(frames)
        share = torch.distributions.Beta(self.alpha, self.alpha).sample((batch,))
        partner_share = torch.minimum(share, 1 - share).to(frames.device)  # (B,)
        partner = torch.randperm(batch).to(frames.device)  # (B,)

        mixed = frames.float()
        mixed.lerp_(mixed[partner], partner_share[:, None, None, None, None])
        values = target.values.lerp(target.values[partner], partner_share[:, None, None, None].to(target.values.dtype))
        both = (target.weight != 0) & (target.weight[partner] != 0)
        has_ball = target.has_ball | target.has_ball[partner]
        return mixed.round_().to(torch.uint8), Target(values, target.weight * both, has_ball)
