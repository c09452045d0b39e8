"""An evaluation, or a comparison of several, as tables of Markdown: for a README, an issue or a paper's draft."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from tracknet_core.evaluation.comparison import Comparison
from tracknet_core.evaluation.intervals import DRAWS, SHARE
from tracknet_core.evaluation.report.tables import (
    Table,
    clip_trajectories,
    compared,
    compared_misses,
    compared_overview,
    letter,
    miss_classes,
    miss_clips,
    overview,
    protocol_table,
    trajectories,
    with_ends,
)
from tracknet_core.evaluation.report.text import MISSES_SAID, WAYS_SAID
from tracknet_core.evaluation.results import Evaluation
from tracknet_core.wording import count

_MARKUP = re.compile(r"([\\`*_{}\[\]#|~!])")
_DRAWN = f"from, to: {SHARE:.0%} of {DRAWS} draws of the clips."


def as_markdown(evaluation: Evaluation) -> str:
    """Return all tables of an evaluation."""
    parts = [f"# Evaluation of {escaped(evaluation.name or evaluation.source)}", f"{escaped(evaluation.extent)}."]
    parts += [f"Note: {escaped(note)}" for note in evaluation.notes]
    parts += _with_rows("## Overview", with_ends(overview(evaluation)))
    for protocol in evaluation.protocols:
        parts += [f"## Protocol {escaped(protocol.name)}", escaped(protocol.rule)]
        parts.append(_table(with_ends(protocol_table(protocol))))
        parts += [_DRAWN] if protocol.intervals else []
        parts.append(_table(Table.of(protocol.clips, "clip")))
    for name, table in evaluation.misses.items():
        parts += [f"## Misses by {escaped(name)}", f"In frames. {escaped(MISSES_SAID)}."]
        parts += [_table(miss_classes(table)), _table(miss_clips(table))]
    parts += ["## Trajectories", escaped(WAYS_SAID), _table(trajectories(evaluation))]
    parts.append(_table(clip_trajectories(evaluation)))
    if evaluation.conditions:
        parts += ["## What the numbers depend on", text_table(["", "value"], evaluation.conditions.items())]
    return "\n\n".join(parts) + "\n"


def comparison_as_markdown(comparison: Comparison) -> str:
    """Return all tables of a comparison."""
    letters = [letter(number) for number in range(len(comparison.runs))]
    runs = zip(letters, comparison.runs, comparison.names, strict=True)
    parts = ["# Runs side by side", f"Over the {count(len(comparison.clips), 'clip')} that all runs share."]
    parts += [f"Note: {escaped(note)}" for note in comparison.notes]
    parts.append(text_table(["", "file", "name"], runs))
    parts += _with_rows("## Overview", with_ends(compared_overview(comparison.protocols)))
    if comparison.differs:
        differing = ([name, *values] for name, values in comparison.differs.items())
        parts += ["## What differs between the runs", text_table(["", *letters], differing)]
    for protocol in comparison.protocols:
        parts += [f"## Protocol {escaped(protocol.name)}", escaped(protocol.rule)]
        parts.append(_table(with_ends(compared(protocol))))
        parts += [_DRAWN] if len(comparison.clips) > 1 else []
        parts += [_table(compared_misses(protocol))] if protocol.misses else []
    return "\n\n".join(parts) + "\n"


def _with_rows(title: str, table: Table) -> list[str]:
    return [title, _table(table)] if table.rows else []


def _table(table: Table) -> str:
    return "\n".join(_lines([table.corner, *table.columns], ([row.name, *table.texts(row)] for row in table.rows), ":"))


def text_table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of texts."""
    return "\n".join(_lines(header, rows, ""))


def _lines(header: Sequence[str], rows: Iterable[Iterable[str]], side: str) -> Iterator[str]:
    yield _line(map(escaped, header))
    yield _line(["---", *[f"---{side}"] * (len(header) - 1)])
    for row in rows:
        yield _line(map(escaped, row))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Return a text as Markdown shows it: in one line, and with nothing in it that is markup there or in HTML."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))
