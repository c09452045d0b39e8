"""A network of the tests' experiment and one with a state, as checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config, load_config
from tracknet_core.model import BallTracker


@pytest.fixture
def model(config: Config) -> BallTracker:
    torch.manual_seed(0)
    return build_model(config).eval()


@pytest.fixture
def checkpoint(model: BallTracker, config: Config, tmp_path: Path) -> Path:
    path = tmp_path / "best.ckpt"
    state = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    return path


@pytest.fixture
def recurrent(experiment: Path, tmp_path: Path) -> Path:
    """The checkpoint of a network that carries a state from window to window."""
    torch.manual_seed(0)
    parts = [
        "model.input={name: stack, grey: true}",
        "model.backbone={name: vgg, channels: [4, 8], blocks: 1}",
        "model.decoder={name: unet, channels: [4], blocks: 1, recurrent: true}",
        "model.head={name: heatmap, prior: 0.5}",
    ]
    config = load_config(experiment, parts)
    path = tmp_path / "recurrent.ckpt"
    network = build_model(config)
    torch.nn.init.normal_(network.head.logits.convolution.weight)  # type: ignore[attr-defined]
    weights = {f"model.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": weights, **describe(config.as_dict())}, path)
    return path
