"""An evaluation, or a comparison of several, as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tracknet_core.evaluation.comparison import Comparison, ProtocolComparison
from tracknet_core.evaluation.intervals import DRAWS, SHARE
from tracknet_core.evaluation.report.tables import (
    Row,
    Table,
    clip_trajectories,
    compared,
    compared_misses,
    letter,
    miss_overview,
    protocol_table,
    trajectories,
    with_ends,
)
from tracknet_core.evaluation.results import Evaluation, ProtocolResult
from tracknet_core.wording import count

MOST_CLIPS = 10
"""Clips in a table on a terminal."""


def as_text(evaluation: Evaluation) -> str:
    """Return the tables of every protocol, of the thresholds, of the misses and of the trajectories."""
    parts = [f"{evaluation.name or evaluation.source}: {evaluation.extent}"]
    parts += [f"{protocol.name}: {protocol.rule}\n{_protocol(protocol)}" for protocol in evaluation.protocols]
    if sweep := _sweep(evaluation.protocols):
        parts.append(f"F1 where a score is at least the threshold\n{sweep}")
    if evaluation.misses:
        parts.append(f"balls, in frames: {MISSES_SAID}\n{_drawn(miss_overview(evaluation.misses))}")
    of_clips = _clips(clip_trajectories(evaluation), "longest_gap", -1)
    parts.append(f"trajectory: {WAYS_SAID}\n{_drawn(trajectories(evaluation))}\n{of_clips}")
    if evaluation.conditions:
        width = max(map(len, evaluation.conditions))
        lines = [f"{name.ljust(width)}  {value}" for name, value in evaluation.conditions.items()]
        parts.append("\n".join(["what the numbers depend on", *lines]))
    return "\n\n".join(parts)


def comparison_as_text(comparison: Comparison) -> str:
    """Return the tables of every protocol: the runs by letters, and what each has more than A."""
    letters = {letter(number): name for number, name in enumerate(comparison.names)}
    width = max(map(len, comparison.runs))
    runs = [f"{one}  {run.ljust(width)}  {letters[one]}" for one, run in zip(letters, comparison.runs, strict=True)]
    parts = [f"{len(runs)} runs over the {count(len(comparison.clips), 'clip')} that all share\n" + "\n".join(runs)]
    for name, values in comparison.differs.items():
        different = [f"  {one}  {value or '-'}" for one, value in zip(letters, values, strict=True)]
        parts.append("\n".join([f"{name} differs", *different]))
    for protocol in comparison.protocols:
        parts.append(f"{protocol.name}: {protocol.rule}\n{_drawn(with_ends(compared(protocol)))}")
    parts += [_frames(protocol) for protocol in comparison.protocols if protocol.name == comparison.judge]
    if len(comparison.clips) > 1:
        parts.append(f"from, to: {SHARE:.0%} of {DRAWS} draws of the clips, the same clips for every run")
    return "\n\n".join(parts)


MISSES_SAID = (
    "not found by the network; elsewhere: found in a wrong place; dropped: found by the network, left out after it; "
    "filled: in a wrong place, by the tracker"
)

WAYS_SAID = (
    "runs of frames with a ball, longest gap in frames, steps of more than a tenth of the width, median bend in px"
)


def _frames(protocol: ProtocolComparison) -> str:
    changes = [
        f"{letter(number)} - A: {one.gained} frames right that A has wrong, {one.lost} wrong that A has right"
        for number, one in enumerate(protocol.differences, start=1)
    ]
    table = _drawn(compared_misses(protocol))
    return "\n".join([f"balls by {protocol.name}, in frames: {MISSES_SAID}", table, *changes])


def _protocol(protocol: ProtocolResult) -> str:
    table = _drawn(with_ends(protocol_table(protocol)))
    if protocol.intervals:
        table += f"\nfrom, to: {SHARE:.0%} of {DRAWS} draws of the clips"
    return f"{table}\n{_clips(Table.of(protocol.clips, 'clip'), 'f1', 1)}"


def _clips(table: Table, by: str, sign: int) -> str:
    """Return a table of clips; of many, the first ones in the order of a figure, as far as they have it.

    Args:
        table: a row for each clip.
        by: the figure.
        sign: 1 to begin with the lowest, -1 with the highest.
    """
    if len(table.rows) <= MOST_CLIPS:
        return _drawn(table)

    def place(row: Row) -> float:
        value = sign * row.figures.get(by, math.nan)
        return math.inf if math.isnan(value) else value

    worst = tuple(sorted(table.rows, key=place)[:MOST_CLIPS])
    return f"{_drawn(replace(table, rows=worst))}\nthe worst {MOST_CLIPS} of {len(table.rows)} clips; files have all"


def _sweep(protocols: Sequence[ProtocolResult]) -> str:
    swept = [protocol for protocol in protocols if protocol.sweep and "f1" in protocol.figures]
    if not swept:
        return ""
    # Every protocol has the same thresholds: they follow from the scores.
    rows = {
        f"{points[0].threshold:.4g}": {
            protocol.name: point.figures["f1"] for protocol, point in zip(swept, points, strict=True)
        }
        for points in zip(*(protocol.sweep for protocol in swept), strict=True)
    }
    best = [
        f"best for {protocol.name}: {protocol.best.figures['f1']:.4f} at {protocol.best.threshold:.4g}, and "
        f"{protocol.figures['f1']:.4f} without choosing one"
        for protocol in swept
        if protocol.best is not None
    ]
    return "\n".join([_drawn(Table.of(rows, "threshold")), *best])


def _drawn(table: Table) -> str:
    cells = [[table.corner, *table.columns], *([row.name, *table.texts(row, plus=False)] for row in table.rows)]
    first, *others = (max(map(len, column)) for column in zip(*cells, strict=True))
    return "\n".join(
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(values, others, strict=True))])
        for name, *values in cells
    )
