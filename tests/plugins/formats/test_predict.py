"""Exported files find in a video what their checkpoint finds."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import catalogue
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tracknet_core import export, predict
from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import load_config
from tracknet_core.contracts import FeatureSpec, Normalization
from tracknet_core.errors import CheckpointError
from tracknet_core.exporting import publish
from tracknet_core.model_folder import CARD, CONFIG, WEIGHTS
from tracknet_core.registry import NAMESPACE, formats
from tracknet_core.tracking import detector, with_torch
from tracknet_core.tracking.detector import load_detector
from tracknet_core.video import write_video

EXPERIMENT = """\
data:
  dataset: {name: csv}
  root: ROOT
  preprocess: {resize: [64, 48]}
model:
  input: {name: stack}
  backbone: {name: small}
  decoder: {name: upsampling, channels: [8]}
  head: {name: heatmap}
  heatmap: {name: gaussian, size: [32, 24], sigma: 1.0, threshold: 0}
"""


PLAIN = ("--tracker", "none")
"""A tracker that changes nothing."""

EAGER = ("--tracker", "{name: paths, start: 0, level: 0.01}")
"""The default, which asks for further candidates, but that it takes each frame to have a ball."""

RECURRENT = "model.decoder={name: unet, channels: [8], blocks: 1, recurrent: true}"


class Small(nn.Module):
    def __init__(self, *, in_channels: int) -> None:
        super().__init__()
        self.features = (FeatureSpec(8, 4),)
        self.normalization = Normalization((0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
        self.convolution = nn.Conv2d(in_channels, 8, 4, stride=4)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.convolution(x).relu()]


Rows = list[list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled video, and checkpoints of networks that find something in each of its frames: one carries a state."""
    folder = tmp_path_factory.mktemp("predicted")
    (folder / "match").mkdir()
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (10, 6, 8, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    write_video(folder / "match" / "rally.mp4", list(frames), fps=30)
    labels = "".join(f"{i},10,20,1\n" for i in range(10))
    (folder / "match" / "rally.csv").write_text(f"frame,x,y,visibility\n{labels}")
    (folder / "experiment.yaml").write_text(EXPERIMENT.replace("ROOT", str(folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "small"), Small)
        for name, changes in {"best": [], "recurrent": [RECURRENT, "model.head.prior=0.1"]}.items():
            config = load_config(folder / "experiment.yaml", changes)
            torch.manual_seed(0)
            model = build_model(config)
            nn.init.normal_(model.head.logits.convolution.weight)
            state = {f"model.{key}": value for key, value in model.state_dict().items()}
            torch.save({"state_dict": state, **describe(config.as_dict())}, folder / f"{name}.ckpt")
    return folder


@pytest.fixture(scope="module")
def portable(folder: Path) -> Callable[..., Path]:
    """Export a checkpoint of the folder in a format, once; the file needs no backbone that is known."""

    def export_once(name: str, network: str) -> Path:
        file = folder / f"{network}_{name}{formats.get(name).suffix}"
        if not file.exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "small"), Small)
                arguments = [str(folder / f"{network}.ckpt"), "--format", name, "--output", str(file)]
                assert export.main(arguments) == 0
        return file

    return export_once


@pytest.fixture
def predicted(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rows]:
    """Return the rows of the CSV file that a network gives."""

    def rows(network: Path, *options: str) -> Rows:
        output = tmp_path / f"from{network.suffix}"
        video = folder / "match" / "rally.mp4"
        with monkeypatch.context() as patch:
            if network.suffix == ".ckpt":
                patch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "small"), Small)
            assert predict.main([str(network), str(video), "--output", str(output), *PLAIN, *options]) == 0
        with (output / "rally.csv").open(newline="") as text:
            return list(csv.reader(text))

    return rows


