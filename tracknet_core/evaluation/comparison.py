"""Several evaluations side by side: how far they differ, and by how much that may be the choice of clips."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.components import build
from tracknet_core.contracts import Detections, IntArray, Visibility
from tracknet_core.errors import DataError
from tracknet_core.evaluation.disagreements import Disagreement, disagreements, gained_and_lost
from tracknet_core.evaluation.intervals import State, Values, draw_clips, drawn_figures, figures_together, middle
from tracknet_core.evaluation.misses import misses
from tracknet_core.evaluation.results import Figures, Misses, SweepPoint, as_plain
from tracknet_core.evaluation.saved_runs import SavedProtocol, SavedRun
from tracknet_core.schema import check_component

Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Difference:
    """A run minus the first one.

    Attributes:
        figures: the differences; NaN where one of the two is not defined.
        intervals: lowest and highest difference in 95 of 100 draws of the clips; empty for a single clip.
        gained: frames that the run has right and the first one wrong; 0 where the protocol counts no frames.
        lost: frames that the first one has right and the run wrong.
    """

    figures: Figures
    intervals: Intervals
    gained: int
    lost: int


@dataclass(frozen=True)
class ProtocolComparison:
    """What a protocol says about each run.

    Attributes:
        name: of the protocol.
        rule: its rule in a sentence.
        figures: of each run, over the clips that all share.
        differences: of each run but the first.
        sweeps: figures over thresholds of each run, over all of its own clips.
        misses: what became of the balls in each run; empty where the protocol counts no frames.
    """

    name: str
    rule: str
    figures: tuple[Figures, ...]
    differences: tuple[Difference, ...]
    sweeps: tuple[tuple[SweepPoint, ...], ...]
    misses: tuple[Misses, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: the file of each run.
        names: what each run is called.
        differs: what the numbers depend on and is not the same for all runs, by name; of each run, empty if unknown.
        clips: the clips that all runs share.
        protocols: the rules that all runs share.
        judge: name of the first of them that counts frames, by which ``disagreements`` are; empty if none does.
        disagreements: where a run and the first one differ, in the order of runs, clips and frames.
        notes: what a reader has to know, such as clips that were left out.
    """

    runs: tuple[str, ...]
    names: tuple[str, ...]
    differs: Mapping[str, tuple[str, ...]]
    clips: tuple[str, ...]
    protocols: tuple[ProtocolComparison, ...]
    judge: str
    disagreements: tuple[Disagreement, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers for JSON; NaN is None."""
        plain = {**asdict(self), "protocols": {protocol.name: asdict(protocol) for protocol in self.protocols}}
        result: dict[str, Any] = as_plain(plain)
        return result


def compare(runs: Sequence[SavedRun]) -> Comparison:
    """Compare runs with the first of them, over the clips that all share, by a paired bootstrap.

    A draw takes the same clips for every run, so that what makes a clip hard for all of them cancels out.

    Args:
        runs: at least two.

    Raises:
        DataError: no clip or no protocol is in all runs; a clip has other labels in one of them; or a file holds
            counts that do not fit the protocol: sums of its shape, whole and not negative where they are counts, and
            lists of equally many numbers.
    """
    first, *others = runs
    clips = [clip for clip in first.clips if all(clip in run.clips for run in others)]
    if not clips:
        raise DataError(f"{_paths(runs)}: no clip is in all of these. Compare runs of the same data and split.")
    for run in others:
        for clip in clips:
            if run.clips[clip] != first.clips[clip]:
                raise DataError(
                    f"{run.path}: the labels of clip '{clip}' are not those in {first.path}. Score both runs on the "
                    "same data."
                )
    shared = [
        name for name, one in first.protocols.items() if all(_same(one, run.protocols.get(name)) for run in others)
    ]
    if not shared:
        found = "; ".join(f"{run.path}: {', '.join(run.protocols)}" for run in runs)
        raise DataError(f"no protocol is in all runs with the same rule ({found}). Score them by the same --protocol.")
    judge = next((name for name in shared if _counts_frames(name, runs, clips[0])), "")
    return Comparison(
        runs=tuple(str(run.path) for run in runs),
        names=tuple(run.name for run in runs),
        differs=_differing(runs),
        clips=tuple(clips),
        protocols=tuple(_compare_protocol(name, runs, clips) for name in shared),
        judge=judge,
        disagreements=tuple(disagreements(judge, runs, clips)) if judge else (),
        notes=tuple(_notes(runs, clips, shared)),
    )


def _differing(runs: Sequence[SavedRun]) -> dict[str, tuple[str, ...]]:
    leaves = [dict(_leaves(run.conditions)) for run in runs]
    names = dict.fromkeys(name for of_run in leaves for name in of_run)
    values = {name: tuple(of_run.get(name, "") for of_run in leaves) for name in names}
    return {name: of_runs for name, of_runs in values.items() if len(set(of_runs)) > 1}


def _leaves(conditions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield conditions; those of a mapping one by one, such as ``data.root``."""
    for name, text in conditions.items():
        value: Any = text
        if text.startswith("{"):
            with suppress(ValueError, RecursionError):  # a text of another program may begin like that
                value = json.loads(text)
        yield from _values(name, value)


def _values(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inside in value.items():
            yield from _values(f"{name}.{key}", inside)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _same(one: SavedProtocol, other: SavedProtocol | None) -> bool:
    return other is not None and (one.component, one.rule) == (other.component, other.rule)


def _notes(runs: Sequence[SavedRun], clips: Sequence[str], protocols: Sequence[str]) -> list[str]:
    notes = []
    for run in runs:
        left_out = len(run.clips) - len(clips)
        if left_out:
            notes.append(f"{run.path}: {left_out} of {len(run.clips)} clips are not in all runs, and are left out.")
        others = [name for name in run.protocols if name not in protocols]
        if others:
            notes.append(f"{run.path}: not in all runs with the same rule, and left out: {', '.join(others)}.")
    if len(clips) == 1:
        notes.append("one clip only is in all runs: the differences have no intervals, and say little about others.")
    return notes


def _compare_protocol(name: str, runs: Sequence[SavedRun], clips: Sequence[str]) -> ProtocolComparison:
    metric = _metric(runs[0], name)
    states = [[_state(metric, run, name, clip) for clip in clips] for run in runs]
    figures = [figures_together(metric, of_run) for of_run in states]
    chosen: IntArray | None = draw_clips(len(clips)) if len(clips) > 1 else None
    drawn = [{} if chosen is None else drawn_figures(metric, of_run, chosen) for of_run in states]
    counts_frames = _counts_frames(name, runs, clips[0])
    changed = [gained_and_lost(name, runs[0], run, clips) if counts_frames else (0, 0) for run in runs[1:]]
    return ProtocolComparison(
        name=name,
        rule=runs[0].protocols[name].rule,
        figures=tuple(figures),
        differences=tuple(
            Difference(
                figures={figure: value - figures[0].get(figure, math.nan) for figure, value in of_run.items()},
                intervals={
                    figure: _interval(values, drawn[0][figure])
                    for figure, values in draws.items()
                    if figure in drawn[0]
                },
                gained=gained,
                lost=lost,
            )
            for of_run, draws, (gained, lost) in zip(figures[1:], drawn[1:], changed, strict=True)
        ),
        sweeps=tuple(run.protocols[name].sweep for run in runs),
        misses=tuple(_misses(name, run, clips) for run in runs) if counts_frames else (),
    )


def _counts_frames(name: str, runs: Sequence[SavedRun], clip: str) -> bool:
    return all(name in run.frames[clip].fates for run in runs)


def _misses(name: str, run: SavedRun, clips: Sequence[str]) -> Misses:
    unknown = run.protocols[name].unknown
    letters = "".join(run.frames[clip].fates[name] for clip in clips)
    return misses(letters, knows_candidates="dropped" not in unknown, knows_made="filled" not in unknown)


def _interval(values: Values, of_first: Values) -> tuple[float, float]:
    with np.errstate(invalid="ignore"):  # infinite less infinite is not defined, and left out
        return middle(values - of_first)


def _metric(run: SavedRun, name: str) -> Metric:
    """Return the protocol, after it has counted a frame that does not count."""
    faults: list[str] = []
    where = f"{run.path}: protocols.{name}.component"
    node = check_component("protocols", dict(run.protocols[name].component), where, faults)
    if faults:
        raise DataError("\n".join(faults))
    metric: Metric = build("protocols", node, where)
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.bool)),
        torch.zeros(1, 1, 1, 2),
        torch.full((1, 1), int(Visibility.UNLABELLED)),
        torch.zeros(1, 1, dtype=torch.bool),
        torch.ones(1, 2),
    )
    return metric


