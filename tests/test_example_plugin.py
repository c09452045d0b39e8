"""A package of somebody else goes all the way: it is listed, shown, checked, trained, predicted with and exported.

The package is the example plugin, as pip would leave it; `nox -s plugin` does the same with real wheels.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import catalogue
import jsonschema
import pytest
import torch
from omegaconf import OmegaConf

from tracknet_core.authoring.json_schema import experiment_schema
from tracknet_core.checkpoint import KEY, read_checkpoint
from tracknet_core.cli import main
from tracknet_core.registry import NAMESPACE
from tracknet_core.video import VideoFrames, write_video

EXAMPLE = Path(__file__).parent / "example_plugin"
SMALL = [
    "data.transforms=[]",
    "data.preprocess.resize=[64,48]",
    "model.heatmap.size=[16,12]",
    "training.accelerator=cpu",
]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the example plugin; the working folder is another one."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    metadata = tmp_path / "installed" / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(text, encoding="utf-8")
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    monkeypatch.syspath_prepend(metadata.parent)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield EXAMPLE / "experiment.yaml"
    catalogue.REGISTRY.pop((NAMESPACE, "backbones", "tiny_conv"), None)
    for module in [module for module in sys.modules if module.partition(".")[0] == "tracknet_example"]:
        del sys.modules[module]
    torch.use_deterministic_algorithms(False)  # a run turns it on for its process


@pytest.mark.slow
def test_a_package_of_somebody_else_goes_all_the_way(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> str:
        assert main(arguments) == 0
        return capsys.readouterr().out

    listed = {part["name"]: part for part in json.loads(told("list", "backbones", "--json"))}
    assert listed["tiny_conv"]["package"] == "tracknet-example"
    assert listed["tiny_conv"]["summary"] == "Backbone ``tiny_conv``: two strided convolutions."
    assert "tracknet_example" not in sys.modules

    shown = json.loads(told("show", "backbones", "tiny_conv", "--json"))
    assert [(one["name"], one["default"]) for one in shown["parameters"]] == [("width", 16)]
    assert "passed  backbones tiny_conv" in told("check", "--dist", "tracknet-example")

    checker = jsonschema.Draft7Validator(experiment_schema()[0])
    text = example.read_text(encoding="utf-8")
    assert checker.is_valid(OmegaConf.to_container(OmegaConf.create(text)))
    assert not checker.is_valid(OmegaConf.to_container(OmegaConf.create(text.replace("width", "widht"))))

    assert "tiny_conv" in told("run", str(example), "--dry-run", *SMALL)
    told("run", str(example), "training.callbacks=[checkpoint]", *SMALL)
    [checkpoint] = Path("outputs", "checkpoints").glob("last_*.ckpt")
    stored = read_checkpoint(checkpoint)[KEY]["config"]["model"]["backbone"]
    assert stored == {"name": "tiny_conv", "width": 8}

    video = Path("clip.mp4")
    write_video(video, torch.randint(256, (6, 48, 64, 3), dtype=torch.uint8).numpy(), fps=25)
    told("predict", str(checkpoint), str(video))
    rows = Path("predictions", "clip.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + len(VideoFrames(video))

    told("export", str(checkpoint), "--format", "exported", "--output", "tiny.pt2")
    told("predict", "tiny.pt2", str(video), "--backend", "exported", "--output", "again")
    assert [row.split(",")[:2] for row in Path("again", "clip.csv").read_text(encoding="utf-8").splitlines()] == [
        row.split(",")[:2] for row in rows
    ]
