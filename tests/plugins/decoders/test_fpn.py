import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.fpn import FPN

PYRAMID = (FeatureSpec(8, 4), FeatureSpec(16, 8), FeatureSpec(24, 16), FeatureSpec(32, 32))


@pytest.mark.parametrize("in_features", [PYRAMID, PYRAMID[1:3]], ids=["four", "two"])
@pytest.mark.parametrize(
    "parameters", [{}, {"fuse": "concat", "norm": "bn", "activation": "relu"}], ids=["sum", "concat"]
)
def test_fpn_keeps_the_contract(in_features, parameters):
    check_constructor("decoders", FPN)
    decoder = FPN(in_features=in_features, lateral_dim=12, **parameters)
    assert decoder.feature == FeatureSpec(12, in_features[0].stride)
    check_decoder(decoder, in_features=in_features, size=(64, 32))


@pytest.mark.parametrize(("fuse", "width"), [("sum", 12), ("concat", 24)])
def test_parameters_are_those_of_laterals_and_merges(fuse, width):
    decoder = FPN(in_features=PYRAMID, lateral_dim=12, fuse=fuse)
    laterals = sum(f.channels * 12 + 2 * 12 for f in PYRAMID)  # 1x1 and a norm
    merges = 3 * (9 * width * 12 + 2 * 12)  # 3x3 and a norm, for every level but the coarsest
    assert sum(p.numel() for p in decoder.parameters()) == laterals + merges


@pytest.mark.parametrize("fuse", ["sum", "concat"])
def test_every_level_reaches_the_result(fuse):
    torch.manual_seed(0)
    decoder = FPN(in_features=PYRAMID, lateral_dim=12, fuse=fuse).eval()
    maps = [torch.randn(1, f.channels, 64 // f.stride, 64 // f.stride) for f in PYRAMID]
    before = decoder(maps)
    for i in range(len(maps)):
        changed = [m + torch.randn_like(m) if i == j else m for j, m in enumerate(maps)]
        assert not torch.allclose(decoder(changed), before, atol=1e-3)


def test_coarse_cells_cover_the_fine_cells_below_them():
    torch.manual_seed(0)
    decoder = FPN(in_features=(FeatureSpec(2, 4), FeatureSpec(2, 8)), lateral_dim=8, norm="bn").eval()
    fine, coarse = torch.randn(1, 2, 16, 16), torch.randn(1, 2, 8, 8)
    other = coarse.clone()
    other[0, :, 3, 5] += 10
    rows, columns = torch.nonzero((decoder([fine, other]) != decoder([fine, coarse])).any(dim=1)[0], as_tuple=True)
    # Fine cells 6..7 x 10..11 lie below the coarse cell; the 3x3 convolution reaches one farther.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 8, 9, 12)


@pytest.mark.parametrize("strides", [(16, 16, 16), (4, 16), (16,), (8, 4)])
def test_what_is_no_pyramid_is_refused_with_its_strides(strides):
    with pytest.raises(ValueError, match="needs a pyramid") as caught:
        FPN(in_features=tuple(FeatureSpec(8, stride) for stride in strides))
    assert str(strides) in str(caught.value)
    assert "'upsampling'" in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"lateral_dim": 0}, "lateral_dim: 0"), ({"fuse": "max"}, "sum, concat"), ({"norm": "ln"}, "gn, bn")],
)
def test_bad_values_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        FPN(in_features=PYRAMID, **parameters)
