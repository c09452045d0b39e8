"""The settings that are no component."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from tracknet_core.config import Config, load_config, parse_config


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("data.sequence.length=0", "data.sequence.length"),
        ("data.sequence.windows=0", "data.sequence.windows"),
        ("data.preprocess.resize=[0,24]", "data.preprocess.resize"),
        ("training.batch_size=0", "training.batch_size"),
        ("training.accumulate=0", "training.accumulate"),
        ("training.epochs=0", "training.epochs"),
        ("training.seed=-1", "training.seed"),
        ("training.limit_train_batches=-1", "training.limit_train_batches"),
        ("training.data_loader.num_workers=-1", "training.data_loader.num_workers"),
    ],
)
def test_numbers_that_are_too_small_are_told_the_least(
    override: str, path: str, experiment: Path, faults: Callable[..., list[str]]
) -> None:
    (message,) = faults(experiment, [override])
    assert message.startswith(f"{path}: ")
    assert "is too small. It accepts: " in message


def test_all_numbers_out_of_their_ranges_are_told_at_once_each_by_its_own_path(
    experiment: Path, faults: Callable[..., list[str]]
) -> None:
    overrides = ["data.sampling.ball=1.5", "data.sampling.clips={a: 2, b: -1}", "data.preprocess.resize=[24,20000]"]
    assert sorted(faults(experiment, [*overrides, "training.epochs=many"])) == [
        "data.preprocess.resize: 20000 is too large. It accepts: 16384 or less.",
        "data.sampling.ball: 1.5 is too large. It accepts: 1 or less.",
        "data.sampling.clips.b: -1.0 is too small. It accepts: 0 or more.",
        "training.epochs: 'many' is not accepted. It accepts: a whole number.",
    ]


def test_a_seed_that_numpy_does_not_take_is_told(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert faults(experiment, ["training.seed=4294967296"]) == [
        "training.seed: 4294967296 is too large. It accepts: 4294967295 or less."
    ]


@pytest.mark.parametrize("setting", ["limit_train_batches", "limit_val_batches"])
def test_a_share_of_the_batches_is_at_most_one(
    setting: str, experiment: Path, faults: Callable[..., list[str]]
) -> None:
    assert faults(experiment, [f"training.{setting}=1.5"]) == [
        f"training.{setting}: 1.5 is no share of the batches. It accepts: 0.0 to 1.0, or a whole number of batches."
    ]
    assert getattr(load_config(experiment, [f"training.{setting}=15"]).training, setting) == 15


def test_a_single_frame_is_a_sequence_that_is_not_enabled(experiment: Path) -> None:
    sequence = load_config(experiment, ["data.sequence.enabled=false"]).data.sequence
    assert (sequence.length, sequence.frames) == (3, 1)


def test_the_plain_form_of_a_configuration_parses_to_an_equal_one(config: Config) -> None:
    plain = config.as_dict()
    assert _types(plain) <= {dict, list, str, int, float, bool, type(None)}
    assert parse_config(plain) == config
    assert OmegaConf.to_container(OmegaConf.create(config.as_yaml())) == plain


def test_the_size_of_the_network_input_is_filled_in(config: Config) -> None:
    changed = config.with_image_size((32, 16))
    assert changed.data.preprocess.resize == (32, 16)
    assert changed.model == config.model
    assert config.data.preprocess.resize == (64, 48)


def _types(value: Any) -> set[type]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(_types(item) for item in items))
