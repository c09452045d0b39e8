"""Tables of figures, before it is known how they will look: a terminal, a page and Markdown show the same."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tracknet_core.evaluation.comparison import ProtocolComparison
from tracknet_core.evaluation.results import Evaluation, Figures, MissTable, ProtocolResult

Intervals = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Attributes:
        text: the figure; a dash where it is not defined.
        interval: what it lies between; empty if nobody knows.
        is_sure: whether it is a difference whose interval leaves out zero.
    """

    text: str
    interval: str = ""
    is_sure: bool = False


@dataclass(frozen=True)
class Row:
    """A row of figures.

    Attributes:
        name: what they are figures of.
        figures: by name.
        intervals: what they lie between, where that is known.
        differences: names of those that are differences, which have a sign.
        anchor: what the name leads to on a page; empty without a link.
    """

    name: str
    figures: Figures
    intervals: Intervals = field(default_factory=dict)
    differences: Collection[str] = ()
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of figures under their names.

    Attributes:
        rows: from top to bottom; of some of them, some figures may be missing.
        corner: what the rows are.
        columns: names of the figures, in order; those of all rows by default.
    """

    rows: tuple[Row, ...]
    corner: str = ""
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", tuple(dict.fromkeys(name for row in self.rows for name in row.figures)))

    @classmethod
    def of(cls, rows: Mapping[str, Figures], corner: str = "") -> Table:
        """Return a table of figures by the names of its rows."""
        return cls(tuple(Row(name, figures) for name, figures in rows.items()), corner)

    def counts_first(self) -> Table:
        """Return the table with what is looked at first on the left: F1 and its two parts, then whole numbers."""
        leading = [name for name in ("f1", "precision", "recall") if name in self.columns]
        counts = [name for name in self.columns if name not in leading and self.is_whole(name)]
        rest = [name for name in self.columns if name not in leading and name not in counts]
        return Table(self.rows, self.corner, (*leading, *counts, *rest))

    def is_whole(self, column: str) -> bool:
        """Whether a column holds counts, which are ``int``; the ends of intervals may be fractions all the same."""
        return any(isinstance(row.figures.get(column), int) for row in self.rows)

    def cells(self, row: Row) -> list[Cell]:
        """Return the cells of a row."""
        return [self._cell(row, column) for column in self.columns]

    def texts(self, row: Row, *, plus: bool = True) -> list[str]:
        """Return the cells of a row as plain text, without intervals, and without the plus of differences on demand."""
        return [cell.text if plus else cell.text.removeprefix("+") for cell in self.cells(row)]

    def _cell(self, row: Row, column: str) -> Cell:
        whole, value = self.is_whole(column), row.figures.get(column, math.nan)
        is_difference = column in row.differences
        text = ("+" if is_difference and value > 0 else "") + as_cell(value, whole)
        low, high = row.intervals.get(column, (math.nan, math.nan))
        if math.isnan(low) and math.isnan(high):
            return Cell(text)
        is_sure = is_difference and (low > 0 or high < 0)
        return Cell(text, " … ".join(as_cell(end, whole) for end in (low, high)), is_sure)


def as_cell(value: float, whole: bool) -> str:
    """Return a figure for a table; a dash where it is not defined."""
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if whole else f"{value:.4f}"


def letter(number: int) -> str:
    """Return A for run 0, B for run 1, … Z, and 27, 28 … for those after it."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


# ------------------------------------------------------------------------------------------- of an evaluation


def overview(evaluation: Evaluation) -> Table:
    """Return F1 of each protocol that has it, its counts beside it, and the threshold that would make it best."""
    wanted = ("f1", "precision", "recall", "tp", "fp1", "fp2", "tn", "fn")
    rows = []
    for number, protocol in enumerate(evaluation.protocols):
        if "f1" in protocol.figures:
            figures = {name: protocol.figures[name] for name in wanted if name in protocol.figures}
            if protocol.best is not None:
                figures |= {"best f1": protocol.best.figures["f1"], "at threshold": protocol.best.threshold}
            intervals = {name: ends for name, ends in protocol.intervals.items() if name == "f1"}
            rows.append(Row(protocol.name, figures, intervals, anchor=f"protocol-{number}"))
    return Table(tuple(rows), "protocol")


