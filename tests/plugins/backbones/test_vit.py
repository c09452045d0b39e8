import pytest
import torch

from tracknet_core.contracts import FeatureSpec, Normalization
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.vit import ViT

SMALL = {"depth": 2, "embed_dim": 32, "num_heads": 2}


@pytest.fixture
def build():
    def build(in_channels=9, image_size=(96, 64), variant="test_vit", **parameters):
        torch.manual_seed(0)
        return ViT(in_channels=in_channels, image_size=image_size, variant=variant, **parameters)

    return build


@pytest.mark.parametrize(
    ("variant", "size", "parameters", "feature"),
    [
        ("test_vit", (96, 64), {}, FeatureSpec(64, 16)),
        ("test_vit2", (96, 64), {"layers": [0, -1]}, FeatureSpec(64, 16)),  # averages its tokens: no last norm
        ("test_vit3", (96, 64), {"patch_size": 8}, FeatureSpec(96, 8)),  # pools by attention
        ("test_vit4", (96, 64), {"drop_path": 0.2}, FeatureSpec(96, 16)),
        ("vit_tiny_patch16_224", (96, 64), {**SMALL, "position": "none"}, FeatureSpec(32, 16)),
        ("vit_small_patch14_reg4_dinov2", (56, 28), {**SMALL, "layers": [0, 1]}, FeatureSpec(32, 14)),
        ("vit_small_patch16_dinov3", (96, 64), SMALL, FeatureSpec(32, 16)),
        ("eva02_tiny_patch14_224", (56, 28), SMALL, FeatureSpec(32, 14)),
        ("flexivit_small", (96, 64), {**SMALL, "patch_size": 8}, FeatureSpec(32, 8)),
        ("deit_tiny_distilled_patch16_224", (96, 64), SMALL, FeatureSpec(32, 16)),
        ("vit_base_patch16_siglip_224", (96, 64), SMALL, FeatureSpec(32, 16)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_transformers_of_many_families_keep_the_contract(build, variant, size, parameters, feature):
    backbone = build(image_size=size, variant=variant, **parameters)
    assert backbone.features == (feature,) * len(parameters.get("layers", [-1]))
    check_backbone(backbone, in_channels=9, size=size)


def test_the_constructor_is_a_schema():
    check_constructor("backbones", ViT)


def test_maps_are_the_normalised_patch_tokens_row_by_row(build, image):
    backbone = build(in_channels=3, layers=[1, 3]).eval()
    network = backbone.network
    with torch.no_grad():
        patches = network.patch_embed.proj(image).flatten(2).transpose(1, 2)  # 4 x 6 patches
        tokens = torch.cat([network.cls_token, patches], dim=1) + network.pos_embed
        expected = []
        for i, block in enumerate(network.blocks):
            tokens = block(tokens)
            if i in (1, 3):
                expected.append(network.norm(tokens)[:, 1:].transpose(1, 2).reshape(1, 64, 4, 6))
        for got, wanted in zip(backbone(image), expected, strict=True):
            torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("variant", ["vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3"])
def test_registers_are_dropped(build, variant):
    backbone = build(image_size=(112, 112), variant=variant, **SMALL)
    cells = 112 // backbone.features[0].stride
    assert backbone.network.num_prefix_tokens == 5
    assert backbone(torch.randn(1, 9, 112, 112))[0].shape == (1, 32, cells, cells)


def test_blocks_after_the_last_map_are_not_kept(build):
    assert len(build(layers=[0, 2]).network.blocks) == 3
    assert build(layers=[-5, 0]).layers == [0, 1]  # of six blocks


@pytest.mark.parametrize("size", [(32, 32), (160, 16), (192, 128)])
def test_crops_and_larger_images_of_whole_patches_pass(build, size):
    width, height = size
    (got,) = build()(torch.randn(2, 9, height, width))
    assert got.shape == (2, 64, height // 16, width // 16)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"image_size": (320, 190)}, "320x190 pixels.*16x16 pixels.*320x176 or 320x192"),
        ({"image_size": (100, 8)}, "96x16 or 112x16"),
        ({"variant": "vit_tny_patch16_224"}, "variant: timm has no network.*'vit_tiny_patch16_224'"),
        ({"variant": "test_vit.r160"}, "'test_vit' has no weights 'r160'.*r160_in1k"),
        ({"variant": "resnet18"}, "of another family.*the backbone 'timm'"),
        ({"layers": []}, "layers: \\[\\].*0 to 5"),
        ({"layers": [6]}, "layers: \\[6\\].*0 to 5"),
        ({"layers": [5, -1]}, "different blocks"),
        ({"depth": 0}, "depth: 0"),
        ({"patch_size": 0}, "patch_size: 0"),
        ({"embed_dim": 65}, "embed_dim=65.*divisible"),
        ({"drop_path": 1.0}, "drop_path: 1.0"),
        ({"position": "sine"}, "variant, none"),
        ({"variant": "vit_small_patch16_dinov3", "position": "none"}, "position: 'vit_small_patch16_dinov3'"),
        ({"pretrained": "file", "depth": 2, "position": "none"}, "depth, position: the pretrained weights"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)


def test_a_frozen_network_stays_in_evaluation_mode(build):
    backbone = build(freeze=True, drop_path=0.5)
    backbone.train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    x = torch.randn(2, 9, 64, 96)
    assert torch.equal(backbone(x)[0], backbone(x)[0])


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_give_the_maps_of_the_network_they_come_from(build, weights, image, suffix):
    path, network = weights("test_vit", img_size=(64, 96), num_classes=5, suffix=suffix)
    backbone = build(in_channels=3, pretrained=str(path), layers=[2, 5]).eval()
    with torch.no_grad():
        expected = network.forward_intermediates(image, indices=[2, 5], norm=True, intermediates_only=True)
        for got, wanted in zip(backbone(image), expected, strict=True):
            torch.testing.assert_close(got, wanted)


def test_more_channels_keep_the_pretrained_stem(build, weights, image):
    path, _ = weights("test_vit")
    three = build(in_channels=3, pretrained=str(path)).eval()
    nine = build(in_channels=9, pretrained=str(path)).eval()
    # Three equal frames look to the adapted stem as one frame to the original.
    torch.testing.assert_close(nine(image.repeat(1, 3, 1, 1))[0], three(image)[0], atol=1e-4, rtol=1e-4)


def test_positions_of_a_file_are_resampled_to_the_image(build, weights):
    path, network = weights("test_vit")  # 160 x 160 pixels: 10 x 10 patches and the class token
    assert network.pos_embed.shape == (1, 101, 64)
    backbone = build(pretrained=str(path))
    assert backbone.network.pos_embed.shape == (1, 4 * 6 + 1, 64)
    mean = network.pos_embed[:, 1:].mean(dim=1)
    torch.testing.assert_close(backbone.network.pos_embed[:, 1:].mean(dim=1), mean, atol=5e-3, rtol=0)


def test_a_network_is_rebuilt_without_its_file(build, weights):
    path, _ = weights("test_vit")
    backbone = build(pretrained=str(path), layers=[1, 4])
    again = build(pretrained="gone.safetensors", fetch=False, layers=[1, 4])
    assert again.normalization == backbone.normalization
    again.load_state_dict(backbone.state_dict(), strict=True)
    x = torch.randn(1, 9, 64, 96)
    torch.testing.assert_close(again.eval()(x), backbone.eval()(x))


def test_normalization_is_the_variants_own(build):
    half = (0.5, 0.5, 0.5)
    assert build(variant="vit_tiny_patch16_224", **SMALL).normalization == Normalization(mean=half, std=half)
    dino = build(variant="vit_small_patch14_reg4_dinov2", image_size=(28, 28), **SMALL).normalization
    assert dino == Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
