"""F1 beside speed."""

from __future__ import annotations

from tracknet_core.comparing.standings import Score, Standing, Standings
from tracknet_core.comparing.trade_offs import as_chart, as_table, trade_offs


def standings(**places: tuple[float, float | str]) -> Standings:
    rows = tuple(
        Standing(name, scores={"pck": Score({"l2": 3.0}), "wasb": Score({"f1": f1})}, speed={"torch": rate})
        for name, (f1, rate) in places.items()
    )
    return Standings((*rows, Standing("failed", fault="no memory")), {}, None, ())


def test_an_experiment_is_beaten_by_what_is_better_and_no_slower() -> None:
    found = trade_offs(
        standings(best=(0.9, 10.0), slow=(0.8, 5.0), quick=(0.7, 40.0), as_quick=(0.6, 40.0), no=(1.0, "?"))
    )
    assert [(one.name, one.beaten_by) for one in found] == [
        ("quick", ()),
        ("as_quick", ("quick",)),
        ("best", ()),
        ("slow", ("best",)),
    ]
    assert as_table(found)[1:3] == [["quick", "40.0", "0.700", "none"], ["as_quick", "40.0", "0.600", "quick"]]


def test_two_that_are_alike_beat_each_other_not() -> None:
    assert [one.beaten_by for one in trade_offs(standings(one=(0.5, 2.0), two=(0.5, 2.0)))] == [(), ()]


def test_the_drawing_has_a_line_through_those_that_none_beats() -> None:
    chart = as_chart(trade_offs(standings(best=(0.9, 10.0), slow=(0.8, 5.0), quick=(0.7, 40.0))))
    [front] = [line.d for line in chart.lines if line.style == "curve first"]
    assert front.count("L") == 1
    assert [dot.colour for dot in chart.dots] == ["second", "first", "first"]  # from slow to quick
    texts = [label.text for label in chart.labels]
    assert {"5", "10", "20", "50", "0.7", "0.9", "best", "slow", "quick"} <= {*texts}
    # A factor of ten is as far from 5 to 50 as the whole axis: 10 lies where 2 does between 1 and 10.
    ends = {label.text: label.x for label in chart.labels if label.text in ("5", "10", "50")}
    assert abs((ends["10"] - ends["5"]) / (ends["50"] - ends["5"]) - 0.30103) < 1e-4


def test_one_place_alone_can_be_drawn() -> None:
    assert len(as_chart(trade_offs(standings(only=(0.5, 2.0)))).dots) == 1
