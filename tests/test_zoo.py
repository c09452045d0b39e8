"""The page of numbers is what its script writes."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def zoo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zoo", ROOT / "benchmarks" / "zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_ends_with_the_published_numbers_as_they_are_written_down(zoo: ModuleType) -> None:
    page = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    assert page.startswith(zoo.HEAD)
    assert page.endswith("\n\n".join(zoo.published()) + "\n")


def test_rows_have_a_cell_for_each_column(zoo: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert zoo.NOTHING in lines
    tables = [line for line in lines if line.startswith("|")]
    assert len(tables) == 2 + 7 + 2 * (2 + 2)
    assert {line.count("|") for line in tables} == {7, 6}
    assert "| WASB, windows every 3 frames | 88.3 / 97.9 / 83.6 | 94.0 / 89.0 / 91.0 |" in "\n".join(lines)


def test_measured_rows_stand_before_them(zoo: ModuleType, tmp_path: Path) -> None:
    results = {
        "table": [["experiment", "wasb F1"], ["vit", "0.500"]],
        "speed": [["experiment"]],
        "said": ["for 6 minutes"],
    }
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    assert list(zoo.measured([tmp_path / "results.json"])) == [
        "## Measured here",
        "| experiment | wasb F1 |\n| --- | --- |\n| vit | 0.500 |",
        "- for 6 minutes",
    ]
