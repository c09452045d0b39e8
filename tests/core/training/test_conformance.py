"""Parts that are not what they say are told before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import catalogue
import pytest
import torch
from torch import Tensor, nn

from tracknet_core.assembly import build_model
from tracknet_core.config import Config
from tracknet_core.contracts import PLAIN, Cost, FeatureSpec
from tracknet_core.errors import ConfigError
from tracknet_core.registry import NAMESPACE
from tracknet_core.training.conformance import check_network
from tracknet_core.training.parts import build_module
from tracknet_plugins.codecs.gaussian import Gaussian

SIZE = (64, 48)


class Honest(nn.Module):
    """A backbone as short as one can be: no normalisation, no base class."""

    stride = 4

    def __init__(self, *, in_channels: int) -> None:
        super().__init__()
        self.features = (FeatureSpec(8, 4),)
        self.convolution = nn.Conv2d(in_channels, 8, self.stride, stride=self.stride)

    def forward(self, x: Tensor) -> Any:
        return [self.convolution(x)]


class Finer(Honest):
    stride = 2


class Single(Honest):
    def forward(self, x: Tensor) -> Any:
        return self.convolution(x)


class Silent(Honest):
    def __init__(self, *, in_channels: int) -> None:
        super().__init__(in_channels=in_channels)
        del self.features


class Broken(Honest):
    def forward(self, x: Tensor) -> Any:
        raise RuntimeError("mat1 and mat2")


class Ratio(nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Any) -> Any:
        return (logits - target.values).square().mean()


class Classes(Gaussian):
    """Says that it wants classes, and draws one map."""

    form = replace(Gaussian.form, name="classes", channels=8)


@pytest.fixture(autouse=True)
def known_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"honest": Honest, "finer": Finer, "single": Single, "silent": Silent, "broken": Broken}
    for name, part in known.items():
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", name), part)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "losses", "ratio"), Ratio)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "codecs", "wrong_classes"), Classes)


def checked(config: Config, **parts: str) -> Any:
    nodes = {kind: {"name": name} for kind, name in parts.items() if kind != "loss"}
    if "heatmap" in nodes:
        nodes["heatmap"] = {**config.model.heatmap, **nodes["heatmap"]}
    config = replace(config, model=replace(config.model, decoder={"name": "upsampling"}, **nodes))
    if "loss" in parts:
        config = replace(config, training=replace(config.training, loss={"name": parts["loss"]}))
    model = build_model(config)
    module = build_module(config, model)
    check_network(config, model, module.loss, SIZE)
    return model


def test_a_part_without_what_has_a_default_gets_it(config: Config) -> None:
    model = checked(config, backbone="honest")
    assert model.backbone.normalization == PLAIN
    assert model.mean.flatten().tolist() == [0.0, 0.0, 0.0]
    assert model.std.flatten().tolist() == [255.0, 255.0, 255.0]  # frames at 0..1


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"backbone": "finer"},
            r"^model\.backbone: 'finer' gives \(1, 8, 24, 32\): for FeatureSpec\(channels=8, stride=4\) the map should "
            r"have the shape \(1, 8, 12, 16\)\. Mend it",
        ),
        ({"backbone": "single"}, r"^model\.backbone: 'single' gives a Tensor, and declares 1 features: a list"),
        (
            {"backbone": "silent"},
            r"^model\.backbone: 'silent' lacks features, which the contract of backbones asks for",
        ),
        ({"backbone": "broken"}, r"^model\.backbone: 'broken' fails on a window of 64x48 pixels \(RuntimeError: mat1"),
        (
            {"backbone": "honest", "loss": "ratio"},
            r"^training\.loss: 'ratio' gives a Tensor, and a Cost of two scalars",
        ),
    ],
)
def test_a_part_that_is_not_what_it_says_is_named(parts: dict[str, str], message: str, config: Config) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(config, **parts)


@pytest.mark.parametrize(
    ("codec", "loss"),
    [({"name": "classes", "levels": 8}, "cross_entropy"), ({"name": "offsets"}, "grid")],
    ids=["classes", "offsets"],
)
def test_networks_of_other_forms_than_heatmaps_pass(codec: dict[str, Any], loss: str, config: Config) -> None:
    model = replace(config.model, heatmap={**codec, "size": (16, 12)}, head={"name": "heatmap"})
    shape = checked(replace(config, model=model), backbone="honest", loss=loss).codec.form.shape((16, 12))
    assert shape[1:] == (12, 16)


def test_parts_of_two_forms_are_a_fault_of_the_configuration(config: Config) -> None:
    # With 8 frames, 8 classes and a batch of 8, shapes would coincide: the form says what the numbers mean.
    message = (
        r"^training\.loss: 'mse' takes answers of the form 'heatmap', and the codec of model\.heatmap gives 'classes'"
    )
    with pytest.raises(ConfigError, match=message):
        checked(config, backbone="honest", heatmap="wrong_classes")


def test_a_head_made_for_another_form_is_refused(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(nn.Module):
        forms = ("own",)

        def __init__(self, *, maps: int) -> None:
            super().__init__()

    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "heads", "own"), Own)
    with pytest.raises(ConfigError, match=r"^model\.head: 'own' takes answers of the form 'own'"):
        checked(config, backbone="honest", head="own")


def test_the_network_is_left_in_the_mode_that_it_was_in(config: Config) -> None:
    assert checked(config, backbone="honest").training


def test_windows_in_a_row_are_for_a_network_with_a_state(config: Config) -> None:
    sequence = replace(config.data.sequence, windows=2)
    config = replace(config, data=replace(config.data, sequence=sequence))
    with pytest.raises(
        ConfigError, match=r"^data\.sequence\.windows: 2 windows in a row are for a network with a state"
    ):
        build_module(config, build_model(config))


def test_a_cost_without_anything_that_counts_is_its_sum() -> None:
    assert float(Cost(torch.tensor(3.0), torch.tensor(0.0)).mean()) == 3.0
