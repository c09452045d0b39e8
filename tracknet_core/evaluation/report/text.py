"""An evaluation, or a comparison of several, as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tracknet_core.evaluation.comparison import Comparison
from tracknet_core.evaluation.intervals import DRAWS, SHARE
from tracknet_core.evaluation.results import Evaluation, Figures, ProtocolResult


def as_text(evaluation: Evaluation) -> str:
    """Return the tables of every protocol, of the thresholds and of the trajectories."""
    parts = [f"{evaluation.name or evaluation.source}: {evaluation.extent}"]
    for protocol in evaluation.protocols:
        parts.append(f"{protocol.name}: {protocol.rule}\n{_protocol_table(protocol)}")
    sweep = _sweep_table(evaluation.protocols)
    if sweep:
        parts.append(f"F1 where a score is at least the threshold\n{sweep}")
    ways = {"predicted": asdict(evaluation.trajectory), "true": asdict(evaluation.true_trajectory)}
    by_clip = {clip.name: asdict(clip.trajectory) for clip in evaluation.clips}
    parts.append(
        "trajectory: runs of frames with a ball, longest gap in frames, steps of more than a tenth of the width, "
        f"median bend in px\n{_table('', ways)}\n{_table('clip', by_clip)}"
    )
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
    parts = [f"{len(runs)} runs over the {len(comparison.clips)} clips that all share\n" + "\n".join(runs)]
    for name, values in comparison.differs.items():
        different = [f"  {one}  {value or '-'}" for one, value in zip(letters, values, strict=True)]
        parts.append("\n".join([f"{name} differs", *different]))
    for protocol in comparison.protocols:
        rows: dict[str, Figures] = dict(zip(letters, protocol.figures, strict=True))
        for number, difference in enumerate(protocol.differences, start=1):
            rows[f"{letter(number)} - A"] = difference.figures
            for row, end in (("from", 0), ("to", 1)):
                if difference.intervals:
                    ends = {name: interval[end] for name, interval in difference.intervals.items()}
                    rows[f"{letter(number)} - A {row}"] = ends
        parts.append(f"{protocol.name}: {protocol.rule}\n{_table('', rows)}")
    if len(comparison.clips) > 1:
        parts.append(f"from, to: {SHARE:.0%} of {DRAWS} draws of the clips, the same clips for every run")
    return "\n\n".join(parts)


def letter(number: int) -> str:
    """Return A for run 0, B for run 1, … Z, and 27, 28 … for those after it."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _protocol_table(protocol: ProtocolResult) -> str:
    rows: dict[str, Figures] = {"all": protocol.figures}
    if protocol.intervals:
        rows["  from"] = {name: low for name, (low, _) in protocol.intervals.items()}
        rows["  to"] = {name: high for name, (_, high) in protocol.intervals.items()}
    rows |= {f"visibility {name}": figures for name, figures in protocol.classes.items()}
    table = _table("", rows)
    if protocol.intervals:
        table += f"\nfrom, to: {SHARE:.0%} of {DRAWS} draws of the clips"
    return f"{table}\n{_table('clip', protocol.clips)}"


def _sweep_table(protocols: Sequence[ProtocolResult]) -> str:
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
    return _table("threshold", rows)


def _table(corner: str, rows: Mapping[str, Figures]) -> str:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    cells = [[corner, *columns]]
    whole = {column: is_count([row[column] for row in rows.values() if column in row]) for column in columns}
    for name, row in rows.items():
        cells.append([name, *(as_cell(row.get(column, math.nan), whole[column]) for column in columns)])
    first, *others = (max(map(len, column)) for column in zip(*cells, strict=True))
    return "\n".join(
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(values, others, strict=True))])
        for name, *values in cells
    )


def is_count(values: Sequence[float]) -> bool:
    """Whether a column holds counts, which are ``int``; the ends of intervals may be fractions all the same."""
    return any(isinstance(value, int) for value in values)


def as_cell(value: float, whole: bool) -> str:
    """Return a figure for a table; a dash where it is not defined."""
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if whole else f"{value:.4f}"
