import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.resnetv2 import ResNetV2


@pytest.fixture
def build():
    def build(**parameters):
        torch.manual_seed(0)
        small = {"in_channels": 9, "image_size": (32, 16), "stem": (5,), "channels": (4, 6, 8), "blocks": (2, 1, 2)}
        return ResNetV2(**(small | parameters))

    return build


@pytest.mark.parametrize("parameters", [{}, {"stem": (4, 6), "blocks": 1}], ids=["default", "two convolutions"])
def test_resnetv2_keeps_the_contract(build, parameters):
    check_constructor("backbones", ResNetV2)
    backbone = build(**parameters)
    assert backbone.features == (FeatureSpec(4, 2), FeatureSpec(6, 4), FeatureSpec(8, 8))
    check_backbone(backbone, in_channels=9, size=(32, 16))


def test_parameters_are_those_of_a_stem_and_of_blocks_of_three_convolutions(build):
    stem = 9 * 9 * 5 + 2 * 5
    # Normalisations of 5, 4 and 4 channels; convolutions of 1, 9 and 1 cells, the last with a bias; the way around.
    first = 2 * 5 + 4 * 4 + (5 * 4 + 9 * 4 * 4 + 4 * 4 + 4) + (5 * 4 + 2 * 4)
    second = 2 * 4 + 4 * 4 + (4 * 4 + 9 * 4 * 4 + 4 * 4 + 4)
    backbone = build(channels=(4,), blocks=2)
    assert sum(parameter.numel() for parameter in backbone.parameters()) == stem + first + second


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"stem": ()}, r"stem: \[\]"),
        ({"channels": (4, 0)}, r"channels: \[4, 0\]"),
        ({"blocks": (1, 2)}, "the 3 levels"),
        ({"image_size": (36, 16)}, "8x8"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
