"""The networks that come with tracknet: whole, small, and run without torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.model_folder import PORTABLE, WEIGHTS
from tracknet_core.testing import check_model
from tracknet_core.tracking.detector import load_detector
from tracknet_core.video import write_video
from tracknet_plugins.datasets.synthetic import Synthetic
from tracknet_plugins.models.accurate import accurate
from tracknet_plugins.models.fast import fast

MODELS = [fast, accurate]

ALONE = """
import json, sys
from tracknet_core import predict
code = predict.main(json.loads(sys.argv[1]))
sys.exit(code or ", ".join(sorted(sys.modules.keys() & {"torch", "lightning", "timm", "onnx"})) or 0)
"""


@pytest.mark.parametrize("model", MODELS)
def test_it_keeps_the_contract(model: Callable[[], Path]) -> None:
    check_model(model)


def test_all_weights_are_at_most_2_mb_and_graphs_a_tenth_of_that() -> None:
    assert sum((model() / WEIGHTS).stat().st_size for model in MODELS) <= 2_000_000
    assert max((model() / f"{PORTABLE}.onnx").stat().st_size for model in MODELS) <= 200_000


@pytest.mark.parametrize("model", MODELS)
def test_its_graph_gives_the_logits_of_its_weights(model: Callable[[], Path]) -> None:
    by_onnx, by_torch = (load_detector(model(), device="cpu", backend=name) for name in ("auto", "torch"))
    assert (by_onnx.backend, by_torch.backend) == ("onnx", "torch")
    assert by_onnx.window == by_torch.window
    window = by_onnx.window
    # Not noise: 8 bits hold what comes of pictures like those that they were calibrated on.
    rally = Synthetic(
        sport="badminton", style="lifelike", size=(1024, 576), rallies=(0, 0, 1), frames=window.pictures, seed=7
    )
    (clip,) = rally.clips("test")
    pictures = np.stack(list(clip.frames.read(range(window.pictures), window.image_size)))  # (P, H, W, 3)
    frames = np.moveaxis(pictures[np.newaxis], -1, 2)
    (found, _), (expected, _) = (detector.logits(np.ascontiguousarray(frames)) for detector in (by_onnx, by_torch))
    assert np.corrcoef(found.flatten(), expected.flatten())[0, 1] > 0.95  # in 8 bits


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_predict_imports_no_torch(tmp_path: Path, name: str) -> None:
    draw = np.random.default_rng(0)
    video = tmp_path / "rally.mp4"
    write_video(video, list(draw.integers(0, 256, (9, 96, 128, 3), dtype=np.uint8)), fps=30)
    arguments = [name, str(video), "--output", str(tmp_path / "rows")]
    command = [sys.executable, "-c", ALONE, json.dumps(arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"frames/s by onnx \(\d+ threads?, 1 window at a time\)", ended.stdout)
    assert len((tmp_path / "rows" / "rally.csv").read_text().splitlines()) == 10
