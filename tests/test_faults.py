"""The table of faults: which rows a run writes into its page."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
DAY = "2026-11-25"


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults", ROOT / "benchmarks" / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "faults", module)
    spec.loader.exec_module(module)
    return module


def page_of(faults: ModuleType, *rows: str) -> str:
    return "\n".join(["# Faults", "", faults.HEAD, faults.RULE, *rows, "", "After."]) + "\n"


def test_a_whole_run_replaces_the_table_and_says_so(faults: ModuleType) -> None:
    rows = [faults.Row("one", faults.Told(2, "error: told")), faults.Row("two", faults.Told(2, "error: told"))]
    page = page_of(faults, "| gone | told | 2 | nothing |")
    expected = page_of(
        faults,
        "| one | told | 2 | nothing |",
        "| two | told | 2 | nothing |",
        "",
        "All 2 rows were tried in one run on 2026-11-25.",
    )
    written = faults.written_into(page, rows, "", DAY)
    assert written == expected
    assert faults.written_into(written, rows, "", DAY) == expected


def test_a_run_of_one_part_replaces_its_rows_and_says_that_the_others_are_older(faults: ModuleType) -> None:
    rows = [faults.Row("a | b", faults.Told(2, "error: new"), "all", is_right=False)]
    older = ["| one | told | 2 | nothing |", r"| a \| b | o\|d | 2 | nothing |", "| three | | -9 | nothing |"]
    expected = page_of(
        faults,
        older[0],
        r"| **WRONG** a \| b | new | 2 | all |",
        older[2],
        "",
        "The rows of `--only kills`, 1 of them, were tried on 2026-11-25, the other 2 before.",
    )
    written = faults.written_into(page_of(faults, *older), rows, "kills", DAY)
    assert written == expected
    assert faults.written_into(written, rows, "kills", DAY) == expected
