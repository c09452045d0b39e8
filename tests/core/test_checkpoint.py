"""One self-sufficient file, from which no stranger can run code."""

import pickle
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from tracknet_core.assembly import build_model, load_model
from tracknet_core.checkpoint import copy_weights, describe, read_checkpoint
from tracknet_core.config import Config
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.model import BallTracker


def save(model: BallTracker, config: Config, path: Path, **changes: Any) -> Path:
    """Write what Lightning writes, as far as the format is concerned."""
    state = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state, **describe(config.as_dict()), **changes}, path)
    return path


@pytest.fixture
def model(config: Config) -> BallTracker:
    torch.manual_seed(0)
    return build_model(config).eval()


@pytest.fixture
def saved(model: BallTracker, config: Config, tmp_path: Path) -> Path:
    return save(model, config, tmp_path / "best.ckpt")


def test_a_checkpoint_says_its_format_its_version_and_its_configuration(saved: Path, config: Config) -> None:
    content = read_checkpoint(saved)
    assert content["tracknet"] == {"format": 2, "version": version("tracknet"), "config": config.as_dict()}


def test_a_model_comes_back_from_the_file_alone(saved: Path, model: BallTracker) -> None:
    config, again = load_model(saved)
    again.eval()
    assert config.data.preprocess.resize == (64, 48)
    frames = torch.randint(0, 256, (1, 3, 3, 48, 64), dtype=torch.uint8)
    torch.testing.assert_close(again(frames), model(frames), rtol=0, atol=0)


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def _random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(3).randbytes(2000))


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _foreign_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", "sun")


def _trap(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Trap(path.with_name("ran.txt"))))


def _trap_of_torch(path: Path) -> None:
    torch.save({"state_dict": {}, "tracknet": _Trap(path.with_name("ran.txt"))}, path)


@pytest.mark.parametrize("make", [_random_bytes, _nothing, _foreign_zip, _trap, _trap_of_torch])
def test_a_file_that_is_no_safe_checkpoint_is_refused_and_not_run(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "odd.ckpt"
    make(path)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: not a checkpoint that can be loaded safely (")
    assert str(caught.value).endswith("Give a .ckpt file that tracknet wrote.")
    assert not (tmp_path / "ran.txt").exists()


def test_a_damaged_checkpoint_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-400])
    with pytest.raises(CheckpointError, match="not a checkpoint that can be loaded safely"):
        read_checkpoint(saved)


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2], {"state_dict": {}, "tracknet": "yes"}])
def test_a_checkpoint_of_another_program_is_refused(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "foreign.ckpt"
    torch.save(content, path)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value) == f"{path}: a checkpoint of another program. Give a .ckpt file that tracknet wrote."


@pytest.mark.parametrize(
    "weights",
    [None, [], {"model.a": 3}, {5: torch.zeros(1)}, {"a": torch.eye(2).to_sparse()}, {"a": 1j * torch.zeros(1)}],
)
@pytest.mark.filterwarnings("ignore:.*[Ss]parse")  # torch tells of checks that it leaves out
def test_weights_that_are_none_are_refused(weights: Any, model: BallTracker, config: Config, tmp_path: Path) -> None:
    path = save(model, config, tmp_path / "odd.ckpt", state_dict=weights)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value) == f"{path}: holds no weights. Give a .ckpt file that tracknet wrote."


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(
    value: float, model: BallTracker, config: Config, tmp_path: Path
) -> None:
    with torch.no_grad():
        next(model.backbone.parameters())[0] = value
    path = save(model, config, tmp_path / "odd.ckpt")
    with pytest.raises(CheckpointError, match=r"odd\.ckpt: 1 of its \d+ weights are no finite numbers, such as"):
        load_model(path)


@pytest.mark.parametrize(
    ("section", "changes", "complaint"),
    [
        (
            "model",
            {"heatmap": {"name": "gaussian", "size": [10**6, 10**6]}},
            "model.heatmap: a grid of 1000000 x",
        ),
        (
            "model",
            {"decoder": {"name": "upsampling", "channels": [10**10]}},
            "model.decoder: 'upsampling' asks for more",
        ),
        ("data", {"sequence": {"length": 10**9}}, "data.sequence.length: 1000000000 is too large. It accepts: 1000 or"),
        ("data", {"preprocess": {"resize": [10**6, 64]}}, "data.preprocess.resize: 1000000 is too large"),
    ],
)
def test_absurd_sizes_are_refused(
    section: str, changes: dict[str, Any], complaint: str, model: BallTracker, config: Config, tmp_path: Path
) -> None:
    tree = config.as_dict()
    tree[section].update(changes)
    path = save(model, config, tmp_path / "odd.ckpt", tracknet={"format": 2, "version": "1.0", "config": tree})
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    assert any(fault.startswith(complaint) for fault in caught.value.faults)


