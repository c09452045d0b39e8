import pytest
import torch
from torch import nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.hrnet import HRNet
from tracknet_plugins.decoders.select import Select
from tracknet_plugins.heads.heatmap import Heatmap

WASB = {
    "stem_strides": (1, 1),
    "bottlenecks": 1,
    "bottleneck_width": 32,
    "channels": (16, 32, 64, 128),
    "modules": (1, 1, 1),
    "blocks": 2,
}
TINY = {"stem_channels": 8, "bottlenecks": 1, "bottleneck_width": 4, "blocks": 1}


@pytest.fixture
def build():
    def build(in_channels=9, image_size=(64, 32), **parameters):
        torch.manual_seed(0)
        return HRNet(in_channels=in_channels, image_size=image_size, **parameters)

    return build


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("parameters", "features"),
    [
        ({"channels": (4, 8), "modules": (1,)}, ((4, 4), (8, 8))),
        ({"channels": (4, 8, 12), "modules": (1, 2), "stem_strides": (1, 2)}, ((4, 2), (8, 4), (12, 8))),
        (
            {"channels": (4, 6, 8, 10), "modules": (1, 1, 1), "stem_strides": (1, 1), "squeeze_excitation": 4},
            ((4, 1), (6, 2), (8, 4), (10, 8)),
        ),
        ({"channels": (4, 8), "modules": (1,), "stem_strides": (1, 1), "multi_scale": False}, ((4, 1),)),
    ],
    ids=["two", "three", "full resolution", "finest"],
)
def test_hrnet_keeps_the_contract(build, parameters, features):
    check_constructor("backbones", HRNet)
    backbone = build(**TINY, **parameters)
    assert backbone.features == tuple(FeatureSpec(*feature) for feature in features)
    check_backbone(backbone, in_channels=9, size=(64, 32))


@pytest.mark.parametrize(("squeeze_excitation", "published"), [(None, 1_481_427), (16, 1_488_531)])
def test_the_published_networks_have_as_many_parameters(build, squeeze_excitation, published):
    backbone = build(image_size=(512, 288), squeeze_excitation=squeeze_excitation, **WASB)
    decoder = Select(in_features=backbone.features)
    assert decoder.feature == FeatureSpec(16, 1)
    assert count(backbone) + count(decoder) + count(Heatmap(in_feature=decoder.feature, maps=3)) == published


def test_hrnet_w32_has_the_parameters_of_the_paper(build):
    # Table 1 of Sun et al. (CVPR 2019): 28.5 million for pose estimation, whose last layer, a 1x1 convolution to 17
    # maps, is 561 of them, and which has the finest map alone.
    assert count(build(in_channels=3, multi_scale=False)) + 561 == pytest.approx(28.5e6, abs=0.05e6)


def test_the_finest_map_is_the_same_without_the_layers_of_the_others(build):
    parameters = {**TINY, "channels": (4, 8, 12), "modules": (1, 1), "stem_strides": (1, 1)}
    whole, finest = build(**parameters).eval(), build(multi_scale=False, **parameters).eval()
    finest.load_state_dict({name: tensor for name, tensor in whole.state_dict().items() if name in finest.state_dict()})
    x = torch.randn(1, 9, 16, 16)
    torch.testing.assert_close(finest(x), whole(x)[:1], rtol=0, atol=0)
    unused = whole.state_dict().keys() - finest.state_dict().keys()
    assert {name.rsplit("exchanges.")[1][0] for name in unused} == {"1", "2"}


def test_every_branch_reaches_every_map(build):
    backbone = build(**TINY, channels=(4, 6, 8, 10), modules=(1, 1, 1), stem_strides=(1, 1)).eval()
    x = torch.randn(1, 9, 32, 32)
    before = backbone(x)
    for branch in backbone.stages[-1][-1].branches:
        handle = branch.register_forward_hook(lambda module, given, output: output + 1)
        assert not any(torch.allclose(now, then) for now, then in zip(backbone(x), before, strict=True))
        handle.remove()


def test_a_branch_is_exchanged_as_a_sum_in_the_size_of_the_other(build):
    backbone = build(**TINY, channels=(1, 1), modules=(1,), stem_strides=(1, 1)).eval()
    exchange = backbone.stages[-1][-1].exchanges[0]
    convolution = exchange.paths[1][0][0]
    nn.init.constant_(convolution.weight, 2.0)
    fine = torch.arange(16.0).view(1, 1, 4, 4) - 8
    coarse = torch.tensor([[[[1.0, -1.0], [0.0, 3.0]]]])
    enlarged = coarse.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
    # The normalisation of a network that has seen nothing divides by the root of 1 + epsilon.
    torch.testing.assert_close(exchange([fine, coarse]), (fine + 2 * enlarged).relu(), rtol=1e-4, atol=1e-4)


def test_squeeze_and_excitation_weighs_channels_before_the_sum(build):
    backbone = build(**TINY, channels=(16, 32), modules=(1,), squeeze_excitation=16).eval()
    block = backbone.stages[0][0].branches[0][0]
    squeeze, expand = (layer for layer in block.residual[-1].gate if isinstance(layer, nn.Linear))
    assert (squeeze.weight.shape, squeeze.bias) == ((1, 16), None)
    assert (expand.weight.shape, expand.bias) == ((16, 1), None)
    x = torch.randn(2, 16, 4, 4)
    residual = block.residual[:-1](x)
    means = residual.mean(dim=(2, 3))
    gate = ((means @ squeeze.weight.T).relu() @ expand.weight.T).sigmoid()
    torch.testing.assert_close(block(x), (x + residual * gate[:, :, None, None]).relu())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"image_size": (320, 180)}, "320x180 pixels.*32x32 pixels.*320x160 or 320x192"),
        ({"stem_channels": 0}, "stem_channels: 0"),
        ({"stem_strides": (1, 3)}, "stem_strides: \\[1, 3\\].*1 or 2"),
        ({"bottlenecks": 0}, "bottlenecks: 0"),
        ({"bottleneck_width": 0}, "bottleneck_width: 0"),
        ({"channels": (16,), "modules": ()}, "channels: \\[16\\].*two or more"),
        ({"channels": (16, 0), "modules": (1,)}, "channels: \\[16, 0\\]"),
        ({"modules": (1, 1)}, "modules: \\[1, 1\\] does not fit 4 branches. Give 3 numbers"),
        ({"modules": (1, 0, 1)}, "modules: \\[1, 0, 1\\]"),
        ({"blocks": 0}, "blocks: 0"),
        ({"squeeze_excitation": 0}, "squeeze_excitation: 0"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
