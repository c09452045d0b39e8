"""CSV and Markdown: what is read back from them is what JSON holds."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import Any

import pytest

from tracknet_core.evaluation.comparison import compare
from tracknet_core.evaluation.report.csv_file import as_csv, comparison_as_csv
from tracknet_core.evaluation.report.markdown import as_markdown, comparison_as_markdown
from tracknet_core.evaluation.report.text import comparison_as_text
from tracknet_core.evaluation.results import Evaluation
from tracknet_core.evaluation.saved_runs import SavedRun

Rows = dict[tuple[str, str, str], dict[str, float]]


def read_csv(text: str) -> Rows:
    """Return the figures of each row, by protocol, part and name."""
    rows = list(csv.DictReader(io.StringIO(text)))
    keys = ("protocol", "part", "name")
    found = {
        tuple(row[key] for key in keys): {k: float(v) for k, v in row.items() if v and k not in keys} for row in rows
    }
    assert len(found) == len(rows)
    return found  # type: ignore[return-value]


def read_markdown(text: str) -> list[tuple[str, dict[str, dict[str, str]]]]:
    """Return the tables under their headings: cells by the names of rows and columns."""
    tables = []
    heading = ""
    for block in text.split("\n\n"):
        if block.startswith("#"):
            heading = block.lstrip("# ")
        if block.startswith("|"):
            cells = [
                [html.unescape(re.sub(r"\\(.)", r"\1", cell)) for cell in re.split(r" ?(?<!\\)\| ?", line)[1:-1]]
                for line in block.splitlines()
            ]
            header, rule, *rows = cells
            assert all(set(cell) <= set("-:") for cell in rule)
            tables.append((heading, {row[0]: dict(zip(header, row, strict=True)) for row in rows}))
    return tables


def defined(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if value is not None}


def test_csv_holds_what_json_holds(one: Evaluation) -> None:
    plain = json.loads(json.dumps(one.as_dict()))

    rows = read_csv(as_csv(one))

    wasb, misses = plain["protocols"]["wasb"], plain["misses"]["wasb"]
    assert rows["wasb", "all", ""] == defined({**wasb["figures"], **misses["overall"]})
    assert rows["wasb", "clip", "a|<b>"] == defined({**wasb["clips"]["a|<b>"], **misses["clips"]["a|<b>"]})
    assert rows["wasb", "visibility", "easy"] == defined({**wasb["classes"]["easy"], **misses["visibility"]["easy"]})
    assert rows["wasb", "speed", "10 to 20 px"] == misses["speed"]["10 to 20 px"]
    assert rows["wasb", "best", ""] == defined({**wasb["best"]["figures"], "threshold": wasb["best"]["threshold"]})
    clip = plain["clips"]["a|<b>"]
    assert rows["", "clip", "a|<b>"] == defined({"frames": clip["frames"], **clip["trajectory"]["predicted"]})
    assert rows["", "all", ""] == defined({"frames": 6, **plain["trajectory"]["predicted"]})


def test_markdown_holds_what_json_holds(one: Evaluation) -> None:
    plain = json.loads(json.dumps(one.as_dict()))["protocols"]["wasb"]

    tables = read_markdown(as_markdown(one))

    [whole, clips] = [rows for heading, rows in tables if heading == "Protocol wasb"]
    for figures, row in ((plain["figures"], whole["all"]), (plain["clips"]["a|<b>"], clips["a|<b>"])):
        for name, value in figures.items():
            assert row[name] == ("-" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}")
    [classes, by_clip] = [rows for heading, rows in tables if heading == "Misses by wasb"]
    # Of 4 balls, 2 are found; of the first, the next place is 10 px away.
    assert classes["speed 10 to 20 px"] | {"": ""} == {
        "": "",
        **{"balls": "4", "found": "2", "not found": "2", "elsewhere": "0", "dropped": "0", "filled": "0"},
    }
    assert by_clip["a|<b>"]["not found"] == "2"
    [conditions] = [rows for heading, rows in tables if heading == "What the numbers depend on"]
    assert conditions["tracker"]["value"] == '{"name": "none"}'


@pytest.mark.parametrize("name", ["a|<b>", "a\nb", "*a* `b` [c](d)", "# a", "~~a~~ ![b](c)", "</table><script>"])
def test_names_are_no_markup_in_markdown(one: Evaluation, name: str) -> None:
    from dataclasses import replace

    [protocol] = one.protocols
    named = replace(protocol, clips={name: protocol.figures})
    text = as_markdown(replace(one, name=name, protocols=(named,)))

    [_, clips] = [rows for heading, rows in read_markdown(text) if heading == "Protocol wasb"]
    assert list(clips) == [" ".join(name.split())]
    assert "<" not in text
    assert not re.search(r"(?<!\\)[*`\[~]", text.replace("| --- |", ""))


def test_a_comparison_as_csv_and_markdown(saved: list[SavedRun]) -> None:
    found = compare(saved)
    plain = json.loads(json.dumps(found.as_dict()))["protocols"]["wasb"]

    rows = read_csv(comparison_as_csv(found))
    tables = read_markdown(comparison_as_markdown(found))

    assert rows["wasb", "run", "B"] == defined({**plain["figures"][1], **plain["misses"][1]})
    difference = plain["differences"][0]
    expected = {**difference["figures"], "gained": difference["gained"], "lost": difference["lost"]}
    assert rows["wasb", "difference", "B - A"] == defined(expected)
    [overview] = [rows for heading, rows in tables if heading == "Overview"]
    f1 = [figures["f1"] for figures in plain["figures"]]
    assert overview["wasb"]["B - A"] == f"{f1[1] - f1[0]:+.4f}"
    [differing] = [rows for heading, rows in tables if heading == "What differs between the runs"]
    assert differing["tracker.name"] == {"": "tracker.name", "A": "none", "B": "kalman"}
    assert list(differing) == ["tracker.name", "tracker.max_gap"]


def test_a_comparison_over_one_clip_speaks_of_a_clip(saved: list[SavedRun]) -> None:
    comparison = compare(saved)
    assert len(comparison.clips) == 1
    assert comparison_as_text(comparison).startswith("2 runs over the 1 clip that all share\n")
    assert "\n\nOver the 1 clip that all runs share.\n\n" in comparison_as_markdown(comparison)
