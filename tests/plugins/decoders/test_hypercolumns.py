import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.hypercolumns import Hypercolumns

PYRAMID = (FeatureSpec(4, 2), FeatureSpec(6, 4), FeatureSpec(8, 8))


@pytest.fixture
def build():
    def build(in_features=PYRAMID, **parameters):
        torch.manual_seed(0)
        return Hypercolumns(in_features=in_features, **parameters)

    return build


@pytest.mark.parametrize(
    ("parameters", "channels"),
    [
        ({}, 18),
        ({"upsample": "nearest", "blocks": 0}, 18),
        ({"upsample": "bilinear", "blocks": 2, "channels": 5, "norm": "gn", "activation": "gelu"}, 5),
    ],
    ids=["default", "nearest", "bilinear"],
)
def test_hypercolumns_keeps_the_contract(build, parameters, channels):
    check_constructor("decoders", Hypercolumns)
    decoder = build(**parameters)
    assert decoder.feature == FeatureSpec(channels, 2)
    check_decoder(decoder, in_features=PYRAMID, size=(32, 16))


def test_maps_stand_side_by_side_in_the_size_of_the_finest(build):
    fine, coarse = torch.randn(1, 4, 8, 16), torch.randn(1, 8, 2, 4)
    decoder = build((PYRAMID[0], PYRAMID[2]), upsample="nearest", blocks=0)
    joined = torch.cat((fine, coarse.repeat_interleave(4, -1).repeat_interleave(4, -2)), dim=1)
    torch.testing.assert_close(decoder([fine, coarse]), joined)


def test_a_transposed_convolution_is_as_wide_as_a_map_grows(build):
    fine, coarse = torch.randn(1, 4, 8, 16), torch.randn(1, 8, 2, 4)
    decoder = build((PYRAMID[0], PYRAMID[2]), blocks=0)
    layer = decoder.enlarge[1]
    grown = F.conv_transpose2d(coarse, layer.weight, layer.bias, stride=4)
    assert layer.weight.shape == (8, 8, 4, 4)
    torch.testing.assert_close(decoder([fine, coarse]), torch.cat((fine, grown), dim=1))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"blocks": -1}, "blocks: -1"),
        ({"channels": 0}, "channels: 0"),
        ({"channels": 5, "blocks": 0}, "channels: without convolutions 18 channels come out, not 5"),
        ({"upsample": "bicubic"}, "upsample: 'bicubic'.*nearest, bilinear, deconv"),
        ({"in_features": (FeatureSpec(4, 2), FeatureSpec(4, 3))}, r"strides \(2, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
