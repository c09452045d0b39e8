"""What ``from tracknet_core import …`` gives: the work of the commands, with results in the place of text."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tracknet_core
from tracknet_core import build_model, evaluate, load, load_config, scores, train
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.evaluation.results import Evaluation
from tracknet_core.training import Trained


def test_the_package_is_imported_at_once() -> None:
    code = (
        "import sys, tracknet_core; dir(tracknet_core)\n"
        "sys.exit(', '.join(sys.modules.keys() & {'numpy', 'torch', 'omegaconf', 'catalogue', 'av'}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_are_those_that_a_type_checker_sees() -> None:
    for name in tracknet_core.__all__:
        assert callable(getattr(tracknet_core, name))
        assert name in dir(tracknet_core)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tracknet_core.nothing  # noqa: B018


def test_the_commands_take_no_name_of_a_function() -> None:
    """Importing a module makes it an attribute of its package, in the place of a function of that name."""
    modules = {path.stem for path in Path(tracknet_core.__path__[0]).iterdir()}
    assert not modules & {*tracknet_core.__all__}


@pytest.fixture(scope="module")
def trained(write_experiment: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    return train(write_experiment(folder), ["training.epochs=1"], output_dir=folder / "out")


def test_training_returns_figures_and_files(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained.epochs == 1
    assert {"train/loss", "val/loss"} <= trained.figures.keys()
    assert all(path.exists() for path in trained.files.values())
    assert capsys.readouterr().out == ""


def test_what_was_trained_is_loaded_and_scored_as_by_the_command(trained: Trained, tmp_path: Path) -> None:
    checkpoint = trained.files["last"]
    assert load(checkpoint, device="cpu").name == checkpoint.name

    found = evaluate(checkpoint, split="val", tracker={"name": "none"}, device="cpu", progress=False)

    assert isinstance(found, Evaluation)
    path = tmp_path / "found.json"
    options = ["--split", "val", "--tracker", "none", "--device", "cpu", "--json", str(path)]
    assert scores.main([str(checkpoint), *options]) == 0
    assert found.as_dict()["protocols"] == json.loads(path.read_text())["protocols"]
    assert found.figures == {protocol.name: protocol.figures for protocol in found.protocols}
    assert repr(found) == f"<Evaluation {checkpoint}: 1 clip of 'val', 8 frames>"


def test_predictions_of_any_program_are_scored(tmp_path: Path) -> None:
    for name, x in (("truth", 10), ("found", 11)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.csv").write_text(f"Frame,Visibility,X,Y\n0,1,{x},20\n1,0,0,0\n")
    found = evaluate(predictions=tmp_path / "found", truth=tmp_path / "truth", size=(64, 48), protocols=["wasb"])
    assert found.figures["wasb"]["f1"] == 1


@pytest.mark.parametrize(
    "given", [{}, {"network": "a.ckpt", "predictions": "rows"}, {"predictions": "rows", "truth": "true"}]
)
def test_what_is_to_be_scored_has_to_be_clear(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="evaluate: "):
        evaluate(**given)


def test_an_experiment_may_be_a_mapping(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(experiment.parent)
    expected = load_config(experiment)
    tree = {
        "data": "tiny",
        "model": {"base": "tiny"},
        "training": {
            "epochs": 2,
            "batch_size": 4,
            "optimizer": {"lr": 5e-3},
            "scheduler": {"warmup_epochs": 0.5},
            "accelerator": "cpu",
            "devices": 1,
        },
    }
    before = json.dumps(tree)
    assert load_config(tree).as_dict() == expected.as_dict()
    assert load_config(tree, ["training.epochs=7"]).training.epochs == 7
    assert json.dumps(tree) == before
    assert load_config(expected.as_dict()).as_dict() == expected.as_dict()
    with pytest.raises(ConfigError, match="trainings"):
        load_config({"trainings": {}})


def test_an_experiment_may_have_a_name() -> None:
    assert load_config("vit").as_dict() == load_config(Path("vit")).as_dict()
    with pytest.raises(ConfigError, match="vitt"):
        load_config("vitt")


def test_a_network_is_built_of_an_experiment(experiment: Path) -> None:
    torch.manual_seed(0)
    network = build_model(str(experiment))
    torch.manual_seed(0)
    again = build_model(load_config(experiment))
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name])
    assert network.eval()(torch.zeros(1, 3, 3, 48, 64, dtype=torch.uint8)).shape == (1, 3, 24, 32)


def test_what_training_cannot_go_on_from_is_told(experiment: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt"):
        train(experiment, output_dir=tmp_path / "out", resume=tmp_path / "nowhere.ckpt")
    assert not (tmp_path / "out").exists()
