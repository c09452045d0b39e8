"""A tracker is trained by the command, and goes with any network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tracknet_core import run
from tracknet_core.assembly import load_model, load_tracker
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.contracts import LearnedTracker
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.tracking.trackers import build_tracker, choose_tracker

EXPERIMENT = """\
data:
  dataset: {name: tiny, frames: 60}
  sequence: {length: 12, stride: 4}
model:
  tracker: {name: inpaint, channels: [4, 4], bottleneck: 4, gap: [2, 4], max_gap: 4}
training:
  base: trajectories
  epochs: 2
  batch_size: 8
  accelerator: cpu
  devices: 1
"""


@pytest.fixture
def trajectories(tiny: None, tmp_path: Path) -> Path:
    path = tmp_path / "trajectories.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture
def go(trajectories: Path, tmp_path: Path) -> Callable[..., int]:
    return lambda *arguments: run.main([str(trajectories), "--output-dir", str(tmp_path / "out"), *arguments])


def test_a_run_leaves_a_tracker_that_can_be_resumed_and_goes_with_any_network(
    go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go() == 0
    told = capsys.readouterr().out
    assert "val/gap_error" in told
    assert "val/gap_filled" in told
    (best,) = (tmp_path / "out" / "checkpoints").glob("best_*.ckpt")
    node = choose_tracker(str(best))
    assert node["name"] == str(best)
    tracker = build_tracker(node, fps=25.0, size=(128, 96))
    assert isinstance(tracker, LearnedTracker)
    state = torch.load(best, weights_only=True)["state_dict"]
    assert {f"model.{name}" for name in tracker.state_dict()} == set(state)  # type: ignore[attr-defined]
    assert torch.equal(tracker.network.last.bias, state["model.network.last.bias"])  # type: ignore[attr-defined]

    (last,) = (tmp_path / "out" / "checkpoints").glob("last_*.ckpt")
    whole = torch.load(last, weights_only=True)["state_dict"]
    assert go("training.epochs=1") == 0
    assert go("--resume", "auto") == 0
    again = torch.load(last.with_name(max(p.name for p in last.parent.glob("last_*"))), weights_only=True)["state_dict"]
    assert all(torch.equal(value, again[name]) for name, value in whole.items())

    with pytest.raises(ConfigError, match=rf"{best.name}.*\n.*no network.*--tracker"):
        load_model(best)


def test_a_dry_run_tells_what_is_trained(go: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert go("--dry-run") == 0
    told = capsys.readouterr().out
    assert "Inpaint: " in told
    assert "val: 1 clips, 60 frames" in told


def test_all_that_is_for_pictures_is_refused_at_once(
    go: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "training.loss": "mse",
        "training.protocols": "[wasb]",
        "data.transforms": "[flip]",
        "data.preprocess.resize": "[64,48]",
    }
    assert go(*(f"{path}={value}" for path, value in settings.items())) == 2
    told = capsys.readouterr().err
    assert all(path in told for path in settings)
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("model.tracker={name: kalman}", "'kalman' has nothing to learn"),
        ("model.backbone={name: tiny}", "model.backbone: no such setting"),
        ("model.tracker.kernel=2", "kernel: 2"),
        ("data.dataset.frames=12", "in no clip of 'val'"),
    ],
)
def test_what_does_not_fit_is_told(
    go: Callable[..., int], capsys: pytest.CaptureFixture[str], setting: str, told: str
) -> None:
    assert go(setting) == 2
    assert told in capsys.readouterr().err


def test_a_network_is_no_tracker_and_a_tracker_has_to_be_trained(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "network.ckpt"
    torch.save({"state_dict": {}, **describe(config.as_dict())}, path)
    with pytest.raises(ConfigError, match="no tracker"):
        choose_tracker(str(path))
    with pytest.raises(ConfigError, match=r"--tracker inpaint: knows nothing before it was trained"):
        choose_tracker("inpaint")
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_tracker(tmp_path / "none.ckpt")
    assert choose_tracker(None)["name"] == "paths"


def test_a_network_needs_a_loss(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([str(experiment), "training.loss=null", "--dry-run"]) == 2
    assert "training.loss: null" in capsys.readouterr().err