@pytest.mark.parametrize("network", ["best", "recurrent"])
@pytest.mark.parametrize("name", ["onnx", "openvino", "torchscript", "exported"])
def test_predictions_are_those_of_the_checkpoint(
    folder: Path, predicted: Callable[..., Rows], portable: Callable[..., Path], name: str, network: str
) -> None:
    file = portable(name, network)
    head, *expected = predicted(folder / f"{network}.ckpt")

    head_too, *found = predicted(file, "--backend", name)

    assert head_too == head
    assert_same_rows(head, found, expected)


def assert_same_rows(head: list[str], found: Rows, expected: Rows) -> None:
    """Check rows of frames, each of which has a ball."""
    assert [row[head.index("Visibility")] for row in expected] == ["1"] * 10
    origin = head.index("Origin")
    assert [row.pop(origin) for row in found] == [row.pop(origin) for row in expected]
    np.testing.assert_allclose(np.array(found, float), np.array(expected, float), atol=0.1)


HEAVY = {"torch", "lightning", "timm", "torchmetrics", "onnx", "tracknet_core.assembly"}
"""What takes seconds to import, or brings along what does."""

ALONE = f"""
import json, sys
from tracknet_core import predict
for arguments in json.loads(sys.argv[1]):
    if code := predict.main(arguments):
        sys.exit(code)
sys.exit(", ".join(sorted(sys.modules.keys() & {HEAVY})) or 0)
"""


@pytest.mark.parametrize(("name", "network"), [("onnx", "best"), ("openvino", "recurrent")])
def test_a_file_runs_without_torch_and_gives_the_rows_of_its_checkpoint(
    folder: Path, predicted: Callable[..., Rows], portable: Callable[..., Path], tmp_path: Path, name: str, network: str
) -> None:
    file, video = portable(name, network), folder / "match" / "rally.mp4"
    runs = [
        PLAIN,
        EAGER,
        (),
        ("--tracker", "kalman", "--overlay"),
        ("--tracker", "smooth", "--format", "jsonl"),
        ("--tracker", "wasb"),
        *([(*PLAIN, "--step", "1"), (*PLAIN, "--step", "1", "--ensemble", "none")] if network == "best" else []),
    ]
    arguments = [[str(file), str(video), "--output", str(tmp_path / str(n)), *run] for n, run in enumerate(runs)]
    command = [sys.executable, "-c", ALONE, json.dumps(arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")

    for run, options in (("0", PLAIN), ("1", EAGER)):
        with (tmp_path / run / "rally.csv").open(newline="") as text:
            head, *found = csv.reader(text)
        _, *expected = predicted(folder / f"{network}.ckpt", *options, "--overwrite")
        assert_same_rows(head, found, expected)


IN_PYTHON = """
import json, sys
from tracknet_core import load
network, video, table = json.loads(sys.argv[1])
found = load(network).track(video, tracker="none", progress=False)
found.to_csv(table)
assert "<svg" in found._repr_html_()
sys.exit(", ".join(sys.modules.keys() & set(json.loads(sys.argv[2]))) or 0)
"""


def test_in_python_a_file_runs_without_torch_too(
    folder: Path, predicted: Callable[..., Rows], portable: Callable[..., Path], tmp_path: Path
) -> None:
    file, table = portable("onnx", "best"), tmp_path / "table.csv"
    given = [str(file), str(folder / "match" / "rally.mp4"), str(table)]
    command = [sys.executable, "-c", IN_PYTHON, json.dumps(given), json.dumps(sorted(HEAVY))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    with table.open(newline="") as text:
        assert list(csv.reader(text)) == predicted(file)


def test_averages_of_a_file_are_those_of_its_checkpoint(
    folder: Path, predicted: Callable[..., Rows], portable: Callable[..., Path]
) -> None:
    options = ("--step", "1", "--ensemble", "mean")  # these take torch
    head, *expected = predicted(folder / "best.ckpt", *options)
    _, *found = predicted(portable("onnx", "best"), *options)
    assert_same_rows(head, found, expected)


@pytest.fixture
def with_graph(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published network in 16 bits, whose graph takes its weights from the file of the folder."""
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "small"), Small)
    publish(folder / "best.ckpt", tmp_path / "with_graph", half=True, form="onnx")
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
