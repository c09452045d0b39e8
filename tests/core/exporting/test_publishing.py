"""A trained network as a folder: what is in it, that it is the same network, and that nothing private is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tracknet_core.assembly import build_model, load_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config, load_config
from tracknet_core.errors import CheckpointError, ConfigError, DataError
from tracknet_core.exporting import publish
from tracknet_core.model_folder import CARD, CONFIG, WEIGHTS, card_summary, is_model_folder
from tracknet_core.publish import main


@pytest.fixture
def checkpoint(config: Config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = build_model(config)
    state = {f"model.{key}": value for key, value in model.state_dict().items()} | {"loss.weight": torch.ones(1)}
    private = replace(config, data=replace(config.data, root=str(tmp_path / "home" / "me")))
    path = tmp_path / "best.ckpt"
    torch.save({"state_dict": state, "global_step": 1234, **describe(private.as_dict())}, path)
    return path


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    publish(checkpoint, tmp_path / "my_model")
    return tmp_path / "my_model"


def test_a_folder_is_the_network_of_the_checkpoint(checkpoint: Path, folder: Path) -> None:
    (_, network), (_, again) = load_model(checkpoint), load_model(folder)
    frames = torch.randint(0, 256, (1, 3, 3, 48, 64), dtype=torch.uint8)
    torch.testing.assert_close(again.eval()(frames), network.eval()(frames), rtol=0, atol=0)


def test_it_holds_weights_configuration_and_card_and_nothing_of_this_machine(folder: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([WEIGHTS, CONFIG, CARD])
    assert is_model_folder(folder)
    weights = load_file(folder / WEIGHTS)
    assert not any(name.startswith(("model.", "loss.")) for name in weights)
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        assert json.loads(file.metadata()["tracknet"]) == {"format": 2, "version": version("tracknet")}
    for name in (CONFIG, CARD):
        assert str(tmp_path) not in (folder / name).read_text(encoding="utf-8")


def test_its_configuration_is_an_experiment(folder: Path, config: Config) -> None:
    assert load_config(folder / CONFIG).model == config.model


def test_the_card_says_what_is_known(folder: Path) -> None:
    assert card_summary(folder).startswith("A network of tracknet that finds the ball in sports video: input `stack`,")
    text = (folder / CARD).read_text(encoding="utf-8")
    _, network = load_model(folder)
    assert f"{sum(parameter.numel() for parameter in network.parameters()):,} parameters" in text
    assert "| steps | 1,234 |" in text
    assert "3 frames in a row of\n64 x 48 pixels" in text


def test_half_the_bits_are_half_the_size_and_nearly_the_same(checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    publish(checkpoint, tmp_path / "half", half=True)
    sizes = [sum(v.nbytes for v in load_file(place / WEIGHTS).values()) for place in (tmp_path / "half", folder)]
    assert sizes[0] * 2 == pytest.approx(sizes[1], rel=0.02)
    (_, network), (_, again) = load_model(checkpoint), load_model(tmp_path / "half")
    assert {value.dtype for value in again.parameters()} == {torch.float32}
    for one, other in zip(again.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_a_card_of_ones_own(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# Mine\n\nFinds shuttles\nin my hall.\n\nMore.\n")
    publish(checkpoint, tmp_path / "mine", card=tmp_path / "card.md")
    assert card_summary(tmp_path / "mine") == "Finds shuttles in my hall."


def test_nothing_is_overwritten(checkpoint: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="there is something already"):
        publish(checkpoint, folder)


def test_data_are_named_for_a_further_format_only(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.root=x: settings of the data serve --format alone"):
        publish(checkpoint, tmp_path / "out", overrides=["data.root=x"])
    with pytest.raises(ConfigError, match="--int8: is about the file of --format"):
        publish(checkpoint, tmp_path / "out", int8=True)


def test_the_command(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(checkpoint), "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}\n"
    assert is_model_folder(tmp_path / "out")


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _of_another_program(folder: Path) -> None:
    save_file({"weight": torch.ones(1)}, folder / WEIGHTS)


def _of_another_format(folder: Path) -> None:
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS, metadata={"tracknet": '{"format": 1, "version": "0.0"}'})


def _changed(folder: Path) -> None:
    tree = OmegaConf.load(folder / CONFIG)
    tree.model.decoder.channels = [9]
    OmegaConf.save(tree, folder / CONFIG)


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (_without(WEIGHTS), "a folder without model.safetensors and config.yaml"),
        (_without(CONFIG), "a folder without model.safetensors and config.yaml"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"no weights"), "cannot be read"),
        (lambda folder: (folder / CONFIG).write_text("a: [1"), "cannot be read"),
        (_of_another_program, "cannot be read"),
        (_of_another_format, "format 1, but this tracknet reads format 2"),
        (_changed, "its weights do not fit this model"),
    ],
)
def test_a_broken_folder_is_told(folder: Path, breaking: Callable[[Path], object], words: str) -> None:
    breaking(folder)
    with pytest.raises(CheckpointError, match=words) as told:
        load_model(folder)
    assert str(folder) in str(told.value)