def protocol_table(protocol: ProtocolResult) -> Table:
    """Return the figures over all clips, with intervals, and those of each class of visibility."""
    classes = (Row(f"visibility {name}", figures) for name, figures in protocol.classes.items())
    return Table((Row("all", protocol.figures, protocol.intervals), *classes))


def with_ends(table: Table) -> Table:
    """Return a table where the ends of intervals are rows of their own, called ``from`` and ``to``."""
    rows = []
    for row in table.rows:
        rows.append(row)
        if row.intervals:
            before = f"{row.name} " if row.differences else "  "
            for end, name in enumerate(("from", "to")):
                rows.append(Row(before + name, {key: ends[end] for key, ends in row.intervals.items()}))
    return Table(tuple(rows), table.corner, table.columns)


def miss_classes(table: MissTable) -> Table:
    """Return what became of all balls, and of those of each class of visibility and of speed."""
    rows = {"all": table.overall.figures}
    rows |= {f"visibility {name}": of_class.figures for name, of_class in table.visibility.items()}
    rows |= {f"speed {name}": of_class.figures for name, of_class in table.speed.items()}
    return Table.of(rows)


def miss_clips(table: MissTable) -> Table:
    """Return what became of the balls of each clip."""
    return Table.of({name: of_clip.figures for name, of_clip in table.clips.items()}, "clip")


def miss_overview(tables: Mapping[str, MissTable]) -> Table:
    """Return what became of all balls, under each protocol."""
    return Table.of({name: table.overall.figures for name, table in tables.items()}, "protocol")


def trajectories(evaluation: Evaluation) -> Table:
    """Return how whole and smooth the predicted and the true ways are, over all clips."""
    return Table.of({"predicted": asdict(evaluation.trajectory), "true": asdict(evaluation.true_trajectory)})


def clip_trajectories(evaluation: Evaluation) -> Table:
    """Return how whole and smooth the predicted way of each clip is."""
    return Table.of({clip.name: asdict(clip.trajectory) for clip in evaluation.clips}, "clip")


# -------------------------------------------------------------------------------------------- of a comparison


def compared(protocol: ProtocolComparison) -> Table:
    """Return the figures of each run, called by letters, and what each has more than A."""
    rows = [Row(letter(number), figures) for number, figures in enumerate(protocol.figures)]
    for number, difference in enumerate(protocol.differences, start=1):
        rows.append(Row(f"{letter(number)} - A", difference.figures, difference.intervals, tuple(difference.figures)))
    return Table(tuple(rows))


def compared_overview(protocols: Sequence[ProtocolComparison]) -> Table:
    """Return F1 of each run and the differences, for each protocol that has it."""
    rows = []
    for index, protocol in enumerate(protocols):
        if "f1" not in protocol.figures[0]:
            continue
        figures = {letter(number): of_run.get("f1", math.nan) for number, of_run in enumerate(protocol.figures)}
        intervals = {}
        for number, difference in enumerate(protocol.differences, start=1):
            figures[f"{letter(number)} - A"] = difference.figures.get("f1", math.nan)
            if "f1" in difference.intervals:
                intervals[f"{letter(number)} - A"] = difference.intervals["f1"]
        differences = [name for name in figures if name.endswith("- A")]
        rows.append(Row(protocol.name, figures, intervals, differences, anchor=f"protocol-{index}"))
    return Table(tuple(rows), "protocol")


def compared_misses(protocol: ProtocolComparison) -> Table:
    """Return what became of the balls in each run; without a row where the protocol counts no frames."""
    return Table.of({letter(number): of_run.figures for number, of_run in enumerate(protocol.misses)})
