"""An evaluation, or a comparison of several, as one CSV table: a row for each protocol and part of what it says.

Columns are ``protocol``, ``part``, ``name`` and the figures; a figure that a row does not have, or that is not defined,
is blank. Numbers have all their digits.

========== ==================================================================
part       name, and what the row is
========== ==================================================================
all        none: over all clips
from, to   none: what the middle 95 % of the draws of the clips lie between
best       the threshold that would have the highest F1, and what it gives
visibility a class such as ``easy``
speed      a class such as ``5 to 10 px``, of balls by the rule
clip       a clip; ``frames`` and the trajectory have no protocol
run        a run: its letter
difference what a run has more than A: ``B - A``; ``from`` and ``to`` as above
========== ==================================================================
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from tracknet_core.evaluation.comparison import Comparison, ProtocolComparison
from tracknet_core.evaluation.report.tables import letter
from tracknet_core.evaluation.results import Evaluation, Figures, Misses, MissTable, ProtocolResult


class _Row(NamedTuple):
    protocol: str
    part: str
    name: str
    figures: Figures


def as_csv(evaluation: Evaluation) -> str:
    """Return all tables of an evaluation."""
    rows = [row for protocol in evaluation.protocols for row in _protocol(protocol, evaluation.misses)]
    rows += [_Row("", "clip", clip.name, {"frames": len(clip), **asdict(clip.trajectory)}) for clip in evaluation.clips]
    frames = sum(map(len, evaluation.clips))
    return _written([*rows, _Row("", "all", "", {"frames": frames, **asdict(evaluation.trajectory)})])


def comparison_as_csv(comparison: Comparison) -> str:
    """Return all tables of a comparison."""
    return _written([row for protocol in comparison.protocols for row in _compared(protocol)])


def _protocol(protocol: ProtocolResult, misses: Mapping[str, MissTable]) -> Iterator[_Row]:
    name = protocol.name
    table = misses.get(name)
    yield _Row(name, "all", "", {**protocol.figures, **_misses(None if table is None else table.overall)})
    yield from _ends(name, "", protocol.intervals)
    if protocol.best is not None:
        yield _Row(name, "best", "", {**protocol.best.figures, "threshold": protocol.best.threshold})
    for of_class, figures in protocol.classes.items():
        lost = None if table is None else table.visibility.get(of_class)
        yield _Row(name, "visibility", of_class, {**figures, **_misses(lost)})
    for of_class, of_speed in ({} if table is None else table.speed).items():
        yield _Row(name, "speed", of_class, _misses(of_speed))
    for clip, figures in protocol.clips.items():
        yield _Row(name, "clip", clip, {**figures, **_misses(None if table is None else table.clips[clip])})


def _compared(protocol: ProtocolComparison) -> Iterator[_Row]:
    for number, figures in enumerate(protocol.figures):
        lost = protocol.misses[number] if protocol.misses else None
        yield _Row(protocol.name, "run", letter(number), {**figures, **_misses(lost)})
    for number, difference in enumerate(protocol.differences, start=1):
        name = f"{letter(number)} - A"
        counts = {"gained": difference.gained, "lost": difference.lost} if protocol.misses else {}
        yield _Row(protocol.name, "difference", name, {**difference.figures, **counts})
        yield from _ends(protocol.name, name, difference.intervals)


def _ends(protocol: str, name: str, intervals: Mapping[str, tuple[float, float]]) -> Iterator[_Row]:
    for end, part in enumerate(("from", "to")):
        if intervals:
            yield _Row(protocol, part, name, {figure: ends[end] for figure, ends in intervals.items()})


def _misses(misses: Misses | None) -> Figures:
    figures = {} if misses is None else misses.figures
    return {name.replace(" ", "_"): value for name, value in figures.items()}


def _written(rows: Sequence[_Row]) -> str:
    columns = list(dict.fromkeys(figure for row in rows for figure in row.figures))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["protocol", "part", "name", *columns])
    for row in rows:
        figures = (row.figures.get(column, math.nan) for column in columns)
        writer.writerow([*row[:3], *("" if math.isnan(figure) else figure for figure in figures)])
    return text.getvalue()
