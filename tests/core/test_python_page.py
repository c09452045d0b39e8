"""The page on Python: its code runs, block after block."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.tracking import networks
from tracknet_core.video import write_video

PAGE = Path(__file__).parent.parent.parent / "docs" / "python.md"


@pytest.fixture
def folder(experiment: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie that the page names."""
    experiment.rename(experiment.with_name("my_experiment.yaml"))
    torch.manual_seed(0)
    network = build_model(config)
    torch.nn.init.constant_(network.head.logits.convolution.bias, 1.0)  # type: ignore[attr-defined]  # finds something
    state = {f"model.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, experiment.with_name("best.ckpt"))
    pictures = np.random.default_rng(0).integers(0, 256, (12, 96, 128, 3), dtype=np.uint8)
    write_video(experiment.with_name("match.mp4"), list(pictures), fps=25, crf=20)
    monkeypatch.chdir(experiment.parent)
    monkeypatch.setattr(networks, "default_of", lambda option: "best.ckpt")  # a small one finds the ball
    return experiment.parent


def test_its_code_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(code) > 6
    names: dict[str, object] = {}
    for block in code:
        exec(block, names)
    said = capsys.readouterr().out
    assert "nowhere.ckpt: no such file" in said
    assert {"match.csv", "match_overlay.mp4", "outputs"} <= {path.name for path in folder.iterdir()}
    assert len(names["found"]) == 30  # type: ignore[arg-type]
