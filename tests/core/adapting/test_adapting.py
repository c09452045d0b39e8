"""The command `adapt`, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core import halls as door
from tracknet_core.adapting import Adapted, adapt, adapting, stretches
from tracknet_core.adapting.both_ways import BothWays
from tracknet_core.assembly import build_model, load_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.contracts import TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.video import write_video

FRAMES = 60


@pytest.fixture
def checkpoint(config: Config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    pictures = np.random.default_rng(0).integers(0, 80, (FRAMES, 48, 64, 3), dtype=np.uint8)
    for n, picture in enumerate(pictures):
        picture[20:26, n % 50 : n % 50 + 6] = 255
    write_video(tmp_path / "hall.mp4", iter(pictures), fps=25)
    return tmp_path / "hall.mp4"


@pytest.fixture
def agreements(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of stretches of 12 frames, say how much both directions agree: before, and after each round."""
    said: list[float] = []
    monkeypatch.setattr(stretches, "LENGTH", 12)
    monkeypatch.setattr(adapting, "LEAST_LABELS", 20)

    def look(detector: Any, frames: Any, tracker: Any) -> BothWays:
        every = {n: TrackPoint.at((10.0 + n, 23.0), 0.9) for n in range(len(frames))}
        return BothWays(every, every, every, len(frames), 48)

    def how_much(clips: Iterator[BothWays]) -> float:
        assert len(list(clips)) == 1
        return said.pop(0)

    monkeypatch.setattr(adapting, "look_both_ways", look)
    monkeypatch.setattr(adapting, "agreement", how_much)
    return said


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_model(path)[1].state_dict()


def test_the_average_of_the_last_round_that_agreed_is_kept(
    checkpoint: Path, video: Path, agreements: list[float], tmp_path: Path
) -> None:
    agreements += [0.5, 0.7, 0.8, 0.6]
    told: list[str] = []

    adapted = adapt(checkpoint, [str(video)], tmp_path / "my.ckpt", tell=told.append)

    assert (adapted.frames, adapted.labels, adapted.before, adapted.after) == (FRAMES, 48, 0.5, 0.8)
    assert agreements == []  # the fall ends it
    assert told[1:] == [f"round {n}: agreement {value}" for n, value in ((1, "0.700"), (2, "0.800"), (3, "0.600"))]
    before, after = weights(checkpoint), weights(tmp_path / "my.ckpt")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert load_model(tmp_path / "my.ckpt")[0].as_dict() == load_model(checkpoint)[0].as_dict()


def test_what_agrees_less_at_once_leaves_no_file(
    checkpoint: Path, video: Path, agreements: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agreements += [0.9, 0.5]

    assert door.main([str(checkpoint), str(video), "--output", str(tmp_path / "my.ckpt")]) == 2

    assert "agreement on held-out frames fell below 0.900 at once" in capsys.readouterr().err
    assert not (tmp_path / "my.ckpt").exists()


def test_the_command_says_what_it_changed_and_overwrites_nothing(
    checkpoint: Path, video: Path, agreements: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agreements += [0.5, 0.5, 0.5, 0.5, 0.5]
    arguments = [str(checkpoint), str(video), "--output", str(tmp_path / "my.ckpt")]

    assert door.main(arguments) == 0
    assert "48 of 60 frames agree forwards and backwards, and were learned from" in capsys.readouterr().out
    assert door.main(arguments) == 2
    assert "my.ckpt: there is a file already" in capsys.readouterr().err


def test_a_network_that_finds_too_little_is_told(
    checkpoint: Path, video: Path, agreements: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreements += [0.5]
    monkeypatch.setattr(adapting, "LEAST_LABELS", 49)

    with pytest.raises(DataError, match="agree about 48 of 60 frames, and 49 are the least"):
        adapt(checkpoint, [str(video)], tmp_path / "my.ckpt")


def test_what_was_learned_is_plain_data() -> None:
    assert json.dumps(Adapted(10, 5, 0.1, 0.2, 3.0).__dict__)


def test_options_may_stand_between_network_and_videos(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(door, "guarded", lambda command: 7)
    assert door.main(["best.ckpt", "--minutes", "5", "a.mp4", "--output", "my.ckpt", "b.mp4"]) == 7
    assert capsys.readouterr().err == ""
