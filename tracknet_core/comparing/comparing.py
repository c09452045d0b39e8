"""From experiments to one table: the work of ``tracknet compare``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tracknet_core.comparing.entries import Entry
from tracknet_core.comparing.rows import notes, table
from tracknet_core.comparing.standings import Standings, stand
from tracknet_core.comparing.trade_offs import as_chart, as_table, trade_offs
from tracknet_core.comparing.work import TRAINED, Learning, Measuring, Scoring
from tracknet_core.evaluation.report.markdown import escaped, text_table
from tracknet_core.evaluation.report.page import Section, comparison_report
from tracknet_core.evaluation.results import as_plain
from tracknet_core.evaluation.scored_clips import scored_clips
from tracknet_core.files import replace_text
from tracknet_core.isolation import Job, run_apart

LOG = "log.txt"

TITLE = "# Experiments side by side"
"""First line of ``table.md``."""


def compare_experiments(
    entries: Sequence[Entry],
    scoring: Scoring,
    output: Path,
    *,
    forms: Sequence[str] = (),
    at_once: int = 1,
    tell: Callable[[str], object] = lambda _text: None,
) -> Standings:
    """Train experiments, score them and measure them, as far as that is not done, and write the tables.

    Args:
        entries: what is compared.
        scoring: how.
        output: where the tables go.
        forms: formats that speed is measured in, beside torch.
        at_once: experiments that are trained at a time. Speed is measured one after the other.
        tell: is called with how it goes.

    Raises:
        UserError: a folder holds another training, or what was found cannot be compared.
    """
    for entry in entries:
        entry.begin()
    threads = entries[0].shared.threads
    learning = [Job(entry.name, Learning(entry, scoring), entry.folder / LOG) for entry in entries]
    faults = run_apart(learning, at_once=at_once, threads=threads, tell=tell)
    measuring = [
        Job(entry.name, Measuring(entry, forms), entry.folder / LOG)
        for entry in entries
        if (entry.folder / TRAINED).is_file() and entry.name not in faults
    ]
    faults |= run_apart(measuring, at_once=1, threads=threads, tell=tell)
    standings = stand({entry.name: entry.folder for entry in entries}, faults)
    _write(standings, output, _conditions(entries[0]))
    return standings


def as_text(standings: Standings) -> str:
    """Return the table for a terminal."""
    header, *rows = table(standings)
    cells = [header, *(cells for cells, row in zip(rows, standings.rows, strict=True) if row.scores)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    failed = (f"{row.name}: {row.fault}" for row in standings.rows if row.fault)
    return "\n".join([*(line.rstrip() for line in lines), *failed])


def _conditions(entry: Entry) -> list[str]:
    """Return what the numbers depend on and is the same for all."""
    data, shared = entry.config.data, entry.shared
    budget = "the epochs of each experiment" if shared.budget is None else f"{shared.budget / 60:.3g} minutes"
    transforms = ", ".join(str(node) for node in data.transforms) or "none"
    return [
        f"Every experiment was trained for {budget}, with {shared.threads} thread(s), on the same clips: the number of "
        "steps differs, as the networks cost. The last weights were scored; none were chosen.",
        f"Data: {data.dataset}, split {data.split}; frames {data.preprocess.resize}; augmentation: {transforms}.",
        "In brackets: 95 % of the draws of clips; of a difference to the best, the same draws for both. GFLOP: 10^9 "
        "operations for one whole frame, a multiplication and an addition being two.",
    ]


def _write(standings: Standings, output: Path, conditions: Sequence[str]) -> None:
    """Write the tables, and the page that lays the runs side by side."""
    header, *rows = table(standings)
    said = [*conditions, *notes(standings)]
    places = trade_offs(standings)
    front, *places_of = as_table(places)
    parts = [TITLE, *map(escaped, conditions), text_table(header, rows), *map(escaped, said[len(conditions) :])]
    parts += ["## F1 and speed", text_table(front, places_of)] if places else []
    replace_text(output / "table.md", "\n\n".join(parts) + "\n")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    replace_text(output / "table.csv", text.getvalue())
    plain = {
        "conditions": list(conditions),
        "protocols": standings.protocols,
        "rows": [asdict(row) for row in standings.rows],
    }
    replace_text(output / "results.json", json.dumps(as_plain(plain), indent=2, allow_nan=False) + "\n")
    comparison = standings.comparison
    if comparison is not None:
        opening = [Section("Experiments", said, header, rows)]
        opening += [Section("F1 and speed", [], front, places_of, [as_chart(places)])] if places else []
        clips, no_pictures = scored_clips(standings.runs, comparison.clips)
        replace_text(output / "report.html", comparison_report(comparison, clips, no_pictures, opening))
