"""What the protocols that count frames share; each of them fixes the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Outcome, Size, Visibility

_COUNTED = tuple(outcome for outcome in Outcome if outcome is not Outcome.UNCOUNTED)

_DISC = 2  # whole pixels within a radius of 2.5, as TrackNetV2 and V3 draw the ball

Truth = Literal["exact", "cut", "drawn"]
_SAID: Mapping[Truth | None, str] = {
    None: "",
    "exact": ", the place found in whole pixels, the true one not rounded",
    "cut": ", both places in whole pixels, the true one cut to them",
    "drawn": ", both places in whole pixels, the true one read from a disc drawn there",
}

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
        space: width and height of the picture in whose pixels distances are; None is the original video.
        maps: None moves both places there by the half-pixel rule. Otherwise what is found was read from a map of
            ``space``: it is the whole pixel that it lies in. And the true place is the left top of its pixel times a
            scale, without half pixels: as it is (``exact``); cut to a whole pixel (``cut``); or read from a disc that
            is drawn in that pixel, as the middle of its box, which the border cuts (``drawn``).
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
        maps: Truth | None = None,
        recall: Literal["tp + fn", "tp + fn + fp1"] = "tp + fn",
        balls: tuple[Visibility, ...] = (Visibility.EASY, Visibility.HARD),
        average_precision: bool = False,
        radii: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self._threshold = threshold
        self._inclusive = inclusive
        self._space = space
        self._maps = maps
        self._recall = recall
        self._balls = balls
        self._average_precision = average_precision
        self._radii = radii
        self.rule = self._sentence()
        self.add_state("counts", torch.zeros(len(_CODES), len(_COUNTED), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("squares", torch.tensor(0.0), dist_reduce_fx="sum")
        if radii:
            self.add_state("within", torch.zeros(len(radii), dtype=torch.int64), dist_reduce_fx="sum")
        if average_precision:
            # Two lists of vectors, not one of pairs: a process that counted nothing takes part with an empty vector.
            self.add_state("scores", [], dist_reduce_fx="cat")
            self.add_state("hits", [], dist_reduce_fx="cat")

    def update(self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; the best one counts.
            points: (B, K, Q, 2) true points, whose mean is the place; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`.
            counted: (B, K) bool; False leaves a frame out.
            size: (B, 2) width and height of the original video.
        """
        outcome, distance = self._judged(detections, points, visibility, counted, size)
        cell = (visibility * len(_COUNTED) + outcome)[outcome != Outcome.UNCOUNTED]  # (M,)
        self.counts += one_hot(cell, self.counts.numel()).sum(dim=0).view_as(self.counts)
        placed = (outcome == Outcome.TP) | (outcome == Outcome.FP1)
        self.squares += distance[placed].square().sum()
        if self._radii:
            compared = thousandths(distance[placed])
            self.within += (compared.unsqueeze(-1) <= compared.new_tensor(self._radii)).sum(dim=0)
        if self._average_precision:
            scored = placed | (outcome == Outcome.FP2)
            self.scores.append(detections.best().score.squeeze(-1)[scored].float())
            self.hits.append((outcome == Outcome.TP)[scored].float())

    def outcomes(
        self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor
    ) -> Tensor:
        """Return (B, K) which of the five counts each frame adds to; arguments as of :meth:`update`."""
        return self._judged(detections, points, visibility, counted, size)[0]

    def _judged(
        self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return (B, K) outcomes, and (B, K) distances from the true to the found place in pixels of the rule.

        Where a rule reads maps, files by its code hold the left top of a pixel of the map, cut to a whole number: of
        512, pixel 1 begins at 3.75 of 1920 and is written as 3, which itself lies in pixel 0. So a place in whole
        numbers is taken back to the last pixel of the map that begins in it, and is not moved twice.
        """
        best, xy = detections.best(), points.mean(dim=-2)
        found = best.present.squeeze(-1)  # (B, K)
        ball = torch.isin(visibility, visibility.new_tensor([int(code) for code in self._balls]))
        counted = counted & (visibility != Visibility.UNLABELLED) & (~ball | xy.isfinite().all(dim=-1))
        distance = torch.linalg.vector_norm(self._found(best.xy.squeeze(-2), size) - self._true(xy, size), dim=-1)
        compared = thousandths(distance)
        close = compared <= self._threshold if self._inclusive else compared < self._threshold
        of_ball = torch.where(found, torch.where(close, Outcome.TP, Outcome.FP1), Outcome.FN)
        of_none = torch.where(found, Outcome.FP2, Outcome.TN)
        return torch.where(counted, torch.where(ball, of_ball, of_none), Outcome.UNCOUNTED), distance

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision``, ``recall``, ``f1``, ``accuracy`` in 0..1, ``rmse`` in pixels, and the five counts.

        Where the rule has them also ``ap`` and ``pck@r``; and, for every code of visibility that is a ball and occurs,
        ``recall_easy``, ``recall_hard``, ``recall_occluded``.
        """
        total = self.counts.sum(dim=0)
        tp, fp1, fp2, tn, fn = total
        balls = tp + fp1 + fn
        found, due = tp + fp1 + fp2, self._relevant(total)
        figures = {
            "precision": _ratio(tp, found, balls),
            "recall": _ratio(tp, due, balls),
            "f1": 2 * tp / (found + due),  # the harmonic mean of both; 0 where one of them is nothing to nothing
            "accuracy": (tp + tn) / total.sum(),
            "rmse": (self.squares / (tp + fp1)).sqrt(),
        }
        if self._average_precision:
            gained = _gained_precision(joined(self.scores), joined(self.hits))
            figures["ap"] = _ratio(gained, tp + fn, balls)
        for index, radius in enumerate(self._radii):
            figures[f"pck@{radius:g}"] = self.within[index] / balls
        for code in self._balls:
            of_code = self.counts[_CODES.index(code)]
            if of_code.sum() > 0:
                relevant = self._relevant(of_code)
                figures[f"recall_{code.name.lower()}"] = _ratio(of_code[Outcome.TP], relevant, of_code.sum())
        return {**figures, **{outcome.name.lower(): total[outcome] for outcome in _COUNTED}}

    def _relevant(self, counts: Tensor) -> Tensor:
        """Return what tp is divided by for the recall."""
        relevant = counts[Outcome.TP] + counts[Outcome.FN]
        return relevant if self._recall == "tp + fn" else relevant + counts[Outcome.FP1]

    def _found(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return found places (B, K, 2) of videos of ``size`` (B, 2) in the pixels of the rule."""
        placed = self._placed(xy, size)
        if self._maps is None:
            return placed
        last_to_begin = self._scaled(xy + 1, size).ceil() - 1
        # In a video that is smaller than the map, several of its pixels begin in one, and any may have been meant.
        is_from_file = (xy == xy.round()) & (self._scaled(torch.ones_like(xy), size) <= 1)
        return torch.where(is_from_file, last_to_begin, (placed + 0.5).floor())

    def _true(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return true places (B, K, 2) of videos of ``size`` (B, 2) in the pixels of the rule."""
        if self._maps is None:
            return self._placed(xy, size)
        scaled = self._scaled(xy, size)
        if self._maps == "exact":
            return scaled
        pixel = scaled.trunc()
        if self._maps == "cut":
            return pixel
        space = size.to(xy).unsqueeze(1) if self._space is None else xy.new_tensor(self._space)
        low, high = (pixel - _DISC).clamp(min=0), torch.minimum(pixel + _DISC, space - 1)
        return ((low + high + 1) / 2).floor()

    def _placed(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return places (B, K, 2) in the pixels of the rule, by the half-pixel rule."""
        return xy if self._space is None else self._scaled(xy + 0.5, size) - 0.5

    def _scaled(self, xy: Tensor, size: Tensor) -> Tensor:
        """Return (B, K, 2) lengths in the pixels of the rule."""
        if self._space is None:
            return xy
        # Multiplied before it is divided: whole pixels are then exact in float32, and none falls below its border.
        return xy * xy.new_tensor(self._space) / size.to(xy).unsqueeze(1)

    def _sentence(self) -> str:
        space = "the original video" if self._space is None else f"{self._space[0]}x{self._space[1]}"
        return (
            f"close is d {'<=' if self._inclusive else '<'} {self._threshold:g} px of {space}{_SAID[self._maps]}; "
            f"recall tp / ({self._recall}); visibility {', '.join(str(int(code)) for code in self._balls)} is a ball"
        )


def thousandths(distance: Tensor) -> Tensor:
    """Return distances as they are compared with thresholds: rounded to thousandths of a pixel."""
    return distance.round(decimals=3)


def _ratio(part: Tensor, whole: Tensor, balls: Tensor) -> Tensor:
    """Return part / whole; of nothing to nothing 0 where there are balls, and NaN where there are none."""
    return torch.where(whole > 0, part / whole, 0 / balls)


def joined(parts: list[Tensor] | Tensor) -> Tensor:
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
