"""Protocols over clips: all together, one by one, by class of visibility, over thresholds, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import Clip, Detections, FloatArray, ProtocolMetric, Visibility
from tracknet_core.evaluation.intervals import intervals, plain_figures
from tracknet_core.evaluation.results import (
    BoolArray,
    ClipResult,
    Evaluation,
    Prediction,
    ProtocolResult,
    SweepPoint,
)
from tracknet_core.evaluation.trajectory import trajectory, visible

THRESHOLDS = 20
"""Points of a sweep: as many scores, at equal shares of the balls that were found."""


def evaluate(
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
        trajectory=trajectory(map(_predicted_way, results)),
        true_trajectory=trajectory(map(_true_way, results)),
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
        trajectory=trajectory([(prediction.xy, expected, size[0])]),
        true_trajectory=trajectory([(_true_places(clip), expected, size[0])]),
    )


def _true_places(clip: Clip | ClipResult) -> FloatArray:
    return np.where(visible(clip.visibility)[:, None], clip.xy, np.float32(np.nan))


def _predicted_way(clip: ClipResult) -> tuple[FloatArray, BoolArray, float]:
    return clip.prediction.xy, visible(clip.visibility), clip.size[0]


def _true_way(clip: ClipResult) -> tuple[FloatArray, BoolArray, float]:
    return _true_places(clip), visible(clip.visibility), clip.size[0]


def _score(component: Mapping[str, Any], metric: Metric, clips: Sequence[ClipResult]) -> ProtocolResult:
    batches = [_batch(clip) for clip in clips]
    whole = _together(batches)
    alone = [_counted(metric, batch) for batch in batches]
    codes = [code for code in Visibility if code is not Visibility.UNLABELLED]
    by_class = {
        code.name.lower(): plain_figures(_counted(metric, whole.only(whole.visibility == code)))
        for code in codes
        if bool((whole.visibility == code).any())
    }
    return ProtocolResult(
        name=component["name"],
        rule=cast(ProtocolMetric, metric).rule,
        figures=plain_figures(_counted(metric, whole)),
        clips={clip.name: plain_figures(one) for clip, one in zip(clips, alone, strict=True)},
        classes=by_class,
        intervals=intervals(_counted(metric, whole), [one.metric_state for one in alone]) if len(clips) > 1 else {},
        sweep=_sweep(metric, whole) if all(clip.prediction.is_scored for clip in clips) else (),
        component=component,
        states={clip.name: _plain_state(one) for clip, one in zip(clips, alone, strict=True)},
    )


def _plain_state(metric: Metric) -> dict[str, Any]:
    """Return what a metric counted as numbers and lists; a state that is a list of vectors becomes one list."""
    return {
        name: value.tolist() if isinstance(value, Tensor) else [row for part in value for row in part.tolist()]
        for name, value in metric.metric_state.items()
    }


class _Frames(NamedTuple):
    """Frames as a batch of N windows of one frame.

    Attributes:
        points: (N, 1, 1, Q, 2) predicted points in pixels of the original video.
        score: (N, 1, 1).
        present: (N, 1, 1) bool.
        true_points: (N, 1, Q, 2).
        visibility: (N, 1).
        counted: (N, 1) bool.
        size: (N, 2) width and height of the original video.
    """

    points: Tensor
    score: Tensor
    present: Tensor
    true_points: Tensor
    visibility: Tensor
    counted: Tensor
    size: Tensor

    def only(self, counted: Tensor) -> _Frames:
        """Return the same frames, of which others count."""
        return self._replace(counted=counted)


def _batch(clip: ClipResult) -> _Frames:
    frames = len(clip)
    return _Frames(
        points=torch.from_numpy(np.nan_to_num(clip.prediction.points)).view(frames, 1, 1, -1, 2),
        score=torch.from_numpy(np.nan_to_num(clip.prediction.score, nan=np.inf)).view(frames, 1, 1),
        present=torch.from_numpy(clip.prediction.present).view(frames, 1, 1),
        true_points=torch.from_numpy(clip.points).view(frames, 1, -1, 2),
        visibility=torch.from_numpy(clip.visibility).view(frames, 1),
        counted=torch.ones(frames, 1, dtype=torch.bool),
        size=torch.tensor([clip.size], dtype=torch.float32).expand(frames, 2),
    )


def _together(batches: Sequence[_Frames]) -> _Frames:
    """Return the frames of all clips; a plain ball beside streaks is one whose ends are in one place."""
    points, true_points = (_widened(parts) for parts in ([b.points for b in batches], [b.true_points for b in batches]))
    batches = [
        batch._replace(points=one, true_points=other)
        for batch, one, other in zip(batches, points, true_points, strict=True)
    ]
    return _Frames(*(torch.cat(parts) for parts in zip(*batches, strict=True)))


def _widened(parts: Sequence[Tensor]) -> list[Tensor]:
    """Return points (…, Q, 2) with the most points that a ball has in any of the parts."""
    most = max(part.shape[-2] for part in parts)
    return [part.expand(*part.shape[:-2], most, 2) for part in parts]


def _counted(metric: Metric, frames: _Frames) -> Metric:
    """Return a fresh copy of a metric that has counted ``frames``."""
    counted = metric.clone()
    counted.reset()
    counted.update(
        Detections(frames.points, frames.score, frames.present),
        frames.true_points,
        frames.visibility,
        frames.counted,
        frames.size,
    )
    return counted


def _sweep(metric: Metric, frames: _Frames) -> tuple[SweepPoint, ...]:
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
