"""The page of numbers is what its script writes."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tracknet_core.comparing.comparing import TITLE

ROOT = Path(__file__).parent.parent


@pytest.fixture
def zoo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zoo", ROOT / "benchmarks" / "zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_command_writes(zoo: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.main([]) == 0
    assert (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8") == capsys.readouterr().out


def test_rows_have_a_cell_for_each_column(zoo: ModuleType) -> None:
    lines = "\n\n".join(zoo.published()).splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert len(tables) == 2 + 7 + 2 * (2 + 2)
    assert {line.count("|") for line in tables} == {7, 6}
    assert "| WASB, windows every 3 frames | 88.3 / 97.9 / 83.6 | 94.0 / 89.0 / 91.0 |" in "\n".join(lines)


def test_measured_tables_are_those_of_compare(zoo: ModuleType, tmp_path: Path) -> None:
    table = tmp_path / "badminton_6min.md"
    table.write_text(f"{TITLE}\n\nfor 6 minutes\n\n| vit |\n| --- |\n\n## F1 and speed\n", encoding="utf-8")
    expected = "for 6 minutes\n\n| vit |\n| --- |\n\n#### F1 and speed"
    assert list(zoo.measured([table])) == ["## Measured here", "### Badminton 6min", expected]
    table.write_text("for 6 minutes", encoding="utf-8")
    with pytest.raises(ValueError, match=r"badminton_6min\.md: this is no table\.md of tracknet compare"):
        list(zoo.measured([table]))
