"""Protocols over clips: all together, one by one, by class of visibility, over thresholds, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import Clip, FloatArray, FrameRule, ProtocolMetric, Visibility
from tracknet_core.evaluation.continuity import continuity, visible
from tracknet_core.evaluation.frames import Frames
from tracknet_core.evaluation.intervals import intervals, plain_figures
from tracknet_core.evaluation.misses import miss_table
from tracknet_core.evaluation.results import (
    BoolArray,
    ClipResult,
    Evaluation,
    Prediction,
    ProtocolResult,
    SweepPoint,
)

THRESHOLDS = 20
"""Points of a sweep: as many scores, at equal shares of the balls that were found."""


def score_clips(
    source: str,
    split: str,
    clips: Sequence[tuple[Clip, Prediction]],
    protocols: Mapping[str, ProtocolMetric],
    notes: Sequence[str] = (),
    components: Mapping[str, Mapping[str, Any]] | None = None,
) -> Evaluation:
    """Score predictions.

    Args:
        source: what the predictions come from, for the reader.
        split: the split that the clips are.
        clips: the clips with what was predicted, one ball or none for each of their frames; at least one clip.
        protocols: the rules by name.
        notes: what a reader has to know; this function adds its own.
        components: the rules as a configuration writes them, by name; ``{"name": …}`` alone where left out.
    """
    results = tuple(_clip_result(clip, prediction) for clip, prediction in clips)
    added = []
    if len(results) == 1:
        added.append("there is one clip only: its figures have no intervals, and say little about other clips.")
    if not all(clip.prediction.is_scored for clip in results):
        added.append("not every ball has a score: there is no sweep, and balls without one count as surest in ap.")
    return Evaluation(
        source=source,
        split=split,
        clips=results,
        protocols=tuple(
            _score((components or {}).get(name, {"name": name}), cast(Metric, protocol), results)
            for name, protocol in protocols.items()
        ),
        trajectory=continuity(map(_predicted_way, results)),
        true_trajectory=continuity(map(_true_way, results)),
        misses={
            name: miss_table(protocol, results)
            for name, protocol in protocols.items()
            if isinstance(protocol, FrameRule)
        },
        notes=(*notes, *added),
    )


def _clip_result(clip: Clip, prediction: Prediction) -> ClipResult:
    size, expected = clip.frames.size, visible(clip.visibility)
    return ClipResult(
        name=clip.name,
        frames=clip.frames,
        size=size,
        fps=clip.frames.fps,
        points=clip.labels.points,
        visibility=clip.visibility,
        prediction=prediction,
        trajectory=continuity([(prediction.xy, expected, size[0])]),
        true_trajectory=continuity([(_true_places(clip), expected, size[0])]),
    )


def _true_places(clip: Clip | ClipResult) -> FloatArray:
    return np.where(visible(clip.visibility)[:, None], clip.xy, np.float32(np.nan))


def _predicted_way(clip: ClipResult) -> tuple[FloatArray, BoolArray, float]:
    return clip.prediction.xy, visible(clip.visibility), clip.size[0]


def _true_way(clip: ClipResult) -> tuple[FloatArray, BoolArray, float]:
    return _true_places(clip), visible(clip.visibility), clip.size[0]


def _score(component: Mapping[str, Any], metric: Metric, clips: Sequence[ClipResult]) -> ProtocolResult:
    batches = [Frames.of(clip) for clip in clips]
    whole = Frames.together(batches)
    alone = [_counted(metric, batch) for batch in batches]
    codes = [code for code in Visibility if code is not Visibility.UNLABELLED]
    by_class = {
        code.name.lower(): plain_figures(_counted(metric, whole.only(whole.visibility == code)))
        for code in codes
        if bool((whole.visibility == code).any())
    }
    sweep = _sweep(metric, whole) if all(clip.prediction.is_scored for clip in clips) else ()
    return ProtocolResult(
        name=component["name"],
        rule=cast(ProtocolMetric, metric).rule,
        figures=plain_figures(_counted(metric, whole)),
        clips={clip.name: plain_figures(one) for clip, one in zip(clips, alone, strict=True)},
        classes=by_class,
        intervals=intervals(_counted(metric, whole), [one.metric_state for one in alone]) if len(clips) > 1 else {},
        sweep=sweep,
        best=_best(sweep),
        component=component,
        states={clip.name: _plain_state(one) for clip, one in zip(clips, alone, strict=True)},
    )


def _plain_state(metric: Metric) -> dict[str, Any]:
    """Return what a metric counted as numbers and lists; a state that is a list of vectors becomes one list."""
    return {
        name: value.tolist() if isinstance(value, Tensor) else [row for part in value for row in part.tolist()]
        for name, value in metric.metric_state.items()
    }


def _counted(metric: Metric, frames: Frames) -> Metric:
    """Return a fresh copy of a metric that has counted ``frames``."""
    counted = metric.clone()
    counted.reset()
    counted.update(*frames.as_batch)
    return counted


def _sweep(metric: Metric, frames: Frames) -> tuple[SweepPoint, ...]:
    scores = np.sort(frames.score[frames.present].numpy())
    if not len(scores):
        return ()
    thresholds = np.unique(scores[np.arange(THRESHOLDS) * len(scores) // THRESHOLDS])
    return tuple(
        SweepPoint(
            float(threshold),
            plain_figures(
                _counted(metric, frames._replace(present=frames.present & (frames.score >= float(threshold))))
            ),
        )
        for threshold in thresholds
    )


def _best(sweep: Sequence[SweepPoint]) -> SweepPoint | None:
    defined = [point for point in sweep if math.isfinite(point.figures.get("f1", math.nan))]
    return max(defined, key=lambda point: point.figures["f1"], default=None)
