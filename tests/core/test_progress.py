"""Counting, and what is told of it."""

import sys
import types

import pytest
import rich.console
import rich.progress

from tracknet_core import progress
from tracknet_core.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is, in its one element."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("match.mp4", 3700, done=50) as counted:
        for _ in range(50):
            clock[0] += 1.0
            counted.advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[0] == "match.mp4: 60/3700 frames, 1.0 frames/s, 1:00:40 left"


def test_nothing_is_estimated_in_the_first_seconds(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.0)
    counted = Progress("match.mp4", 100)
    clock[0] += 80.0  # until a network is loaded and a tracker has looked ahead
    counted.advance()
    clock[0] += 2.0
    counted.advance()
    clock[0] += 2.0
    counted.advance()
    assert capsys.readouterr().err.splitlines() == [
        "match.mp4: 1/100 frames",
        "match.mp4: 2/100 frames",
        "match.mp4: 3/100 frames, 0.5 frames/s, 0:03:14 left",
    ]


def test_without_a_total_nothing_is_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    counted = Progress("camera", None)
    counted.advance()
    clock[0] += 20.0
    counted.advance()
    assert capsys.readouterr().err == "camera: 2 frames, 0.1 frames/s\n"


def test_it_may_be_silent(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("match.mp4", 3, silent=True) as counted:
        clock[0] += 20.0
        counted.advance()
    assert counted.count == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_has_a_bar_where_it_can_draw_one(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], has_widgets: bool
) -> None:
    bars: list[str] = []

    class Bar:
        def __init__(self, *columns: object, **options: object) -> None:
            bars.append("made")

        def add_task(self, *_: object, **__: object) -> int:
            return 0

        def update(self, *_: object, **__: object) -> None:
            bars.append("moved")

    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setattr(rich.console, "Console", lambda stderr: type("Notebook", (), {"is_jupyter": True}))
    monkeypatch.setattr(progress, "find_spec", lambda name: "spec" if has_widgets else None)
    monkeypatch.setattr(rich.progress, "Progress", Bar)
    counted = Progress("match.mp4", 3)
    clock[0] += 20.0
    counted.advance()
    told = capsys.readouterr().err
    assert (bars, told) == ((["made", "moved"], "") if has_widgets else ([], "match.mp4: 1/3 frames\n"))
