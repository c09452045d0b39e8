from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.vgg import VGG


@pytest.fixture
def build():
    def build(in_channels=9, image_size=(32, 16), channels=(4, 6, 8), **parameters):
        torch.manual_seed(0)
        return VGG(
            in_channels=in_channels, image_size=image_size, channels=channels, **({"blocks": (2, 1, 3)} | parameters)
        )

    return build


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"norm": "gn", "activation": "gelu", "order": "norm_first"},
        {"use_depthwise": True, "blocks": 1},
        {"residual": True},
    ],
    ids=["default", "norm first", "depthwise", "residual"],
)
def test_vgg_keeps_the_contract(build, parameters):
    check_constructor("backbones", VGG)
    backbone = build(**parameters)
    assert backbone.features == (FeatureSpec(4, 1), FeatureSpec(6, 2), FeatureSpec(8, 4))
    check_backbone(backbone, in_channels=9, size=(32, 16))


def test_levels_are_convolutions_with_relu_and_norm_and_are_pooled_for_the_next(build):
    backbone = build(in_channels=2, channels=(3, 5), blocks=1).eval()
    x = torch.randn(1, 2, 8, 8)
    first, second = (level[0] for level in backbone.levels)
    torch.nn.init.uniform_(first[2].running_mean)
    fine = (F.conv2d(x, first[0].weight, first[0].bias, padding=1).relu() - first[2].running_mean[:, None, None]) / (
        1 + 1e-5
    ) ** 0.5
    coarse = F.conv2d(F.max_pool2d(fine, 2), second[0].weight, second[0].bias, padding=1).relu() / (1 + 1e-5) ** 0.5
    for got, wanted in zip(backbone(x), (fine, coarse), strict=True):
        torch.testing.assert_close(got, wanted)


def test_parameters_are_those_of_convolutions_and_norms(build):
    # With the activation first: a bias; a norm has a scale and a shift.
    assert count(build(channels=(4,), blocks=2)) == (9 * 9 * 4 + 4 + 2 * 4) + (9 * 4 * 4 + 4 + 2 * 4)
    assert count(build(channels=(4,), blocks=1, order="norm_first")) == 9 * 9 * 4 + 2 * 4
    assert count(build(channels=(4,), blocks=2, bias=False)) == (9 * 9 * 4 + 2 * 4) + (9 * 4 * 4 + 2 * 4)
    # Shortcuts are 1x1 convolutions with bias, but for the first level.
    assert count(build(residual=True)) == count(build()) + (4 * 6 + 6) + (6 * 8 + 8)
    assert count(build(channels=(4,), blocks=1, use_depthwise=True)) == 9 * 9 + (9 * 4 + 4) + 2 * 4


def test_a_stem_strides_and_levels_are_pooled_before_they_are_given(build):
    backbone = build(in_channels=3, channels=(4, 6), blocks=(1, 2), stem_kernel=7, stem_stride=2, pooled=True).eval()
    assert backbone.features == (FeatureSpec(4, 4), FeatureSpec(6, 8))
    check_backbone(backbone, in_channels=3, size=(32, 16))
    x = torch.randn(1, 3, 16, 32)
    stem = backbone.levels[0][0][0]
    wide = F.conv2d(x, stem.weight, stem.bias, padding=3).relu() / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(backbone.eval()(x)[0], F.max_pool2d(wide[..., ::2, ::2], 2))
    assert backbone.levels[1][0][0].kernel_size == (3, 3)


def test_a_stem_may_be_narrower_than_its_level(build):
    backbone = build(stem_channels=2)
    assert backbone.features == build().features
    convolutions = [layer for layer in backbone.levels[0].modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [(9, 2), (2, 4)]
    check_backbone(backbone, in_channels=9, size=(32, 16))


def test_spatial_attention_weighs_the_cells_of_the_coarsest_map_alone(build):
    plain, weighing = build().eval(), build(spatial_attention=True).eval()
    x = torch.randn(1, 9, 16, 32)
    before, after = plain(x), weighing(x)
    assert all(map(torch.equal, before[:-1], after[:-1]))
    torch.testing.assert_close(after[-1], weighing.attention(before[-1]))
    assert count(weighing) == count(plain) + 2 * 7 * 7
    check_backbone(weighing, in_channels=9, size=(32, 16))


def test_the_default_is_the_encoder_of_tracknet():
    widths = (9, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512)  # of its ten convolutions
    expected = sum(9 * a * b + 3 * b for a, b in pairwise(widths))
    assert count(VGG(in_channels=9, image_size=(640, 360))) == expected


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channels": ()}, "channels: \\[\\]"),
        ({"channels": (4, 0, 4)}, "channels: \\[4, 0, 4\\]"),
        ({"blocks": (1, 2)}, "blocks: \\[1, 2\\] does not say .* the 3 levels"),
        ({"blocks": 0}, "blocks: \\[0, 0, 0\\]"),
        ({"image_size": (32, 18)}, "32x18 .* 4x4 pixels.* 32x16 or 32x20"),
        ({"order": "norm"}, "norm_first, activation_first"),
        ({"norm": "ln"}, "gn, bn"),
        ({"activation": "tanh"}, "gelu, relu"),
        ({"stem_kernel": 4}, "stem_kernel: 4"),
        ({"stem_stride": 0}, "stem_stride: 0"),
        ({"stem_channels": 0}, "stem_channels: 0"),
        ({"stem_channels": 2, "blocks": 1}, "a first level of two convolutions"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
