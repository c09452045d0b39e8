"""How experiments stand beside each other: one row for each, the best first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracknet_core.comparing.work import MEASURED, SCORED, TRAINED
from tracknet_core.errors import UserError
from tracknet_core.evaluation.comparison import Comparison, compare
from tracknet_core.evaluation.results import Figures
from tracknet_core.evaluation.saved_runs import SavedRun, read_run

JUDGED_BY = "f1"
"""The figure that experiments are ordered by, of the first protocol that has it."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """What a protocol says of an entry.

    Attributes:
        figures: by name, over the clips that all entries share.
        interval: of F1, from the choice of clips; None for a single clip.
        behind: F1 less that of the best entry; None for the best one.
        behind_interval: of this difference, over the same draws of clips for both.
    """

    figures: Figures
    interval: Ends | None = None
    behind: float | None = None
    behind_interval: Ends | None = None


@dataclass(frozen=True)
class Standing:
    """A row.

    Attributes:
        name: of the entry.
        fault: why it has no numbers; empty if it has.
        scores: by the names of protocols.
        trained: what the training left: steps, seconds, parameters, flops, …
        speed: frames per second by format, or why there are none.
    """

    name: str
    fault: str = ""
    scores: Mapping[str, Score] = field(default_factory=dict)
    trained: Mapping[str, Any] = field(default_factory=dict)
    speed: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standings:
    """All rows.

    Attributes:
        rows: the best first, those without numbers last.
        protocols: names of the rules, and the rules in a sentence.
        comparison: of the two or more entries that have numbers, the best first; None for fewer.
        runs: their files.
    """

    rows: tuple[Standing, ...]
    protocols: Mapping[str, str]
    comparison: Comparison | None
    runs: tuple[SavedRun, ...]


def stand(folders: Mapping[str, Path], faults: Mapping[str, str]) -> Standings:
    """Return how entries stand.

    Args:
        folders: of each entry, by name.
        faults: why some have failed, by name.

    Raises:
        DataError: what was found cannot be compared.
    """
    found = {name: folder for name, folder in folders.items() if (folder / SCORED).is_file()}
    runs = {name: read_run(folder / SCORED) for name, folder in found.items()}
    plain = {name: _read(folder / SCORED) for name, folder in found.items()}
    order = sorted(found, key=lambda name: -_judged(plain[name]))
    comparison = compare([runs[name] for name in order]) if len(order) > 1 else None
    rows = [
        Standing(
            name,
            faults.get(name, ""),
            _scores(plain[name], comparison, number),
            _read(found[name] / TRAINED),
            _read(found[name] / MEASURED),
        )
        for number, name in enumerate(order)
    ]
    rows += [
        Standing(name, faults.get(name, "not trained yet"), trained=_read(folder / TRAINED))
        for name, folder in folders.items()
        if name not in found
    ]
    rules = {name: protocol.rule for run in runs.values() for name, protocol in run.protocols.items()}
    return Standings(tuple(rows), rules, comparison, tuple(runs[name] for name in order))


def _judged(plain: Mapping[str, Any]) -> float:
    values = [protocol["figures"].get(JUDGED_BY) for protocol in plain["protocols"].values()]
    judged = next((value for value in values if value is not None), None)
    return -math.inf if judged is None else float(judged)


def _scores(plain: Mapping[str, Any], comparison: Comparison | None, number: int) -> dict[str, Score]:
    scores = {}
    for name, protocol in plain["protocols"].items():
        figures = {figure: math.nan if value is None else value for figure, value in protocol["figures"].items()}
        interval = _ends(protocol["intervals"].get(JUDGED_BY))
        score = Score(figures, interval)
        compared = next((one for one in comparison.protocols if one.name == name), None) if comparison else None
        if compared is not None:
            difference = compared.differences[number - 1] if number else None
            score = Score(
                compared.figures[number],
                interval,
                None if difference is None else difference.figures.get(JUDGED_BY),
                None if difference is None else _ends(difference.intervals.get(JUDGED_BY)),
            )
        scores[name] = score
    return scores


def _ends(ends: Any) -> Ends | None:
    if ends is None or None in ends:
        return None
    low, high = ends
    return float(low), float(high)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read ({error}). Remove it, and compare again.") from error
    return plain
