"""Figures in cells."""

from __future__ import annotations

import math

import pytest

from tracknet_core.evaluation.report.tables import Cell, Row, Table

NAN = math.nan


@pytest.mark.parametrize(
    ("figure", "ends", "cell"),
    [
        (0.5, (0.25, 0.75), Cell("0.5000", "0.2500 … 0.7500")),
        (0.5, (NAN, 0.75), Cell("0.5000", "- … 0.7500")),
        (NAN, (NAN, NAN), Cell("-")),
        (3, (1.5, 4.0), Cell("3", "2 … 4")),
    ],
)
def test_an_interval_is_shown_where_one_of_its_ends_is_known(
    figure: float, ends: tuple[float, float], cell: Cell
) -> None:
    row = Row("all", {"figure": figure}, {"figure": ends})
    assert Table((row,)).cells(row) == [cell]
