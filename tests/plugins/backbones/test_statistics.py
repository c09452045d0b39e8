"""What frames are brought to, where a backbone has no published weights of its own."""

import pytest
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from tracknet_core.contracts import PLAIN
from tracknet_plugins.backbones.hrnet import HRNet
from tracknet_plugins.backbones.image_cascade import ImageCascade
from tracknet_plugins.backbones.p3d import P3D
from tracknet_plugins.backbones.resnetv2 import ResNetV2
from tracknet_plugins.backbones.statistics import normalization
from tracknet_plugins.backbones.vgg import VGG

SMALL = {
    HRNet: {"channels": (2, 2), "modules": (1,), "blocks": 1, "bottlenecks": 1, "bottleneck_width": 2},
    ImageCascade: {"stem": (2, 2, 2), "channels": (2, 2, 2, 2), "blocks": 1, "branch": (2, 2, 2)},
    ResNetV2: {"stem": (2,), "channels": (2,), "blocks": 1},
    VGG: {"channels": (2,), "blocks": 1},
    P3D: {"frames": 3, "channels": (2, 2), "kernels": (1, 1), "time_kernels": (1, 1), "blocks": (1, 1), "keep": (3,)},
}


@pytest.mark.parametrize("backbone", SMALL)
def test_a_backbone_says_what_frames_are_brought_to(backbone) -> None:
    def made(**options):
        return backbone(in_channels=9, image_size=(16, 16), **SMALL[backbone], **options)

    assert made().normalization == PLAIN
    assert made(statistics="imagenet").normalization.mean == IMAGENET_DEFAULT_MEAN
    assert made(statistics="imagenet").normalization.std == IMAGENET_DEFAULT_STD
    turned = made(statistics="imagenet_bgr").normalization
    assert (turned.mean[::-1], turned.std[::-1]) == (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)


def test_other_statistics_are_refused() -> None:
    with pytest.raises(ValueError, match=r"statistics: 'coco' is unknown. It accepts: plain, imagenet, imagenet_bgr"):
        normalization("coco")  # type: ignore[arg-type]