def _state(metric: Metric, run: SavedRun, name: str, clip: str) -> State:
    """Return what a protocol counted in a clip, as it holds it itself: a tensor, or a list of one."""
    saved = run.protocols[name].states[clip]
    state: dict[str, Any] = {}
    rows: int | None = None  # of the lists: all are about the same detections
    for key, value in metric.metric_state.items():
        try:
            if isinstance(value, Tensor):
                state[key] = _sum(saved[key], value)
            else:
                vector = _vector(saved[key])
                rows = len(vector) if rows is None else rows
                if len(vector) != rows:
                    raise ValueError(f"{len(vector)} of {rows} rows")
                state[key] = [vector]
        except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise DataError(
                f"{run.path}: protocols.{name}.states.{clip}.{key} does not hold what '{name}' counts. Write the file "
                "again with 'tracknet evaluate --json' of this version."
            ) from error
    return state


def _sum(saved: Any, like: Tensor) -> Tensor:
    """Return a state that is a sum; raise TypeError or ValueError if it is none like ``like``."""
    found = torch.tensor(_numbers(saved), dtype=torch.float64)
    state = found.to(like.dtype)
    is_whole = state.is_floating_point() or bool((state.double() == found).all() and (state >= 0).all())
    if found.shape != like.shape or not state.isfinite().all() or not is_whole:
        raise ValueError("not such a sum")
    return state


def _vector(saved: Any) -> Tensor:
    """Return a state that is a list of numbers; raise TypeError or ValueError if it is none."""
    if not isinstance(saved, list):
        raise TypeError("not a list")
    # JSON has no infinity, the score of a ball whose program gave none, and writes null.
    found = torch.tensor(_numbers([math.inf if one is None else one for one in saved]), dtype=torch.float32)
    if found.ndim != 1 or found.isnan().any():
        raise ValueError("not a list of numbers")
    return found


def _numbers(value: Any) -> Any:
    """Return numbers in lists; raise TypeError if there is something else, such as a bool."""
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _paths(runs: Sequence[SavedRun]) -> str:
    return ", ".join(str(run.path) for run in runs)
