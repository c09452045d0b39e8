"""A published folder whose graph takes its weights from the file of the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import load_config
from tracknet_core.errors import CheckpointError
from tracknet_core.exporting import publish
from tracknet_core.model_folder import CARD, CONFIG, WEIGHTS
from tracknet_core.tracking import detector, with_torch
from tracknet_core.tracking.detector import load_detector

EXPERIMENT = """\
data:
  dataset: {name: csv}
  root: ROOT
  preprocess: {resize: [64, 48]}
model:
  input: {name: stack}
  backbone: {name: vgg, channels: [8, 8], blocks: [1, 1]}
  decoder: {name: upsampling, channels: [8]}
  head: {name: heatmap}
  heatmap: {name: gaussian, size: [32, 24], sigma: 1.0}
"""


@pytest.fixture
def with_graph(tmp_path: Path) -> Path:
    """A published network of small parts, from random weights, in 16 bits."""
    (tmp_path / "experiment.yaml").write_text(EXPERIMENT.replace("ROOT", str(tmp_path)))
    config = load_config(tmp_path / "experiment.yaml", [])
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, tmp_path / "best.ckpt")
    publish(tmp_path / "best.ckpt", tmp_path / "with_graph", half=True, form="onnx")
    return tmp_path / "with_graph"


def test_a_further_file_takes_its_weights_from_those_of_the_folder(with_graph: Path) -> None:
    assert sorted(path.name for path in with_graph.iterdir()) == sorted([WEIGHTS, CONFIG, CARD, "network.onnx"])
    by_onnx, by_torch = (load_detector(with_graph, backend=name) for name in ("onnx", "torch"))
    frames = np.random.default_rng(0).integers(0, 256, (1, 3, 3, 48, 64), dtype=np.uint8)
    torch.testing.assert_close(by_onnx.logits(frames)[0], by_torch.logits(frames)[0], rtol=0, atol=1e-4)
    (with_graph / WEIGHTS).write_bytes(b"others")
    with pytest.raises(CheckpointError, match="was written for other weights"):
        load_detector(with_graph, backend="onnx")


@pytest.mark.parametrize(
    ("device", "driver", "gpu", "backend"),
    [
        ("auto", False, True, "onnx"),  # torch is not asked
        ("auto", True, False, "onnx"),
        ("auto", True, True, "torch"),
        ("cpu", True, True, "onnx"),
    ],
)
def test_the_graph_is_for_the_cpu_and_torch_for_a_gpu(
    with_graph: Path, monkeypatch: pytest.MonkeyPatch, device: str, driver: bool, gpu: bool, backend: str
) -> None:
    monkeypatch.setattr(detector, "GPU_DRIVERS", ("/",) if driver else ())
    monkeypatch.setattr(detector, "GPU_PROGRAM", "no such program")
    monkeypatch.setattr(with_torch, "has_gpu", lambda: gpu)
    monkeypatch.setattr(with_torch, "_device", lambda _name: torch.device("cpu"))
    assert load_detector(with_graph, device=device).backend == backend
