"""``tracknet show``: what a part is and takes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tracknet_core.authoring.listing import list_parts
from tracknet_core.authoring.showing import Parameter, as_yaml, show_part, shown_text, slots
from tracknet_core.cli import main
from tracknet_core.config import load_config
from tracknet_core.schema import check_component

Install = Callable[..., Path]

MODULE = '''\
"""Losses of an estimator (Huber 1964)."""
from torch import nn
from tracknet_core.registry import losses


@losses.register("huber")
class Huber(nn.Module):
    """The loss that grows linearly (Huber, "Robust Estimation", 1964; see (3)).

    More of it.
    """

    def __init__(self, *, name_of: str, delta: float = 1.0, kinds: list[str] | None = None) -> None:
        """Make it.

        Args:
            name_of: what it is for.
            delta: where it becomes linear,
                in units of the target.
        """
'''


def test_all_that_is_known_of_a_part_is_told(install: Install) -> None:
    install("strange", {"strange.py": MODULE}, {"losses": {"huber": "strange:Huber"}})
    facts = show_part("losses", "huber")
    assert (facts.package, facts.source) == ("strange", "strange:Huber")
    assert (facts.headline, facts.body) == ("Losses of an estimator (Huber 1964).", "More of it.")
    assert facts.parameters == (
        Parameter("name_of", "text", True, None, "what it is for."),
        Parameter("delta", "a number", False, 1.0, "where it becomes linear, in units of the target."),
        Parameter("kinds", "a list, each text or null", False, None, ""),
    )
    assert facts.supplied == {}
    assert "logits (B, K, *form)." in facts.calls["call"]  # what the contract says, since the component says nothing
    assert facts.papers[0] == "Huber 1964"
    assert facts.snippets == (
        "training:\n  loss:\n    name: huber\n    name_of: ???   # required\n    delta: 1.0\n    kinds: null",
    )
    text = shown_text(facts)
    assert "    name_of: text; required. what it is for.\n    delta: a number; default 1.0. where it" in text
    assert "given by tracknet" not in text


def test_what_assembly_supplies_is_told_and_not_offered() -> None:
    facts = show_part("backbones", "vgg")
    assert facts.supplied.keys() == {"in_channels", "image_size"}
    assert "in_channels" not in {parameter.name for parameter in facts.parameters}
    assert facts.calls["call"].startswith("(N, in_channels, H, W) -> ")
    assert "Simonyan and Zisserman, ICLR 2015" in facts.papers


def test_slots_are_where_an_experiment_names_a_kind() -> None:
    assert slots("codecs") == [("model.heatmap", False)]
    assert slots("transforms") == [("data.transforms", True)]
    assert slots("writers") == []


def test_what_commands_name_is_told_by_the_option() -> None:
    assert show_part("mergers", "mean").snippets == ("tracknet predict … --ensemble mean",)
    assert show_part("trackers", "kalman").snippets == ("tracknet predict … --tracker kalman",)
    learned = show_part("trackers", "inpaint").snippets
    assert learned[1].startswith("model:\n  tracker:\n    name: inpaint\n")


@pytest.mark.parametrize(
    ("kind", "name"), [("transforms", "crop"), ("codecs", "blob"), ("optimizers", "adamw"), ("protocols", "pck")]
)
def test_what_is_pasted_is_accepted(kind: str, name: str) -> None:
    facts = show_part(kind, name)
    [snippet] = facts.snippets
    required = {parameter.name for parameter in facts.parameters if parameter.is_required}
    node = OmegaConf.create(snippet)
    for step in slots(kind)[0][0].split("."):
        node = node[step]
    plain = OmegaConf.to_container(node)
    [plain] = plain if isinstance(plain, list) else [plain]
    faults: list[str] = []
    checked = check_component(kind, {key: value for key, value in plain.items() if key not in required}, name, faults)
    assert [fault for fault in faults if "requires it" not in fault] == []
    assert checked.keys() | required == plain.keys()


def test_a_snippet_of_a_part_goes_into_an_experiment(tmp_path: Path) -> None:
    [snippet] = show_part("schedulers", "cosine").snippets
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text("data: synthetic\nmodel: vit_heatmap\n" + snippet, encoding="utf-8")
    assert load_config(experiment).training.scheduler["name"] == "cosine"


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1e-8, 0.5, "plain", "with space", "yes", "a: b", "3", "", [1, 2.5], {"a": [1], "b c": None}, "ä"],
)
def test_values_come_back_from_yaml(value: object) -> None:
    assert OmegaConf.to_container(OmegaConf.create(f"value: {as_yaml(value)}")) == {"value": value}


def test_every_part_of_tracknet_can_be_shown() -> None:
    parts = [part for part in list_parts() if part.package == "tracknet"]  # not what other tests registered
    assert len(parts) > 100
    for part in parts:
        facts = show_part(part.kind, part.name)
        assert facts.snippets
        undocumented = [one.name for one in facts.parameters if not one.text]
        assert (part.name, undocumented) == (part.name, [])


def test_the_command_gives_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "inputs", "stack"]) == 0
    assert capsys.readouterr().out.startswith("inputs stack, of the package 'tracknet': tracknet_plugins.inputs.stack:")
    assert main(["show", "inputs", "stack", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["supplied"].keys() == {"frames"}
    assert main(["show", "inputs", "stuck"]) == 2
    assert "Did you mean 'stack'?" in capsys.readouterr().err
