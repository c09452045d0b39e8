"""The protocol of WASB."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.registry import protocols

THRESHOLD = 4.0
"""Pixels of the original video; a detection is right if it is closer. Part of the protocol, so not a parameter."""

COUNTS = ("tp", "fp1", "fp2", "tn", "fn")


@protocols.register("wasb")
class WASB(Metric):
    """Precision, recall, F1 and accuracy as published with WASB (Tarashima et al., BMVC 2023).

    Each frame is one of five, d being the distance of the best detection to the ball in pixels of the original video:

    - ``tp``: a ball, and a detection with d < 4;
    - ``fp1``: a ball, and a detection that is not so close;
    - ``fp2``: no ball, and a detection;
    - ``tn``: no ball, and no detection;
    - ``fn``: a ball, and no detection.

    Precision is tp / (tp + fp1 + fp2), recall tp / (tp + fn) without fp1, accuracy (tp + tn) / all; one count over all
    clips. Visibility 1 and 2 is a ball, 0 and 3 is no ball; unlabelled frames are left out. A ratio
    of nothing to nothing is 0.
    """

    full_state_update = False
    is_differentiable = False

    tp: Tensor
    fp1: Tensor
    fp2: Tensor
    tn: Tensor
    fn: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in COUNTS:
            self.add_state(name, torch.tensor(0), dist_reduce_fx="sum")

    def update(self, detections: Detections, xy: Tensor, visibility: Tensor, counted: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; the best one counts.
            xy: (B, K, 2) true places; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`.
            counted: (B, K) bool; False leaves a frame out.
        """
        best = detections.best()
        found = best.present.squeeze(-1)
        close = torch.linalg.vector_norm(best.xy.squeeze(-2) - xy, dim=-1) < THRESHOLD
        counted = counted & (visibility != Visibility.UNLABELLED)
        ball = (visibility == Visibility.EASY) | (visibility == Visibility.HARD)
        self.tp += (counted & ball & found & close).sum()
        self.fp1 += (counted & ball & found & ~close).sum()
        self.fp2 += (counted & ~ball & found).sum()
        self.tn += (counted & ~ball & ~found).sum()
        self.fn += (counted & ball & ~found).sum()

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision``, ``recall``, ``f1``, ``accuracy`` in 0..1, and the five counts, as floats."""
        counts = {name: getattr(self, name).float() for name in COUNTS}
        tp, fp1, fp2, tn, fn = counts.values()
        precision = _ratio(tp, tp + fp1 + fp2)
        recall = _ratio(tp, tp + fn)
        return {
            "precision": precision,
            "recall": recall,
            "f1": _ratio(2 * precision * recall, precision + recall),
            "accuracy": _ratio(tp + tn, tp + fp1 + fp2 + tn + fn),
            **counts,
        }


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole, 0.0)
