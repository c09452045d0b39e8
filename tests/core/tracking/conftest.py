"""A network of the tests' experiment, and its checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
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
