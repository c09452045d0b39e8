import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.cascade_fusion import CascadeFusion

CASCADE = (FeatureSpec(5, 8), FeatureSpec(6, 8), FeatureSpec(10, 16))
PYRAMID = (FeatureSpec(4, 4), FeatureSpec(8, 16))


@pytest.mark.parametrize("in_features", [CASCADE, PYRAMID], ids=["cascade", "pyramid"])
@pytest.mark.parametrize("parameters", [{}, {"pools": (), "doublings": 0}, {"doublings": 2}], ids=str)
def test_cascade_fusion_keeps_the_contract(in_features, parameters):
    check_constructor("decoders", CascadeFusion)
    torch.manual_seed(0)
    decoder = CascadeFusion(in_features=in_features, channels=8, **parameters)
    assert decoder.feature == FeatureSpec(8, in_features[0].stride >> parameters.get("doublings", 1))
    check_decoder(decoder, in_features=in_features, size=(64, 32))


def test_a_fusion_adds_a_dilated_convolution_of_the_coarse_map_and_the_finer_one():
    torch.manual_seed(0)
    decoder = CascadeFusion(in_features=PYRAMID, channels=3, pools=(1,), doublings=0).eval()
    fine, coarse = torch.randn(1, 4, 8, 8), torch.randn(1, 8, 2, 2)
    whole = coarse + coarse.mean(dim=(-2, -1), keepdim=True)
    enlarged = whole.repeat_interleave(4, -1).repeat_interleave(4, -2)
    low = F.conv2d(enlarged, decoder.low[0][0].weight, padding=2, dilation=2)
    high = F.conv2d(fine, decoder.high[0][0].weight)
    torch.testing.assert_close(decoder([fine, coarse]), ((low + high) / (1 + 1e-5) ** 0.5).relu())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channels": 0}, "channels: 0"),
        ({"pools": (1, 0)}, r"pools: \[1, 0\]"),
        ({"doublings": -1}, "doublings: -1"),
        ({"doublings": 4}, "stride"),
        ({"in_features": CASCADE[:1]}, "a single map, of stride 8"),
    ],
)
def test_bad_values_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        CascadeFusion(**({"in_features": CASCADE} | parameters))
