"""Settings that stand for a component."""

from collections.abc import Callable
from pathlib import Path

import catalogue
import pytest

from tracknet_core.config import Config, load_config
from tracknet_core.registry import NAMESPACE

Write = Callable[[str, str], Path]


def test_model_fpn_is_the_decoder(experiment: Path, write: Write) -> None:
    parts = "input: stack\nbackbone: tiny\nhead: heatmap\nheatmap: {name: gaussian, size: [32, 24]}\n"
    write("model/pyramid.yaml", f"{parts}fpn: {{lateral_dim: 16}}\n")
    decoder = load_config(experiment, ["model=pyramid", "model.fpn.fuse=concat"]).model.decoder
    assert (decoder["name"], decoder["lateral_dim"], decoder["fuse"]) == ("fpn", 16, "concat")


def test_model_fpn_beside_another_decoder_is_a_fault(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert faults(experiment, ["model.fpn.lateral_dim=16"]) == [
        "model.fpn: settings for 'fpn', but decoder is 'upsampling'. Set decoder.name to 'fpn', or remove these "
        "settings."
    ]


def test_training_early_stopping_is_a_callback(experiment: Path) -> None:
    before = load_config(experiment).training.callbacks
    after = load_config(experiment, ["training.early_stopping.patience=2"]).training.callbacks
    assert after[:-1] == before
    assert (after[-1]["name"], after[-1]["patience"]) == ("early_stopping", 2)
    assert load_config(experiment, ["training.early_stopping=true"]).training.callbacks[-1]["name"] == "early_stopping"
    for off in ("null", "false"):
        assert load_config(experiment, [f"training.early_stopping={off}"]).training.callbacks == before


def test_training_backbone_freeze_epochs_is_a_callback(experiment: Path) -> None:
    callbacks = load_config(experiment, ["training.backbone_freeze_epochs=2"]).training.callbacks
    assert callbacks[-1] == {"name": "backbone_freeze", "epochs": 2}


def test_data_preprocess_flip_prob_is_a_transform(experiment: Path) -> None:
    assert load_config(experiment, ["data.preprocess.flip_prob=0.25"]).data.transforms == [
        {"name": "flip", "prob": 0.25}
    ]


def test_a_shorthand_changes_the_component_that_is_there_in_its_place(experiment: Path) -> None:
    overrides = ["data.transforms=[flip,color_jitter]", "data.preprocess.flip_prob=0.25"]
    transforms = load_config(experiment, overrides).data.transforms
    assert [node["name"] for node in transforms] == ["flip", "color_jitter"]
    assert transforms[0]["prob"] == 0.25


def test_a_shorthand_reaches_a_component_that_is_a_bare_name(experiment: Path, write: Write) -> None:
    write("model/named.yaml", "base: tiny\ndecoder: fpn\nfpn: {lateral_dim: 16}\n")
    assert load_config(experiment, ["model=named"]).model.decoder["lateral_dim"] == 16


def test_a_shorthand_that_holds_no_parameters_is_a_fault(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert faults(experiment, ["training.early_stopping=5"]) == [
        "training.early_stopping: 5 is not accepted. It accepts: a mapping or true or false or null."
    ]


class Installed:
    def __init__(self, *, bar: int = 1, prob: float = 0.5, epochs: int = 1) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "name", "override", "known"),
    [
        ("callbacks", "foo", "training.foo_bar=3", False),
        ("callbacks", "foo", "training.foo={bar: 3}", False),
        ("callbacks", "backbone", "training.backbone_freeze_epochs=3", True),
        ("callbacks", "backbone_freeze_epochs", "training.backbone_freeze_epochs=3", True),
        ("transforms", "foo", "data.preprocess.foo_bar=3", False),
        ("transforms", "flip_prob", "data.preprocess.flip_prob=0.25", True),
        ("decoders", "foo", "model.foo={bar: 3}", False),
    ],
)
def test_installing_a_component_changes_no_setting(
    kind: str,
    name: str,
    override: str,
    known: bool,
    experiment: Path,
    monkeypatch: pytest.MonkeyPatch,
    faults: Callable[..., list[str]],
) -> None:
    def told() -> Config | list[str]:
        return load_config(experiment, [override]) if known else faults(experiment, [override])

    before = told()
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, kind, name), Installed)
    assert told() == before


def test_a_misspelt_shorthand_is_a_fault(experiment: Path, faults: Callable[..., list[str]]) -> None:
    (message,) = faults(experiment, ["training.early_stoping.patience=2"])
    assert message.startswith("training.early_stoping: no such setting.")
