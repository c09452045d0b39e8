"""The kit accepts inputs, backbones, decoders and heads that keep the contract and tells what breaks it."""

from typing import Any

import pytest
from torch import nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec, Input, Normalization
from tracknet_core.testing import check_backbone, check_decoder, check_head, check_input

FEATURE = FeatureSpec(channels=4, stride=4)
SIZE = (32, 16)


# ------------------------------------------------------------------------------------------------- inputs


class Stacked(nn.Module, Input):
    channels, targets, maps = 9, (0, 1, 2), 3

    def forward(self, frames: Any) -> Any:
        return frames.flatten(1, 2)


class Shuffled(Stacked):
    channels, maps = 3, 1

    def forward(self, frames: Any) -> Any:
        return frames.transpose(0, 1).flatten(0, 1)


class Dimmed(Stacked):
    def forward(self, frames: Any) -> Any:
        return frames.mul_(0.5).flatten(1, 2)


def test_an_input_passes():
    check_input(Stacked(), frames=3)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Shuffled(), "depend on the other windows"),
        (Dimmed(), "changed the frames"),
        (object(), "not a torch.nn.Module"),
    ],
)
def test_broken_inputs_are_refused(refused, component, words):
    with refused(words):
        check_input(component, frames=3)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("channels", 8, r"shape \(2, 8, 16, 32\), got \(2, 9, 16, 32\)"),
        ("targets", (0, 3), "positions in a window of 3"),
        ("targets", (), "positions"),
        ("maps", 4, "4 maps per sample"),
    ],
)
def test_inputs_with_wrong_facts_are_refused(refused, name, value, words):
    component = Stacked()
    setattr(component, name, value)
    with refused(words):
        check_input(component, frames=3)


# ---------------------------------------------------------------------------------------------- backbones


class Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = (FEATURE,)
        self.normalization = Normalization(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
        self.layer = nn.Conv2d(3, 4, 4, stride=4)

    def forward(self, x: Any) -> Any:
        return [self.layer(x)]


class Rounding(Patches):
    def forward(self, x: Any) -> Any:
        return [self.layer(F.pad(x, (0, 4)))]


class Idle(Patches):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(2, 2)


class Noisy(Patches):
    def forward(self, x: Any) -> Any:
        return [F.dropout(self.layer(x), 0.5)]


class Mixing(Patches):
    def forward(self, x: Any) -> Any:
        return [self.layer(x - x.mean(dim=0))]


class Single(Patches):
    def forward(self, x: Any) -> Any:
        return self.layer(x)


def test_a_backbone_passes():
    backbone = Patches()
    check_backbone(backbone, in_channels=3, size=SIZE)
    assert backbone.training
    assert backbone.layer.weight.grad is None


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        (Rounding(), r"shape \(2, 4, 4, 8\), got \(2, 4, 4, 9\)"),
        (Idle(), "unused.weight, unused.bias"),
        (Noisy(), "other maps each time"),
        (Mixing(), "another result alone than in a batch"),
        (Single(), "a list of 1 maps, got Tensor"),
    ],
)
def test_broken_backbones_are_refused(refused, backbone, words):
    with refused(words):
        check_backbone(backbone, in_channels=3, size=SIZE)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("features", [FEATURE], "tuple of FeatureSpec"),
        ("features", (FEATURE, FeatureSpec(4, 2)), r"fine to coarse, got strides \[4, 2\]"),
        ("features", (FeatureSpec(4, 3),), "multiple of the coarsest stride"),
        ("normalization", None, "mean and a positive deviation"),
        ("normalization", Normalization((0, 0, 0), (1, 0, 1)), "positive deviation"),
    ],
)
def test_backbones_with_wrong_facts_are_refused(refused, name, value, words):
    backbone = Patches()
    setattr(backbone, name, value)
    with refused(words):
        check_backbone(backbone, in_channels=3, size=SIZE)


# ------------------------------------------------------------------------------------- decoders and heads


class Doubling(nn.Module):
    feature = FeatureSpec(channels=4, stride=2)

    def forward(self, features: Any) -> Any:
        return F.interpolate(features[0], scale_factor=2.0)


class Keeping(Doubling):
    def forward(self, features: Any) -> Any:
        return features[0]


class Overwriting(Doubling):
    def forward(self, features: Any) -> Any:
        return F.interpolate(features[0].relu_(), scale_factor=2.0)


def test_a_decoder_passes():
    check_decoder(Doubling(), in_features=(FEATURE,), size=SIZE)


@pytest.mark.parametrize(
    ("decoder", "words"),
    [(Keeping(), r"shape \(2, 4, 8, 16\), got \(2, 4, 4, 8\)"), (Overwriting(), "changed the maps")],
)
def test_broken_decoders_are_refused(refused, decoder, words):
    with refused(words):
        check_decoder(decoder, in_features=(FEATURE,), size=SIZE)


class Resizing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 1)

    def forward(self, feature: Any, frames: Any, size: Any) -> Any:
        return F.interpolate(self.layer(feature), (size[1], size[0]))


class Transposed(Resizing):
    def forward(self, feature: Any, frames: Any, size: Any) -> Any:
        return F.interpolate(self.layer(feature), size)


def test_a_head_passes():
    check_head(Resizing(), in_feature=FEATURE, maps=3, frames=3, size=SIZE)


def test_a_head_that_takes_width_for_height_is_refused(refused):
    with refused(r"grid of \(8, 4\) cells.*\(2, 3, 4, 8\), got \(2, 3, 8, 4\)"):
        check_head(Transposed(), in_feature=FEATURE, maps=3, frames=3, size=SIZE)
