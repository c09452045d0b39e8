"""How far figures may be off by the choice of clips: the bootstrap.

Frames of a clip resemble each other, so whole clips are drawn, with replacement. The state of a metric over the clips
of a draw is the sum of their states, and a state that is a list their concatenation: nothing is counted again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import IntArray

DRAWS = 1000
SEED = 0
SHARE = 0.95

State = Mapping[str, Any]
Values = npt.NDArray[np.float64]


def intervals(
    metric: Metric, states: Sequence[State], *, draws: int = DRAWS, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """Return the interval that holds the middle 95 % of the draws, for each figure.

    Args:
        metric: the metric after it has counted something, and before it was computed; it is not changed.
        states: its ``metric_state`` for each clip alone, at least one.
        draws: how often the clips are drawn.
        seed: of the draws.
    """
    figures = drawn_figures(metric, states, draw_clips(len(states), draws=draws, seed=seed))
    return {name: middle(values) for name, values in figures.items()}


def draw_clips(clips: int, *, draws: int = DRAWS, seed: int = SEED) -> IntArray:
    """Return (draws, clips) numbers of clips, drawn with replacement."""
    return np.random.default_rng(seed).integers(clips, size=(draws, clips))


def drawn_figures(metric: Metric, states: Sequence[State], chosen: IntArray) -> dict[str, Values]:
    """Return (draws,) values of each figure, NaN where a draw does not define it.

    Args:
        metric: the metric after it has counted something, and before it was computed; it is not changed.
        states: its ``metric_state`` for each clip alone, at least one.
        chosen: (draws, M) numbers of clips, whose states are put together.
    """
    figures: dict[str, Values] = {}
    for number, drawn in enumerate(_computed(metric, states, chosen)):
        for name, figure in drawn.items():
            # A figure that a draw does not define, such as the recall of a class that is not in it, may be left out.
            figures.setdefault(name, np.full(len(chosen), np.nan))[number] = figure
    return figures


def figures_together(metric: Metric, states: Sequence[State]) -> dict[str, float]:
    """Return each figure over all clips, from their states; see :func:`drawn_figures`."""
    [figures] = _computed(metric, states, np.arange(len(states))[np.newaxis])
    return figures


def plain_figures(metric: Metric) -> dict[str, float]:
    """Return the figures of a metric as numbers; counts stay whole ones."""
    return {name: figure.item() for name, figure in metric.compute().items()}


def _computed(metric: Metric, states: Sequence[State], chosen: IntArray) -> Iterator[dict[str, float]]:
    metric = metric.clone()
    metric.compute_with_cache = False
    sums = {
        name: torch.stack([state[name] for state in states])
        for name, value in states[0].items()
        if isinstance(value, Tensor)
    }
    for clips in chosen.tolist():
        for name in states[0]:
            if name in sums:
                setattr(metric, name, sums[name][clips].sum(dim=0))
            else:
                setattr(metric, name, [rows for clip in clips for rows in states[clip][name]])
        yield plain_figures(metric)


def middle(values: Values) -> tuple[float, float]:
    """Return what the middle 95 % of (draws,) values lie between; NaN if none is defined."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)
