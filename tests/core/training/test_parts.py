"""From the configuration to what trains a model, and which faults it tells."""

from pathlib import Path

import pytest

from tracknet_core.config import Config, load_config
from tracknet_core.errors import ConfigError
from tracknet_core.training.parts import build_protocols, build_transforms


def test_an_element_of_a_list_that_refuses_is_named_by_its_number(experiment: Path) -> None:
    config = load_config(experiment, ["data.transforms=[flip, {name: flip, prob: 2}]"])
    with pytest.raises(ConfigError, match=r"^data\.transforms\[1\]: "):
        build_transforms(config.data)


def test_protocols_are_built_in_order(config: Config) -> None:
    assert {name: type(p).__name__ for name, p in build_protocols(config.training).items()} == {
        "wasb": "WASB",
        "pck": "PCK",
    }


def test_a_protocol_that_is_there_twice_is_refused(experiment: Path) -> None:
    config = load_config(experiment, ["training.protocols=[pck, wasb, {name: pck, radii: [3]}]"])
    with pytest.raises(ConfigError, match=r"training\.protocols: 'pck' is there twice"):
        build_protocols(config.training)
