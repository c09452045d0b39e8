import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_backbone, check_constructor
from tracknet_plugins.backbones.temporal_profile import TemporalProfile, _Difference, _WholeWindow

FRAMES = 6
SMALL = {"stem": 3, "channels": (4, 6), "heads": 2}


@pytest.fixture
def build():
    def build(**parameters):
        torch.manual_seed(0)
        return TemporalProfile(
            **({"in_channels": FRAMES, "frames": FRAMES, "image_size": (32, 16)} | SMALL | parameters)
        )

    return build


@pytest.mark.parametrize(("channels", "levels"), [(FRAMES, 3), (3 * FRAMES, 1)], ids=["grey", "colours"])
def test_temporal_profile_keeps_the_contract(build, channels, levels):
    check_constructor("backbones", TemporalProfile)
    backbone = build(in_channels=channels, levels=levels)
    assert backbone.features == tuple(FeatureSpec(6 * FRAMES, 2**level, FRAMES) for level in range(levels))
    check_backbone(backbone, in_channels=channels, size=(32, 16))


def test_a_cell_knows_all_frames_and_nothing_of_its_neighbours(build):
    backbone = build(channels=(16, 32), heads=8).eval()
    frames = torch.randn(1, FRAMES, 16, 32)
    other = frames.clone()
    other[0, 2, 5, 9] += 10  # the third frame, in the cells (2, 4) and (1, 2) of the coarser levels
    for got, changed, place in zip(backbone(frames), backbone(other), ((5, 9), (2, 4), (1, 2)), strict=True):
        differs = (got != changed).view(FRAMES, 32, *got.shape[2:])
        assert differs[:, :, *place].any(dim=1).all()
        differs[:, :, *place] = False
        assert not differs.any()


def test_coarser_levels_see_the_maxima_of_what_the_stem_gives(build):
    backbone = build(channels=(4,), levels=2).eval()
    x = torch.randn(1, FRAMES, 16, 32)
    pooled = F.max_pool2d(backbone.stem(x.unsqueeze(1))[0].transpose(0, 1), 2)  # (T, C, 8, 16)
    block, window = backbone.levels[1][0], backbone.windows[1]
    expected = window(block(pooled.transpose(0, 1).unsqueeze(0)))  # (1, C, T, 8, 16)
    torch.testing.assert_close(backbone(x)[1], expected.transpose(1, 2).flatten(1, 2))


def test_differences_are_of_kernels_and_what_stands_still_gives_nothing():
    torch.manual_seed(0)
    layer = _Difference(2, 3)
    x = torch.randn(1, 2, 9, 1, 1)
    first, middle, last = layer.weight[..., 0, 0].unbind(dim=-1)  # (3, 2) each
    padded = F.pad(x[0, :, :, 0, 0], (2, 2))
    taps = [padded[:, start : start + 9] for start in (0, 2, 4)]
    kernels = (first - middle, (middle - first) + (middle - last), last - middle)
    expected = sum(kernel @ tap for kernel, tap in zip(kernels, taps, strict=True))
    torch.testing.assert_close(layer(x)[0, :, :, 0, 0], expected)
    still = layer(torch.ones_like(x))[0, :, 2:-2]
    torch.testing.assert_close(still, torch.zeros_like(still), atol=1e-6, rtol=0)


def test_a_frame_becomes_a_sum_of_all_frames_whose_weights_a_group_shares():
    torch.manual_seed(0)
    window = _WholeWindow(4, FRAMES, 2)
    window.after = torch.nn.Identity()
    x = torch.randn(2, 4, FRAMES, 3, 5)
    groups = x.view(2, 2, 2, FRAMES, 3, 5)
    weights = torch.stack([head.weight[..., 0] for head in window.heads])
    biases = torch.stack([head.bias for head in window.heads])
    expected = torch.einsum("gst,ngcthw->ngcshw", weights, groups) / FRAMES**0.5 + biases[:, None, :, None, None]
    torch.testing.assert_close(window(x), expected.flatten(1, 2))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"in_channels": 16}, "16 channels for 6 frames.*'stack'"),
        ({"stem": 0}, "stem: 0"),
        ({"channels": ()}, "channels: \\[\\]"),
        ({"levels": 4}, "levels: 4 do not fit 2 blocks.*Give 1 to 3"),
        ({"heads": 4}, "heads: 4 are no equal groups of 6"),
        ({"image_size": (30, 16)}, "30x16 pixels.*4x4 pixels"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
