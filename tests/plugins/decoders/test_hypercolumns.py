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
        ({"upsample": "bilinear_aligned", "kernel": 1, "reduce": 3}, 9),
    ],
    ids=["default", "nearest", "bilinear", "reduced"],
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


def test_each_frame_goes_through_by_itself(build):
    frames = tuple(FeatureSpec(3 * feature.channels, feature.stride, 3) for feature in PYRAMID)
    decoder = build(frames, channels=5, reduce=2, upsample="bilinear_aligned", kernel=1).eval()
    assert decoder.feature == FeatureSpec(15, 2, 3)
    check_decoder(decoder, in_features=frames, size=(32, 16))
    maps = [torch.randn(2, 3, f.channels, 16 // f.stride, 32 // f.stride) for f in PYRAMID]
    alone = build(channels=5, reduce=2, upsample="bilinear_aligned", kernel=1).eval()
    alone.load_state_dict(decoder.state_dict())
    together = decoder([each.flatten(1, 2) for each in maps]).view(2, 3, 5, 8, 16)
    for i in range(3):
        torch.testing.assert_close(together[:, i], alone([each[:, i] for each in maps]))


def test_maps_are_reduced_before_they_grow_with_their_corners_in_place(build):
    fine, coarse = torch.randn(1, 4, 8, 16), torch.randn(1, 8, 2, 4)
    decoder = build((PYRAMID[0], PYRAMID[2]), reduce=3, blocks=0, upsample="bilinear_aligned").eval()
    narrow = [layer(x) for layer, x in zip(decoder.reduce, (fine, coarse), strict=True)]
    grown = F.interpolate(narrow[1], (8, 16), mode="bilinear", align_corners=True)
    assert [x.shape[1] for x in narrow] == [3, 3]
    torch.testing.assert_close(decoder([fine, coarse]), torch.cat((narrow[0], grown), dim=1))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"blocks": -1}, "blocks: -1"),
        ({"channels": 0}, "channels: 0"),
        ({"channels": 5, "blocks": 0}, "channels: without convolutions 18 channels come out, not 5"),
        ({"upsample": "bicubic"}, "upsample: 'bicubic'.*nearest, bilinear, bilinear_aligned, deconv"),
        ({"kernel": 2}, "kernel: 2 has no middle"),
        ({"reduce": 0}, "reduce: 0"),
        ({"in_features": (FeatureSpec(4, 2, 2), FeatureSpec(4, 4))}, "maps of 2, 1.*'unet3d'"),
        ({"in_features": (FeatureSpec(4, 2), FeatureSpec(4, 3))}, r"strides \(2, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
