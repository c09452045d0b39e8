import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.select import Select

PYRAMID = (FeatureSpec(8, 1), FeatureSpec(16, 2), FeatureSpec(24, 4))


@pytest.mark.parametrize(("index", "feature"), [(0, PYRAMID[0]), (1, PYRAMID[1]), (-1, PYRAMID[2])])
def test_select_keeps_the_contract(index, feature):
    check_constructor("decoders", Select)
    decoder = Select(in_features=PYRAMID, index=index)
    assert decoder.feature == feature
    check_decoder(decoder, in_features=PYRAMID, size=(32, 16))


def test_the_finest_map_is_handed_on_as_it_is():
    maps = [torch.randn(1, feature.channels, 8 // feature.stride, 8 // feature.stride) for feature in PYRAMID]
    assert Select(in_features=PYRAMID)(maps) is maps[0]


@pytest.mark.parametrize("index", [3, -4])
def test_a_map_that_is_not_there_is_refused(index):
    with pytest.raises(ValueError, match=rf"index: {index}.*\(1, 2, 4\).*from -3 to 2"):
        Select(in_features=PYRAMID, index=index)
