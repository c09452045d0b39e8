"""Percentage of correct keypoints: how often the ball is found within a radius."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import thousandths


@protocols.register("pck")
class PCK(Metric):
    """Share of the visible balls that are found within r pixels of the original video, and the mean distance.

    - ``pck@r``: share of the frames with a visible ball (visibility 1 and 2) in a known place that have a detection at
      d <= r; NaN if there are no such frames.
    - ``l2``: mean distance over the frames with a visible ball and a detection, in pixels. A tracker that detects
      nothing has none: it is NaN then, and not 0, which would be the best there is. Lightning's
      ``ModelCheckpoint`` takes NaN for the worst; ``EarlyStopping`` ends the training on it unless ``check_finite`` is
      off.

    Detections in frames without a ball do not count here, and as there is no one threshold, there are none of the five
    counts, no precision, recall or F1: ``wasb`` has them for the same balls, ``totnet`` has them beside the shares.

    Before a distance is compared, it is rounded to thousandths of a pixel, as in the protocols that count frames.

    Args:
        radii: the r, in pixels of the original video, each above 0 and named once.

    Raises:
        ValueError: there is no radius, one is not positive, or one is there twice.
    """

    rule = (
        "share of the visible balls (1 and 2) that are found at d <= r px of the original video; no counts, as no one "
        "r is the threshold"
    )
    full_state_update = False
    is_differentiable = False

    within: Tensor
    visible: Tensor
    found: Tensor
    distance: Tensor

    def __init__(self, *, radii: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0)) -> None:
        super().__init__()
        if not radii or not all(radius > 0 for radius in radii) or len(set(radii)) < len(radii):
            raise ValueError(
                f"radii: {list(radii)} must be different numbers above 0, in pixels, such as [2, 5, 10, 20]."
            )
        self.radii = tuple(radii)
        self.add_state("within", torch.zeros(len(radii), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("visible", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("found", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("distance", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; the best one counts.
            points: (B, K, Q, 2) true points, whose mean is the place; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`.
            counted: (B, K) bool; False leaves a frame out.
            size: not used.
        """
        best, xy = detections.best(), points.mean(dim=-2)
        visible = (visibility == Visibility.EASY) | (visibility == Visibility.HARD)
        visible = counted & visible & xy.isfinite().all(dim=-1)
        found = visible & best.present.squeeze(-1)
        distance = torch.linalg.vector_norm(best.xy.squeeze(-2) - xy, dim=-1)[found]
        self.visible += visible.sum()
        self.found += found.sum()
        self.distance += distance.sum()
        self.within += (thousandths(distance).unsqueeze(-1) <= distance.new_tensor(self.radii)).sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """Return ``l2`` in pixels, and ``pck@r`` in 0..1 for each radius."""
        share = self.within / self.visible
        return {
            "l2": self.distance / self.found,
            **{f"pck@{radius:g}": share[index] for index, radius in enumerate(self.radii)},
        }