@pytest.mark.parametrize("stored", [None, [], "vit"])
def test_a_configuration_that_is_none_is_refused(
    stored: Any, model: BallTracker, config: Config, tmp_path: Path
) -> None:
    path = save(model, config, tmp_path / "odd.ckpt", tracknet={"format": 2, "version": "1.0", "config": stored})
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert str(caught.value) == f"{path}: holds no configuration of a network. Give a file that tracknet wrote."


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"plugins": 3}, "plugins: 3 is not a list of modules or files"),
        ({"model": 7}, "model: 7 is not a mapping"),
        ({"training": []}, "training: [] is not a mapping"),
    ],
)
def test_faults_of_a_stored_configuration_name_the_file(
    changes: dict[str, Any], complaint: str, model: BallTracker, config: Config, tmp_path: Path
) -> None:
    stored = {"format": 2, "version": "1.0", "config": {**config.as_dict(), **changes}}
    path = save(model, config, tmp_path / "odd.ckpt", tracknet=stored)
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    assert caught.value.faults[0] == f"{path}:"
    assert caught.value.faults[1].startswith(complaint)


def test_plugins_that_a_checkpoint_names_are_not_imported(model: BallTracker, config: Config, tmp_path: Path) -> None:
    plugin = tmp_path / "evil.py"
    plugin.write_text(f"open({str(tmp_path / 'ran.txt')!r}, 'w').close()\n")
    path = save(model, replace(config, plugins=[str(plugin)]), tmp_path / "trained.ckpt")
    assert load_model(path)[0].plugins == [str(plugin)]
    assert not (tmp_path / "ran.txt").exists()


def test_a_part_of_a_plugin_asks_for_the_plugin(model: BallTracker, config: Config, tmp_path: Path) -> None:
    foreign = replace(config, plugins=["theirs"], model=replace(config.model, backbone={"name": "of_theirs"}))
    path = save(model, foreign, tmp_path / "trained.ckpt")
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    first, fault, cure = caught.value.faults
    assert (first, fault.split(": ")[0]) == (f"{path}:", "model.backbone.name")
    assert cure == "It was trained with plugins, which are imported only if you name them: --plugin theirs"


def test_another_format_names_the_version_that_reads_it(model: BallTracker, config: Config, tmp_path: Path) -> None:
    path = save(model, config, tmp_path / "new.ckpt", tracknet={"format": 9, "version": "7.0", "config": {}})
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value) == (
        f"{path}: format 9, but this tracknet reads format 2. It was written by tracknet 7.0: use that version."
    )


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "gone.ckpt")
    assert str(caught.value) == f"{tmp_path / 'gone.ckpt'}: no such checkpoint file."


def test_weights_of_another_model_are_told_part_by_part(saved: Path, config: Config) -> None:
    wider = replace(config, model=replace(config.model, backbone={**config.model.backbone, "width": 16}))
    other = build_model(wider)
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        copy_weights(other, read_checkpoint(saved), saved)
    message = str(caught.value)
    assert message.startswith(f"{saved}: its weights do not fit this model: ")
    assert "backbone.convolution.weight is (8, 9, 4, 4), the model has (16, 9, 4, 4)" in message
    assert message.endswith("Use the model section that the checkpoint was trained with.")
    # Nothing is half loaded.
    assert all(torch.equal(before[key], value) for key, value in other.state_dict().items())


def test_missing_and_unexpected_weights_are_counted(model: BallTracker, config: Config, tmp_path: Path) -> None:
    state = {f"model.other{i}": torch.zeros(1) for i in range(3)}
    path = save(model, config, tmp_path / "odd.ckpt", state_dict=state)
    count = len(model.state_dict()) + 3
    with pytest.raises(CheckpointError, match=rf"missing backbone\.convolution\.weight; .* and {count - 5} more\."):
        copy_weights(model, read_checkpoint(path), path)


def test_what_is_not_of_the_network_is_left_alone(model: BallTracker, config: Config, tmp_path: Path) -> None:
    state = {f"model.{key}": value + 1 for key, value in model.state_dict().items()}
    path = save(model, config, tmp_path / "more.ckpt", state_dict={**state, "protocols.0.tp": torch.tensor(3)})
    expected = {key: value + 1 for key, value in model.state_dict().items()}
    copy_weights(model, read_checkpoint(path), path)
    assert all(torch.equal(expected[key], value) for key, value in model.state_dict().items())
