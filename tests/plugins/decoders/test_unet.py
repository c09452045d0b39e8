import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.unet import UNet

PYRAMID = (FeatureSpec(4, 1), FeatureSpec(6, 2), FeatureSpec(8, 4))
GAP = (FeatureSpec(4, 1), FeatureSpec(8, 4))
PLAIN = (FeatureSpec(6, 8), FeatureSpec(6, 8))


@pytest.fixture
def build():
    def build(in_features=PYRAMID, channels=(10, 12), **parameters):
        torch.manual_seed(0)
        return UNet(in_features=in_features, channels=channels, **parameters)

    return build


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("in_features", [PYRAMID, GAP, PLAIN], ids=["pyramid", "gap", "plain"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"upsample": "nearest", "norm": "gn", "activation": "gelu", "order": "activation_first"},
        {"upsample": "deconv", "blocks": (2, 1)},
        {"upsample": "bilinear_aligned", "order": "activation_first", "bias": False},
        {"skips": False, "use_depthwise": True, "blocks": 1},
        {"residual": True},
    ],
    ids=["default", "nearest", "deconv", "aligned", "plain", "residual"],
)
def test_unet_keeps_the_contract(build, in_features, parameters):
    check_constructor("decoders", UNet)
    decoder = build(in_features, **parameters)
    assert decoder.feature == FeatureSpec(12, in_features[-1].stride // 4)
    check_decoder(decoder, in_features=in_features, size=(32, 16))


def test_parameters_are_those_of_convolutions_over_the_map_and_its_skip(build):
    # 8 channels from below and 6 of the skip, then 10 and 4; no bias before a norm, which has a scale and a shift.
    assert count(build(blocks=1)) == 9 * (8 + 6) * 10 + 2 * 10 + 9 * (10 + 4) * 12 + 2 * 12
    assert count(build(blocks=1, skips=False)) == 9 * 8 * 10 + 2 * 10 + 9 * 10 * 12 + 2 * 12
    assert count(build(GAP, blocks=1)) == 9 * 8 * 10 + 2 * 10 + 9 * (10 + 4) * 12 + 2 * 12
    # Transposed 2x2 convolutions with bias bring the map to the channels of the step.
    ups = (4 * 8 * 10 + 10) + (4 * 10 * 12 + 12)
    assert count(build(blocks=1, upsample="deconv")) == ups + 9 * (10 + 6) * 10 + 2 * 10 + 9 * (12 + 4) * 12 + 2 * 12
    # Shortcuts are 1x1 convolutions with bias.
    assert count(build(residual=True)) == count(build()) + ((8 + 6) * 10 + 10) + ((10 + 4) * 12 + 12)
    # One more convolution with the activation first: a bias, too.
    assert count(build(blocks=(1, 2), order="activation_first")) == count(build(blocks=1)) + 10 + 12 + 9 * 144 + 36
    assert count(build(blocks=1, order="activation_first", bias=False)) == count(build(blocks=1))


def test_a_step_doubles_the_map_and_puts_the_skip_behind_it(build):
    decoder = build((GAP[0], FeatureSpec(8, 2)), channels=(12,), blocks=1, upsample="nearest").eval()
    fine, coarse = torch.randn(1, 4, 8, 16), torch.randn(1, 8, 4, 8)
    joined = torch.cat((coarse.repeat_interleave(2, -1).repeat_interleave(2, -2), fine), dim=1)
    expected = F.conv2d(joined, decoder.merges[0][0][0].weight, padding=1).relu() / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(decoder([fine, coarse]), expected)


def test_aligned_corners_keep_their_values(build):
    enlarged = build(blocks=1, upsample="bilinear_aligned").doublings[0](torch.tensor([[[[0.0, 3.0], [6.0, 9.0]]]]))
    torch.testing.assert_close(enlarged[0, 0], torch.arange(4.0) + 2 * torch.arange(4.0)[:, None])


@pytest.mark.parametrize("skips", [True, False])
def test_every_level_reaches_the_result_unless_skips_are_off(build, skips):
    decoder = build(skips=skips).eval()
    maps = [torch.randn(1, f.channels, 16 // f.stride, 16 // f.stride) for f in PYRAMID]
    before = decoder(maps)
    for i, matters in enumerate([skips, skips, True]):
        changed = [m + torch.randn_like(m) if i == j else m for j, m in enumerate(maps)]
        assert torch.equal(decoder(changed), before) is not matters


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channels": ()}, "channels: \\[\\]"),
        ({"channels": (8, 0)}, "channels: \\[8, 0\\]"),
        ({"channels": (8, 8, 8)}, "stride 4 into 0.5.*at most 2 widths"),
        ({"blocks": (1,)}, "blocks: \\[1\\] does not say .* the 2 steps"),
        ({"blocks": 0}, "blocks: \\[0, 0\\]"),
        ({"upsample": "pixel_shuffle"}, "nearest, bilinear, bilinear_aligned, deconv"),
        ({"order": "norm"}, "norm_first, activation_first"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)


def test_a_recurrent_unet_has_a_state_of_its_coarsest_map(build):
    decoder = build(recurrent=True)
    assert decoder.state == (FeatureSpec(8, 4),)
    check_decoder(decoder, in_features=PYRAMID, size=(32, 16))
    # Two gates and a candidate, of the map and what is remembered, with bias.
    assert count(decoder) - count(build()) == 3 * (9 * 16 * 8 + 8)


def test_what_a_recurrent_unet_remembers_changes_its_map(build):
    decoder = build(recurrent=True).eval()
    features = [torch.randn(1, f.channels, 16 // f.stride, 32 // f.stride) for f in PYRAMID]
    first, state = decoder(features, torch.zeros(1, 8, 4, 8))
    second, _ = decoder(features, state)
    assert not torch.allclose(first, second)
