import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.p3d import P3D, _pooled

SMALL = {"channels": (4, 6, 8), "kernels": (3, 2, 1), "time_kernels": (5, 3, 1), "blocks": (2, 1, 1), "keep": (3, 1)}


@pytest.fixture
def build():
    def build(**parameters):
        torch.manual_seed(0)
        return P3D(**({"in_channels": 15, "frames": 5, "image_size": (32, 16)} | SMALL | parameters))

    return build


@pytest.mark.parametrize("patch_size", [1, 2])
def test_p3d_keeps_the_contract(build, patch_size):
    check_constructor("backbones", P3D)
    backbone = build(patch_size=patch_size)
    levels = [(4, 5), (4, 5), (6, 3), (6, 3), (8, 1)]
    strides = [patch_size * stride for stride in (1, 1, 2, 2, 4)]
    assert backbone.features == tuple(FeatureSpec(c * t, s, t) for (c, t), s in zip(levels, strides, strict=True))
    check_backbone(backbone, in_channels=15, size=(32, 16))


def test_fewer_frames_than_are_kept_are_all_kept(build):
    backbone = build(in_channels=6, frames=2)
    assert [feature.frames for feature in backbone.features] == [2, 2, 2, 2, 1]
    check_backbone(backbone, in_channels=6, size=(32, 16))


@pytest.mark.parametrize(("before", "after"), [(5, 3), (3, 1), (5, 5), (4, 2)])
def test_frames_are_pooled_as_torch_does_it(before, after):
    x = torch.randn(2, 3, before, 8, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_pooled(x, after), F.adaptive_max_pool3d(x, (after, 4, 3)))


def test_maps_of_space_see_one_frame_and_maps_of_time_see_others(build):
    backbone = build().eval()
    x = torch.randn(1, 15, 16, 32)
    other = x.clone()
    other[:, 6:9] += 1  # the third of five frames
    maps, changed = backbone(x), backbone(other)
    differs = (maps[0] != changed[0]).flatten(2).any(-1).view(5, 4).any(-1)  # by frame
    assert differs.tolist() == [False, False, True, False, False]
    assert (maps[1] != changed[1]).flatten(2).any(-1).view(5, 4).any(-1).all()


def test_the_sum_of_space_and_time_goes_on(build):
    backbone = build(channels=(4, 8), kernels=(3, 1), time_kernels=(3, 1), blocks=(1, 1), keep=(5,)).eval()
    seen, moved, coarse = backbone(torch.randn(1, 15, 16, 32))
    summed = F.max_pool2d(seen + moved, 2).view(1, 5, 4, 8, 16).transpose(1, 2)
    below = backbone.space[1](summed)
    expected = (below + backbone.time[1](below)).transpose(1, 2).flatten(1, 2)
    torch.testing.assert_close(coarse, expected)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"in_channels": 16}, "16 channels for 5 frames.*'stack'"),
        ({"channels": (4,)}, "channels: \\[4\\]"),
        ({"kernels": (3, 3)}, "kernels: \\[3, 3\\].*Give 3 numbers"),
        ({"keep": (3, 0)}, "keep: \\[3, 0\\].*Give 2 numbers"),
        ({"patch_size": 0}, "patch_size: 0"),
        ({"image_size": (30, 16)}, "30x16 pixels.*4x4 pixels"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
