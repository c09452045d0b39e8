"""What speed costs: which experiments are beaten by one that is both better and faster, and which by none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tracknet_core.comparing.standings import JUDGED_BY, Standings
from tracknet_core.evaluation.report.charts import Chart, Mark, plane
from tracknet_core.tracking.detector import TORCH

LABEL = "frames per second"


@dataclass(frozen=True)
class TradeOff:
    """Where an experiment stands between speed and F1.

    Attributes:
        name: of the experiment.
        rate: frames per second, by torch.
        f1: of the first protocol that has it.
        beaten_by: names of those that are as good and as fast at least, and one of the two more; none is on the
            Pareto front.
    """

    name: str
    rate: float
    f1: float
    beaten_by: tuple[str, ...]


def trade_offs(standings: Standings) -> list[TradeOff]:
    """Return where the experiments stand whose F1 and speed are known, the fastest first."""
    known = []
    for row in standings.rows:
        rate = row.speed.get(TORCH)
        f1 = next((score.figures[JUDGED_BY] for score in row.scores.values() if JUDGED_BY in score.figures), math.nan)
        if isinstance(rate, float) and not math.isnan(f1):
            known.append((row.name, rate, f1))
    found = [
        TradeOff(
            name,
            rate,
            f1,
            tuple(n for n, r, f in known if r >= rate and f >= f1 and (r, f) != (rate, f1)),
        )
        for name, rate, f1 in known
    ]
    return sorted(found, key=lambda one: -one.rate)


def as_table(found: Sequence[TradeOff]) -> list[list[str]]:
    """Return the header, and a row for each experiment."""
    rows = [[one.name, f"{one.rate:.1f}", f"{one.f1:.3f}", ", ".join(one.beaten_by) or "none"] for one in found]
    return [["experiment", "frames/s torch", "F1", "as good and as fast, or better"], *rows]


def as_chart(found: Sequence[TradeOff]) -> Chart:
    """Return F1 over speed, with a line through those that nobody beats."""
    return plane([Mark(one.name, one.rate, one.f1, not one.beaten_by) for one in found], LABEL, "F1")
