import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.convnext import ConvNeXt

SMALL = {"depths": [1, 1, 2, 1], "dims": [8, 16, 24, 32]}


@pytest.fixture
def build():
    def build(in_channels=9, image_size=(96, 64), variant="test_convnext", **parameters):
        torch.manual_seed(0)
        return ConvNeXt(in_channels=in_channels, image_size=image_size, variant=variant, **parameters)

    return build


@pytest.fixture
def scales():
    def scales(backbone):
        return torch.cat([p.flatten() for name, p in backbone.named_parameters() if name.endswith(".gamma")])

    return scales


@pytest.mark.parametrize(
    ("variant", "parameters", "channels"),
    [
        ("test_convnext", {}, (24, 32, 48, 64)),
        ("test_convnext2", {"drop_path": 0.2}, (32, 64, 96, 128)),
        ("test_convnext3", {}, (32, 64, 96, 128)),
        ("convnextv2_atto", SMALL, (8, 16, 24, 32)),
        ("convnext_tiny.dinov3_lvd1689m", SMALL, (8, 16, 24, 32)),
        ("convnext_atto_ols", SMALL, (8, 16, 24, 32)),
        ("convnext_zepto_rms", SMALL, (8, 16, 24, 32)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_networks_of_all_generations_keep_the_contract(build, variant, parameters, channels):
    backbone = build(variant=variant, **parameters)
    assert backbone.features == tuple(map(FeatureSpec, channels, (4, 8, 16, 32)))
    check_backbone(backbone, in_channels=9, size=(96, 64))


def test_the_constructor_is_a_schema():
    check_constructor("backbones", ConvNeXt)


@pytest.mark.parametrize(
    ("stages", "features"),
    [((0,), (FeatureSpec(24, 4),)), ((1, 2), (FeatureSpec(32, 8), FeatureSpec(48, 16)))],
)
def test_stages_after_the_last_map_are_not_kept(build, stages, features):
    backbone = build(image_size=(48, 16), stages=stages)  # no multiple of stride 32, which is not asked for
    assert backbone.features == features
    assert len(backbone.network.stages) == stages[-1] + 1
    check_backbone(backbone, in_channels=9, size=(48, 16))


@pytest.mark.parametrize(("patch_size", "strides"), [(1, (1, 2, 4, 8)), (2, (4, 8, 16, 32)), (4, (4, 8, 16, 32))])
def test_the_patch_sets_the_strides(build, patch_size, strides):
    backbone = build(patch_size=patch_size, **SMALL)
    assert tuple(feature.stride for feature in backbone.features) == strides
    check_backbone(backbone, in_channels=9, size=(96, 64))


@pytest.mark.parametrize(("layer_scale", "start"), [(None, 1.0), (0.1, 0.1)])
def test_scales_of_random_weights_start_where_they_are_told(build, scales, layer_scale, start):
    got = scales(build(layer_scale=layer_scale))
    assert torch.equal(got, torch.full_like(got, start))


def test_scales_of_a_file_are_kept(build, scales, weights):
    def edit(state):
        state.update({name: torch.full_like(t, 0.3) for name, t in state.items() if name.endswith(".gamma")})

    path, _ = weights("test_convnext", edit=edit)
    got = scales(build(pretrained=str(path)))
    assert torch.equal(got, torch.full_like(got, 0.3))


def test_weights_of_a_file_give_the_maps_of_the_network_they_come_from(build, weights, image):
    path, network = weights("test_convnext", num_classes=5)
    backbone = build(in_channels=3, pretrained=str(path), stages=(0, 2)).eval()
    with torch.no_grad():
        stem = network.stem(image)
        first = network.stages[0](stem)
        third = network.stages[2](network.stages[1](first))
        torch.testing.assert_close(backbone(image), [first, third])


def test_more_channels_keep_the_pretrained_stem(build, weights, image):
    path, _ = weights("test_convnext")
    three = build(in_channels=3, pretrained=str(path)).eval()
    nine = build(in_channels=9, pretrained=str(path)).eval()
    torch.testing.assert_close(nine(image.repeat(1, 3, 1, 1)), three(image), atol=1e-4, rtol=1e-4)


def test_a_network_is_rebuilt_without_its_file(build, weights):
    path, _ = weights("test_convnext")
    backbone = build(pretrained=str(path), stages=(1, 2))
    again = build(pretrained="gone.safetensors", fetch=False, stages=(1, 2))
    assert again.normalization == backbone.normalization
    again.load_state_dict(backbone.state_dict(), strict=True)


def test_a_frozen_network_stays_in_evaluation_mode(build):
    backbone = build(freeze=True)
    backbone.train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"image_size": (320, 180)}, "320x180 pixels.*32x32 pixels.*320x160 or 320x192"),
        ({"variant": "convnext_atom"}, "variant: timm has no network.*'convnext_atto'"),
        ({"variant": "test_vit"}, "of another family"),
        ({"stages": ()}, "stages: \\[\\]"),
        ({"stages": (0, 4)}, "stages: \\[0, 4\\].*0 to 3"),
        ({"stages": (2, 1)}, "ascending"),
        ({"depths": [1, 1]}, "depths: \\[1, 1\\] is not 4 numbers"),
        ({"dims": [8, 8, 8, 0]}, "dims: \\[8, 8, 8, 0\\]"),
        ({"patch_size": 0}, "patch_size: 0"),
        ({"drop_path": -0.1}, "drop_path: -0.1"),
        (
            {"variant": "convnext_atto_ols", "patch_size": 2},
            "patch_size: 'convnext_atto_ols' does not begin with patches",
        ),
        ({"variant": "convnextv2_atto", "layer_scale": 1.0, **SMALL}, "layer_scale: 'convnextv2_atto' learns no scale"),
        ({"pretrained": "file", "dims": [8, 8, 8, 8], "layer_scale": 1.0}, "dims, layer_scale: the pretrained weights"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
