"""Standings as rows of text, the same for a terminal, Markdown and CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from tracknet_core.comparing.standings import JUDGED_BY, Ends, Score, Standing, Standings
from tracknet_core.tracking.detector import TORCH

_SHOWN = ("accuracy", "ap")
"""Figures of a protocol that have a column beside F1, where it has them."""

Column = tuple[str, Callable[[Standing], str]]
"""What it is called, and what stands in it."""


def table(standings: Standings) -> list[list[str]]:
    """Return the header, and the cells of each entry, the best first; of one that failed the second says why."""
    columns: list[Column] = [
        *(column for name in standings.protocols for column in _of_protocol(name, standings)),
        *_COSTS,
        *((f"frames/s {form}", partial(_rate, form)) for form in _forms(standings)),
    ]
    lines = [["experiment", *(title for title, _ in columns)]]
    for row in standings.rows:
        cells = [cell(row) for _, cell in columns] if row.scores else [row.fault, *[""] * (len(columns) - 1)]
        lines.append([row.name, *cells])
    return lines


def notes(standings: Standings) -> Iterator[str]:
    """Yield what a reader of the table has to know."""
    yield from (f"{name}: {rule}" for name, rule in standings.protocols.items())
    for row in standings.rows:
        yield from (f"{row.name} as {form}: {rate}" for form, rate in row.speed.items() if isinstance(rate, str))
        if row.fault and row.scores:
            yield f"{row.name}: {row.fault}"
    if standings.comparison is not None:
        yield from standings.comparison.notes


_COSTS: tuple[Column, ...] = (
    ("parameters", lambda row: f"{row.trained['parameters']:,}"),
    ("GFLOP/frame", lambda row: f"{row.trained['flops'] / 1e9:.2f}"),
    ("input", lambda row: str(row.trained["input"])),
    ("steps", lambda row: f"{row.trained['steps']:,}"),
    ("windows", lambda row: f"{row.trained['windows']:,}"),
    ("training", lambda row: f"{row.trained['seconds'] / 60:.1f} min"),
)


def _of_protocol(name: str, standings: Standings) -> Iterator[Column]:
    figures = {figure for row in standings.rows if name in row.scores for figure in row.scores[name].figures}
    if JUDGED_BY in figures:
        yield f"{name} F1", partial(_judged, name)
        yield f"{name} F1 - best", partial(_behind, name)
    for figure in _SHOWN:
        if figure in figures:
            yield f"{name} {figure}", partial(_other, name, figure)


def _judged(name: str, row: Standing) -> str:
    score = row.scores.get(name, Score({}))
    return _with_ends(score.figures.get(JUDGED_BY, math.nan), score.interval)


def _behind(name: str, row: Standing) -> str:
    score = row.scores.get(name, Score({}))
    return "" if score.behind is None else _with_ends(score.behind, score.behind_interval, sign="+")


def _other(name: str, figure: str, row: Standing) -> str:
    return _text(row.scores.get(name, Score({})).figures.get(figure, math.nan))


def _with_ends(value: float, ends: Ends | None, sign: str = "") -> str:
    text = _text(value, sign)
    return text if ends is None else f"{text} [{_text(ends[0], sign)}, {_text(ends[1], sign)}]"


def _text(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.3f}"


def _forms(standings: Standings) -> list[str]:
    forms = dict.fromkeys(form for row in standings.rows for form in row.speed)
    return sorted(forms, key=lambda form: form != TORCH)


def _rate(form: str, row: Standing) -> str:
    rate = row.speed.get(form)
    return f"{rate:.1f}" if isinstance(rate, float) else "-"
