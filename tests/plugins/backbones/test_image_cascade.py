import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.image_cascade import ImageCascade


@pytest.fixture
def build():
    def build(**parameters):
        torch.manual_seed(0)
        small = {"stem": (4, 4, 6), "channels": (4, 6, 8, 10), "blocks": 1, "branch": (3, 4, 5)}
        return ImageCascade(**({"in_channels": 6, "image_size": (64, 32)} | small | parameters))

    return build


@pytest.mark.parametrize("blocks", [1, (1, 2, 1, 2)], ids=["one", "several"])
def test_image_cascade_keeps_the_contract(build, blocks):
    check_constructor("backbones", ImageCascade)
    backbone = build(blocks=blocks)
    assert backbone.features == (FeatureSpec(5, 8), FeatureSpec(6, 8), FeatureSpec(10, 16))
    check_backbone(backbone, in_channels=6, size=(64, 32))


def test_the_coarsest_map_is_that_of_every_second_pixel(build):
    backbone = build().eval()
    x = torch.randn(1, 6, 32, 64)
    changed = x.clone()
    changed[..., 1::2, :] = 0
    changed[..., 1::2] = 0
    for got, before, same in zip(backbone(changed), backbone(x), [False, False, True], strict=True):
        assert torch.equal(got, before) is same


def test_the_dilated_levels_are_those_of_a_resnet(build):
    dilations = [
        [
            module.dilation[0]
            for module in level.modules()
            if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (3, 3)
        ]
        for level in build(blocks=2).levels
    ]
    # The first convolution of a level has the dilation of the level before (Yu et al., "Dilated Residual Networks").
    assert dilations == [[1] * 4, [1] * 4, [1, 2, 2, 2], [2, 4, 4, 4]]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"stem": (4, 0, 4)}, r"stem: \[4, 0, 4\]"),
        ({"branch": (0, 4, 4)}, r"branch: \[0, 4, 4\]"),
        ({"blocks": (1, 2)}, "the 4 levels"),
        ({"image_size": (72, 32)}, "16x16"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
