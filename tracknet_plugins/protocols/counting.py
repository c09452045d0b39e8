"""What the protocols that count frames share; each of them fixes the parameters."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Size, Visibility

COUNTS = ("tp", "fp1", "fp2", "tn", "fn")
_TP, _FP1, _FP2, _TN, _FN = range(len(COUNTS))

_DISC = 2  # whole pixels within a radius of 2.5, as TrackNetV2 and V3 draw the ball
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
    count over all clips. Where there is a ball, a ratio of nothing to nothing is 0, as in the published codes; without
    any ball it is NaN, since nothing was asked. RMSE is over tp and fp1, in pixels of the rule, and NaN without any.
    Left out are UNLABELLED frames, and those whose label is a ball in an unknown place.

    Before a distance is compared, it is rounded to thousandths of a pixel, which is finer than places are known:
    whether one equals the threshold would else depend on how float32 holds 124.1.

    The states are sums, but for the scores that the average precision needs, which are concatenated.

    Args:
        threshold: greatest distance that is close, in pixels of ``space``.
        inclusive: whether a distance of exactly ``threshold`` is close.
        space: width and height of the picture in whose pixels distances are, by the half-pixel rule; None is the
            original video.
        whole_pixels: whether both places are rounded to whole pixels of ``space`` first.
        drawn_truth: whether the true place is read from a disc that was drawn there: the middle of its box, in whole
            pixels of ``space``. The disc is drawn where the left top of the true pixel falls, and the border cuts it.
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
        drawn_truth: bool = False,
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
        self._drawn_truth = drawn_truth
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
        truth = self._drawn(xy, size) if self._drawn_truth else self._placed(xy, size)
        distance = torch.linalg.vector_norm(self._placed(best.xy.squeeze(-2), size) - truth, dim=-1)  # (B, K)
        compared = thousandths(distance)
        close = compared <= self._threshold if self._inclusive else compared < self._threshold

        kind = torch.where(found, torch.where(close, _TP, _FP1), _FN)
        kind = torch.where(ball, kind, torch.where(found, _FP2, _TN))
        cell = (visibility * len(COUNTS) + kind)[counted]  # (M,)
        self.counts += one_hot(cell, self.counts.numel()).sum(dim=0).view_as(self.counts)
        placed = counted & ball & found
        self.squares += distance[placed].square().sum()
        if self._radii:
            self.within += (compared[placed].unsqueeze(-1) <= compared.new_tensor(self._radii)).sum(dim=0)
        if self._average_precision:
            scored = counted & found
            self.scores.append(best.score.squeeze(-1)[scored].float())
            self.hits.append((ball & close)[scored].float())

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision``, ``recall``, ``f1``, ``accuracy`` in 0..1, ``rmse`` in pixels, and the five counts.

        Where the rule has them also ``ap`` and ``pck@r``; and, for every code of visibility that is a ball and occurs,
        ``recall_easy``, ``recall_hard``, ``recall_occluded``.
        """
        total = self.counts.sum(dim=0)
        tp, fp1, fp2, tn, fn = total
        balls = tp + fp1 + fn
        found, relevant = tp + fp1 + fp2, self._relevant(total)
        figures = {
            "precision": _ratio(tp, found, balls),
            "recall": _ratio(tp, relevant, balls),
            "f1": 2 * tp / (found + relevant),  # the harmonic mean of both; 0 where one of them is nothing to nothing
            "accuracy": (tp + tn) / total.sum(),
            "rmse": (self.squares / (tp + fp1)).sqrt(),
        }
        if self._average_precision:
            gained = _gained_precision(_joined(self.scores), _joined(self.hits))
            figures["ap"] = _ratio(gained, tp + fn, balls)
        for index, radius in enumerate(self._radii):
            figures[f"pck@{radius:g}"] = self.within[index] / balls
        for code in self._balls:
            of_code = self.counts[_CODES.index(code)]
            if of_code.sum() > 0:
                figures[f"recall_{code.name.lower()}"] = _ratio(of_code[_TP], self._relevant(of_code), of_code.sum())
        return {**figures, **dict(zip(COUNTS, total, strict=True))}

    def _relevant(self, counts: Tensor) -> Tensor:
        """Return what tp is divided by for the recall."""
        relevant = counts[_TP] + counts[_FN]
        return relevant if self._recall == "tp + fn" else relevant + counts[_FP1]

    def _placed(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return places (B, K, 2) in the pixels of the rule."""
        if self._space is not None:
            # rescale(), but multiplied first: whole pixels are then exact in float32, and none falls below its border.
            xy = (xy + 0.5) * xy.new_tensor(self._space) / size.to(xy).unsqueeze(1) - 0.5
        return (xy + 0.5).floor() if self._whole_pixels else xy

    def _drawn(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return the middles (B, K, 2) of the boxes around discs that are drawn at places, in pixels of the rule."""
        sides = size.to(xy).unsqueeze(1)  # (B, 1, 2)
        space = sides if self._space is None else xy.new_tensor(self._space).expand_as(sides)
        cell = (xy * space / sides).trunc()
        low, high = (cell - _DISC).clamp(min=0), torch.minimum(cell + _DISC, space - 1)
        return ((low + high + 1) / 2).floor()

    def _sentence(self) -> str:
        space = "the original video" if self._space is None else f"{self._space[0]}x{self._space[1]}"
        whole = ", both places in whole pixels" if self._whole_pixels else ""
        drawn = ", the true one read from a disc drawn there" if self._drawn_truth else ""
        return (
            f"close is d {'<=' if self._inclusive else '<'} {self._threshold:g} px of {space}{whole}{drawn}; "
            f"recall tp / ({self._recall}); visibility {', '.join(str(int(code)) for code in self._balls)} is a ball"
        )


def thousandths(distance: Tensor) -> Tensor:
    """Return distances as they are compared with thresholds: rounded to thousandths of a pixel."""
    return distance.round(decimals=3)


def _ratio(part: Tensor, whole: Tensor, balls: Tensor) -> Tensor:
    """Return part / whole; of nothing to nothing 0 where there are balls, and NaN where there are none."""
    return torch.where(whole > 0, part / whole, 0 / balls)


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    """Return a list state as one vector; where processes were merged, it is one already."""
    if isinstance(parts, Tensor):
        return parts
    return torch.cat(parts) if parts else torch.empty(0)


def _gained_precision(scores: Tensor, hits: Tensor) -> Tensor:
    """Return the sum of the precision at which each ball is found: the average precision times what recall divides by.

    Args:
        scores: (M,) of the detections.
        hits: (M,) 1 where the ball is, 0 elsewhere.
    """
    scores, order = scores.sort(descending=True)
    found = hits[order].cumsum(dim=0)
    rank = torch.arange(1, len(scores) + 1, device=scores.device)
    last_of_ties = torch.ones_like(scores, dtype=torch.bool)
    last_of_ties[:-1] = scores[1:] != scores[:-1]
    found, rank = found[last_of_ties], rank[last_of_ties]
    gains = found.diff(prepend=found.new_zeros(1))
    return (gains * found / rank).sum()
