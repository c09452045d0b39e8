"""Names are an interface: what a package renames, it declares once, and what was written before goes on."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import catalogue
import pytest

from tracknet_core.authoring.json_schema import experiment_schema
from tracknet_core.authoring.showing import show_part
from tracknet_core.checkpoint import stored_config
from tracknet_core.config import load_config, parse_component
from tracknet_core.errors import ConfigError, RenamedWarning
from tracknet_core.registry import NAMESPACE, losses, optimizers, trackers

Write = Callable[[str, str], Path]

MODULE = """
import torch
from tracknet_core.registry import losses, optimizers, trackers


@losses.register("modern")
class Modern(torch.nn.Module):
    def __init__(self, *, weight: float = 1.0, power: int = 2) -> None: ...


@trackers.register("follow")
class Follow:
    def __init__(self, *, gap: int = 3) -> None: ...
"""

ENTRIES = """
[tracknet_losses]
modern = renaming_module:Modern
[tracknet_trackers]
follow = renaming_module:Follow
[tracknet_renamed]
losses.ancient = old
losses.old = modern
losses.modern.strength = weight
losses.mse = modern
trackers.chase = follow
trackers.follow.hole = gap
"""


@pytest.fixture(autouse=True)
def renaming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that has renamed its parts, and parameters of them."""
    folder = tmp_path / "installed"
    metadata = folder / "renaming-2.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "renaming_module.py").write_text(MODULE, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: renaming\nVersion: 2.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("renaming_module", None)
    for kind, name in (("losses", "modern"), ("trackers", "follow")):
        catalogue.REGISTRY.pop((NAMESPACE, kind, name), None)


def test_the_names_of_today() -> None:
    assert losses.today("old") == losses.today("ancient") == losses.today("modern") == "modern"
    assert losses.today("modern", "strength") == "weight"
    assert losses.today("modern", "power") == "power"
    assert trackers.today("chase") == "follow"
    assert optimizers.today("old") == "old"
    assert losses.today("mse") == "mse"  # a part that is there has its name to itself
    assert "old" not in losses.names()


def test_an_old_experiment_goes_on_with_a_warning(experiment: Path) -> None:
    with pytest.warns(RenamedWarning, match=r"^training\.loss: 'old' is called 'modern' now\. Write that\.$"):
        loss = load_config(experiment, ["training.loss=old"]).training.loss
    assert loss == {"name": "modern", "weight": 1.0, "power": 2}
    with pytest.warns(RenamedWarning, match=r"^training\.loss\.strength: 'strength' is called 'weight' now"):
        loss = load_config(experiment, ["training.loss={name: modern, strength: 3}"]).training.loss
    assert loss == {"name": "modern", "weight": 3.0, "power": 2}


@pytest.mark.parametrize(
    ("base", "own", "weight"),
    [
        ("{name: modern, weight: 4, power: 3}", "{name: old, strength: 5}", 5.0),  # a shipped base was renamed
        ("{name: modern, weight: 4, power: 3}", "{strength: 5}", 5.0),
        ("{name: modern, weight: 4, power: 3}", "old", 4.0),
        ("{name: old, strength: 4, power: 3}", "{name: modern, weight: 5}", 5.0),  # the base was not
        ("{name: old, strength: 4, power: 3}", "{weight: 5}", 5.0),
    ],
)
def test_a_renamed_part_keeps_what_its_base_says(
    base: str, own: str, weight: float, experiment: Path, write: Write
) -> None:
    write("training/mine.yaml", f"base: default\nloss: {base}\n")
    file = write("old.yaml", f"data: tiny\nmodel: tiny\ntraining: {{base: mine, loss: {own}}}\n")
    with pytest.warns(RenamedWarning):
        assert load_config(file).training.loss == {"name": "modern", "weight": weight, "power": 3}
    file = write("plain.yaml", "data: tiny\nmodel: tiny\ntraining: mine\n")
    with pytest.warns(RenamedWarning):
        assert load_config(file, [f"training.loss={own}"]).training.loss["weight"] == weight


@pytest.mark.parametrize("built", [[], ["model"], ["data", "model", "training"]])
def test_an_old_checkpoint_goes_on_whatever_is_built_of_it(experiment: Path, built: list[str]) -> None:
    tree = load_config(experiment, ["training.loss=modern"]).as_dict()
    tree["training"]["loss"] = {"name": "ancient", "strength": 2.0, "power": 2}
    with pytest.warns(RenamedWarning):
        config = stored_config(tree, Path("old.ckpt"), built=built)
    assert config.training.loss == {"name": "modern", "weight": 2.0, "power": 2}


def test_an_option_takes_an_old_name() -> None:
    hole, chase = "'hole' is called 'gap' now", "'chase' is called 'follow' now"
    with pytest.warns(RenamedWarning, match=hole), pytest.warns(RenamedWarning, match=chase):
        node = parse_component("trackers", "{name: chase, hole: 5}", "--tracker")
    assert node == {"name": "follow", "gap": 5}


def test_the_new_name_warns_of_nothing(experiment: Path) -> None:
    assert load_config(experiment, ["training.loss={name: modern, weight: 3}"]).training.loss is not None


def test_a_name_that_nobody_had_is_a_fault(experiment: Path) -> None:
    with pytest.raises(ConfigError, match=r"'modern' has no such parameter\. Did you mean 'power'"):
        load_config(experiment, ["training.loss={name: modern, powr: 3}"])


def test_what_was_renamed_is_shown_and_in_the_schema() -> None:
    assert show_part("losses", "ancient").name == "modern"
    schema = json.loads(json.dumps(experiment_schema()[0]))
    import jsonschema

    checker = jsonschema.Draft7Validator(schema)
    for node in ("old", {"name": "ancient", "strength": 3}, {"name": "modern", "strength": 3}, {"strength": 3}):
        assert checker.is_valid({"training": {"loss": node}})
    for node in ({"name": "old", "strenght": 3}, {"name": "old", "strength": "x"}):
        assert not checker.is_valid({"training": {"loss": node}})
