import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.errors import UserError
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.timm import Timm


@pytest.fixture
def build():
    def build(model, in_channels=9, image_size=(96, 64), **parameters):
        torch.manual_seed(0)
        return Timm(in_channels=in_channels, image_size=image_size, model=model, **parameters)

    return build


@pytest.mark.parametrize(
    ("model", "channels", "strides"),
    [
        ("test_resnet", (32, 32, 48, 192, 96), (2, 4, 8, 16, 32)),
        ("test_byobnet", (24, 32, 64, 128, 256), (2, 4, 8, 16, 32)),
        ("test_efficientnet", (16, 24, 32, 48, 64), (2, 4, 8, 16, 32)),
        ("test_mambaout", (16, 32, 48, 64), (4, 8, 16, 32)),  # channels last
        ("test_vit", (64, 64, 64), (16, 16, 16)),
        ("mobilenetv4_conv_small", (32, 32, 64, 96, 960), (2, 4, 8, 16, 32)),
        ("hrnet_w18_small", (64, 16, 32, 64, 128), (2, 4, 8, 16, 32)),
    ],
)
def test_networks_of_many_families_keep_the_contract(build, model, channels, strides):
    backbone = build(model)
    assert backbone.features == tuple(map(FeatureSpec, channels, strides))
    check_backbone(backbone, in_channels=9, size=(96, 64))


@pytest.mark.parametrize("model", ["swin_tiny_patch4_window7_224", "test_maxvit"])
def test_networks_made_for_one_size_take_that_of_the_image(build, model):
    backbone = build(model, image_size=(128, 64), out_indices=[0, 1])
    check_backbone(backbone, in_channels=9, size=(128, 64))


def test_the_constructor_is_a_schema():
    check_constructor("backbones", Timm)


@pytest.mark.parametrize("model", ["test_resnet", "test_efficientnet", "test_mambaout", "mobilenetv4_conv_small"])
def test_levels_after_the_last_map_are_not_kept(build, model):
    every, few = build(model), build(model, out_indices=[0, 1])
    assert few.features == every.features[:2]
    assert sum(p.numel() for p in few.parameters()) < sum(p.numel() for p in every.parameters()) / 2
    check_backbone(few, in_channels=9, size=(96, 64))


@pytest.mark.parametrize("model", ["test_resnet", "test_mambaout", "test_efficientnet"])
def test_weights_of_a_file_give_the_maps_of_the_network_they_come_from(build, weights, image, model):
    path, network = weights(model, num_classes=5)
    backbone = build(model, in_channels=3, pretrained=str(path)).eval()
    with torch.no_grad():
        expected = network.forward_features(image)
        expected = expected.permute(0, 3, 1, 2) if backbone.channels_last else expected
        got = backbone(image)[-1]
        if model == "test_efficientnet":  # its last map lies before the last convolution
            got = network.bn2(network.conv_head(got))
        torch.testing.assert_close(got, expected)


def test_a_file_that_lacks_a_weight_is_refused_though_timm_would_leave_it_random(build, weights):
    path, _ = weights("test_resnet", edit=lambda state: state.pop("layer1.0.conv1.weight"))
    with pytest.raises(UserError, match=r"layer1\.0\.conv1\.weight"):
        build("test_resnet", pretrained=str(path))


def test_a_network_is_rebuilt_without_its_file(build, weights):
    path, _ = weights("test_resnet")
    backbone = build("test_resnet", pretrained=str(path))
    again = build("test_resnet", pretrained="gone.safetensors", fetch=False)
    assert again.normalization == backbone.normalization
    again.load_state_dict(backbone.state_dict(), strict=True)


def test_a_frozen_network_keeps_its_statistics(build):
    backbone = build("test_resnet", freeze=True)
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    backbone.train()
    backbone(torch.randn(2, 9, 64, 96))
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.state_dict().items())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


@pytest.mark.parametrize(
    ("model", "parameters", "words"),
    [
        ("resnet81", {}, "model: timm has no network 'resnet81'.*'resnet18'"),
        ("test_resnet", {"image_size": (100, 64)}, "100x64 pixels.*96x64 or 128x64"),
        ("test_resnet", {"out_indices": [0, 9]}, "out_indices=\\(0, 9\\)"),
        ("test_resnet", {"out_indices": [2, 1]}, "out_indices: \\[2, 1\\].*ascending"),
        ("pit_ti_224", {}, "'pit_ti_224' gives a map of shape.*7, 11.*8, 12.*choose another network"),
        ("convit_tiny", {}, "'convit_tiny' does not take images of 96x64 pixels"),
    ],
)
def test_what_does_not_fit_is_refused(build, model, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(model, **parameters)
