"""What the protocols that count frames share; each of them fixes the parameters."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Size, Visibility, rescale

COUNTS = ("tp", "fp1", "fp2", "tn", "fn")
_TP, _FP1, _FP2, _TN, _FN = range(len(COUNTS))

_CODES = (Visibility.ABSENT, Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED)


class FrameCounts(Metric):
    """Five counts, and the figures that follow from them.

    Each frame is one of five, d being the distance of the best detection to the ball:

    - ``tp``: a ball, and a detection that is close;
    - ``fp1``: a ball, and a detection that is not;
    - ``fp2``: no ball, and a detection;
    - ``tn``: no ball, and no detection;
    - ``fn``: a ball, and no detection.

    Precision is tp / (tp + fp1 + fp2), accuracy (tp + tn) / all, F1 the harmonic mean of precision and recall; one
    count over all clips. A ratio of nothing to nothing is 0. RMSE is over tp and fp1, in pixels of the rule, and NaN
    without any. Left out are UNLABELLED frames, and those whose label is a ball in an unknown place.

    The states are sums, but for the scores that the average precision needs, which are concatenated.

    Args:
        threshold: greatest distance that is close, in pixels of ``space``.
        inclusive: whether a distance of exactly ``threshold`` is close.
        space: width and height of the picture in whose pixels distances are, by the half-pixel rule; None is the
            original video.
        whole_pixels: whether both places are rounded to whole pixels of ``space`` first.
        recall: what tp is divided by.
        balls: codes of visibility that are a ball; the others are no ball.
        average_precision: whether to give ``ap`` too: the sum over the scores, from the highest on, of the gain in
            recall times the precision reached. Equal scores enter together, so that their order does not matter.
        radii: further radii r in pixels of ``space``, for ``pck@r``: the share of balls with a detection at d <= r.
    """

    full_state_update = False
    is_differentiable = False

    counts: Tensor
    squares: Tensor
    within: Tensor
    scores: list[Tensor]
    hits: list[Tensor]

    def __init__(
        self,
        *,
        threshold: float,
        inclusive: bool,
        space: Size | None = None,
        whole_pixels: bool = False,
        recall: Literal["tp + fn", "tp + fn + fp1"] = "tp + fn",
        balls: tuple[Visibility, ...] = (Visibility.EASY, Visibility.HARD),
        average_precision: bool = False,
        radii: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self._threshold = threshold
        self._inclusive = inclusive
        self._space = space
        self._whole_pixels = whole_pixels
        self._recall = recall
        self._balls = balls
        self._average_precision = average_precision
        self._radii = radii
        self.rule = self._sentence()
        self.add_state("counts", torch.zeros(len(_CODES), len(COUNTS), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("squares", torch.tensor(0.0), dist_reduce_fx="sum")
        if radii:
            self.add_state("within", torch.zeros(len(radii), dtype=torch.int64), dist_reduce_fx="sum")
        if average_precision:
            # Two lists of vectors, not one of pairs: a process that counted nothing takes part with an empty vector.
            self.add_state("scores", [], dist_reduce_fx="cat")
            self.add_state("hits", [], dist_reduce_fx="cat")

    def update(self, detections: Detections, xy: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; the best one counts.
            xy: (B, K, 2) true places; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`.
            counted: (B, K) bool; False leaves a frame out.
            size: (B, 2) width and height of the original video.
        """
        best = detections.best()
        found = best.present.squeeze(-1)  # (B, K)
        ball = torch.isin(visibility, visibility.new_tensor([int(code) for code in self._balls]))
        counted = counted & (visibility != Visibility.UNLABELLED) & (~ball | xy.isfinite().all(dim=-1))
        distance = torch.linalg.vector_norm(
            self._placed(best.xy.squeeze(-2), size) - self._placed(xy, size), dim=-1
        )  # (B, K)
        close = distance <= self._threshold if self._inclusive else distance < self._threshold

        kind = torch.where(found, torch.where(close, _TP, _FP1), _FN)
        kind = torch.where(ball, kind, torch.where(found, _FP2, _TN))
        cell = (visibility * len(COUNTS) + kind)[counted]  # (M,)
        self.counts += one_hot(cell, self.counts.numel()).sum(dim=0).view_as(self.counts)
        placed = distance[counted & ball & found]
        self.squares += placed.square().sum()
        if self._radii:
            self.within += (placed.unsqueeze(-1) <= placed.new_tensor(self._radii)).sum(dim=0)
        if self._average_precision:
            scored = counted & found
            self.scores.append(best.score.squeeze(-1)[scored].float())
            self.hits.append((ball & close)[scored].float())

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision``, ``recall``, ``f1``, ``accuracy`` in 0..1, ``rmse`` in pixels, and the five counts.

        Where the rule has them also ``ap`` and ``pck@r``; and, for every code of visibility that is a ball and occurs,
        ``recall_easy``, ``recall_hard``, ``recall_occluded``.
        """
        total = self.counts.sum(dim=0).float()
        tp, fp1, fp2, tn, fn = total
        precision = _ratio(tp, tp + fp1 + fp2)
        recall = self._recall_of(total)
        figures = {
            "precision": precision,
            "recall": recall,
            "f1": _ratio(2 * precision * recall, precision + recall),
            "accuracy": _ratio(tp + tn, total.sum()),
            "rmse": (self.squares / (tp + fp1)).sqrt(),
        }
        if self._average_precision:
            figures["ap"] = _average_precision(_joined(self.scores), _joined(self.hits), tp + fn)
        for index, radius in enumerate(self._radii):
            figures[f"pck@{radius:g}"] = _ratio(self.within[index].float(), tp + fp1 + fn)
        for code in self._balls:
            of_code = self.counts[_CODES.index(code)].float()
            if of_code.sum() > 0:
                figures[f"recall_{code.name.lower()}"] = self._recall_of(of_code)
        return {**figures, **dict(zip(COUNTS, total, strict=True))}

    def _recall_of(self, counts: Tensor) -> Tensor:
        tp, fp1, _, _, fn = counts
        return _ratio(tp, tp + fn if self._recall == "tp + fn" else tp + fn + fp1)

    def _placed(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return places (B, K, 2) in the pixels of the rule."""
        if self._space is not None:
            scale = xy.new_tensor(self._space) / size.to(xy)
            xy = rescale(xy, scale.unsqueeze(1))
        return (xy + 0.5).floor() if self._whole_pixels else xy

    def _sentence(self) -> str:
        space = "the original video" if self._space is None else f"{self._space[0]}x{self._space[1]}"
        whole = ", both places in whole pixels" if self._whole_pixels else ""
        return (
            f"close is d {'<=' if self._inclusive else '<'} {self._threshold:g} px of {space}{whole}; "
            f"recall tp / ({self._recall}); visibility {', '.join(str(int(code)) for code in self._balls)} is a ball"
        )


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole, 0.0)


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    """Return a list state as one vector; where processes were merged, it is one already."""
    if isinstance(parts, Tensor):
        return parts
    return torch.cat(parts) if parts else torch.empty(0)


def _average_precision(scores: Tensor, hits: Tensor, balls: Tensor) -> Tensor:
    """Return the average precision of detections.

    Args:
        scores: (M,) of the detections.
        hits: (M,) 1 where the ball is, 0 elsewhere.
        balls: what recall divides by.
    """
    if not len(scores):
        return torch.zeros_like(balls)
    scores, order = scores.sort(descending=True)
    found = hits[order].cumsum(dim=0)
    rank = torch.arange(1, len(scores) + 1, device=scores.device)
    last_of_ties = torch.cat([scores[1:] != scores[:-1], scores.new_ones(1, dtype=torch.bool)])
    found, rank = found[last_of_ties], rank[last_of_ties]
    gains = found.diff(prepend=found.new_zeros(1))
    return _ratio((gains * found / rank).sum(), balls)
