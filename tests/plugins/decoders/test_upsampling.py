import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.upsampling import Upsampling

SINGLE = (FeatureSpec(16, 16),)
PLAIN = (FeatureSpec(12, 16), FeatureSpec(12, 16))
PYRAMID = (FeatureSpec(8, 4), FeatureSpec(16, 8), FeatureSpec(24, 16))


@pytest.fixture
def build():
    def build(in_features=SINGLE, channels=(12, 8), **parameters):
        torch.manual_seed(0)
        return Upsampling(in_features=in_features, channels=channels, **parameters)

    return build


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("in_features", [PLAIN, PYRAMID], ids=["plain", "pyramid"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"upsample": "nearest", "norm": "bn", "activation": "relu"},
        {"upsample": "deconv", "use_depthwise": True},
        {"upsample": "pixel_shuffle", "use_se": True, "se_reduction": 8},
        {"blocks_per_stage": 2, "dropout": 0.5},
    ],
    ids=lambda parameters: "-".join(map(str, parameters.values())) or "default",
)
def test_upsampling_keeps_the_contract(build, in_features, parameters):
    check_constructor("decoders", Upsampling)
    check_decoder(build(in_features, **parameters), in_features=in_features, size=(64, 32))


@pytest.mark.parametrize(("channels", "stride"), [((8,), 8), ((8, 8), 4), ((8, 8, 8, 4), 1)])
def test_every_stage_halves_the_stride(build, channels, stride):
    assert build(channels=channels).feature == FeatureSpec(channels[-1], stride)


def test_maps_of_the_coarsest_stride_are_all_used_and_finer_ones_are_not(build):
    maps = [torch.randn(1, f.channels, 32 // f.stride, 32 // f.stride) for f in (*PYRAMID, PYRAMID[-1])]
    decoder = build((*PYRAMID, PYRAMID[-1])).eval()
    before = decoder(maps)
    for i, matters in enumerate([False, False, True, True]):
        changed = [m + torch.randn_like(m) if i == j else m for j, m in enumerate(maps)]
        assert torch.equal(decoder(changed), before) is not matters


def test_parameters_of_a_stage_are_those_of_a_projection_a_convolution_and_a_norm(build):
    # 1x1 from 16 to 12 with bias, 3x3 from 12 to 12 without, scale and shift of the norm.
    assert count(build(channels=(12,))) == (16 * 12 + 12) + 9 * 12 * 12 + 2 * 12
    # Depthwise: one 3x3 per channel, and 1x1 across.
    assert count(build(channels=(12,), use_depthwise=True)) == (16 * 12 + 12) + (9 * 12 + 12 * 12) + 2 * 12
    # Squeeze to 12 / 4 channels and back, both with bias.
    gate = (12 * 3 + 3) + (3 * 12 + 12)
    assert count(build(channels=(12,), use_se=True)) == count(build(channels=(12,))) + gate
    # A 4x4 transposed convolution in place of the projection.
    assert count(build(channels=(12,), upsample="deconv")) == (16 * 16 * 12 + 12) + 9 * 12 * 12 + 2 * 12


def test_projection_before_the_interpolation_equals_projection_after_it(build):
    decoder = build(channels=(12,))
    project, enlarge = decoder.stages[0]
    x = torch.randn(1, 16, 3, 5)
    torch.testing.assert_close(enlarge(project(x)), project(enlarge(x)))


@pytest.mark.parametrize("width", [7, 12, 64])
def test_groups_divide_any_width(build, width):
    decoder = build(channels=(width,))
    assert decoder([torch.randn(1, 16, 2, 2)]).shape == (1, width, 4, 4)


def test_dropout_drops_in_training_only(build):
    decoder = build(dropout=0.5)
    x = [torch.randn(1, 16, 2, 2)]
    torch.manual_seed(1)
    assert (decoder(x).flatten(2) == 0).all(dim=-1).any()
    decoder.eval()
    assert torch.equal(decoder(x), decoder(x))


@pytest.mark.parametrize(
    ("stride", "channels", "words"),
    [
        (4, (8, 8, 8), "3 stages.*stride 4 into 0.5.*at most 2 widths"),
        (14, (8, 8), "2 stages.*stride 14 into 3.5.*at most 1 width "),
    ],
)
def test_too_many_stages_are_refused_with_numbers(build, stride, channels, words):
    with pytest.raises(ValueError, match=words):
        build((FeatureSpec(8, stride),), channels)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channels": ()}, "channels: \\[\\]"),
        ({"channels": (8, 0)}, "channels: \\[8, 0\\]"),
        ({"blocks_per_stage": 0}, "blocks_per_stage: 0"),
        ({"se_reduction": 0}, "se_reduction: 0"),
        ({"dropout": 1.0}, "dropout: 1.0"),
        ({"upsample": "cubic"}, "bilinear, nearest, deconv, pixel_shuffle"),
        ({"norm": "ln"}, "gn, bn"),
        ({"activation": "tanh"}, "gelu, relu"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
