import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.none import NoDecoder

PYRAMID = (FeatureSpec(4, 2), FeatureSpec(6, 4))
PLAIN = (FeatureSpec(4, 4), FeatureSpec(6, 4))


@pytest.mark.parametrize(("in_features", "channels"), [(PYRAMID, 6), (PLAIN, 10)], ids=["pyramid", "plain"])
def test_the_coarsest_maps_come_out_as_they_are(in_features, channels):
    check_constructor("decoders", NoDecoder)
    decoder = NoDecoder(in_features=in_features)
    assert decoder.feature == FeatureSpec(channels, 4)
    check_decoder(decoder, in_features=in_features, size=(32, 16))
    maps = [torch.randn(1, f.channels, 16 // f.stride, 32 // f.stride) for f in in_features]
    assert torch.equal(decoder(maps), torch.cat([m for m in maps if m.shape[-1] == 8], dim=1))
