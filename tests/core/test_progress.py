"""Counting, and what is told of it."""

import pytest

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
    clock[0] += 2.0
    counted.advance()
    clock[0] += 2.0
    counted.advance()
    assert capsys.readouterr().err.splitlines() == [
        "match.mp4: 1/100 frames",
        "match.mp4: 2/100 frames, 0.5 frames/s, 0:03:16 left",
    ]


def test_without_a_total_nothing_is_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    counted = Progress("camera", None)
    clock[0] += 20.0
    counted.advance()
    assert capsys.readouterr().err == "camera: 1 frames, 0.1 frames/s\n"
