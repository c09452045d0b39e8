import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.resunet import ResUNet

PYRAMID = (FeatureSpec(4, 2), FeatureSpec(6, 4), FeatureSpec(8, 8))


@pytest.fixture
def build():
    def build(in_features=PYRAMID, **parameters):
        torch.manual_seed(0)
        return ResUNet(in_features=in_features, **({"channels": (10, 12), "blocks": (2, 1)} | parameters))

    return build


@pytest.mark.parametrize(
    ("parameters", "feature"),
    [({"finish": (5, 7)}, FeatureSpec(7, 1)), ({"finish": (), "blocks": 1}, FeatureSpec(12, 2))],
    ids=["finished", "unfinished"],
)
def test_resunet_keeps_the_contract(build, parameters, feature):
    check_constructor("decoders", ResUNet)
    decoder = build(**parameters)
    assert decoder.feature == feature
    check_decoder(decoder, in_features=PYRAMID, size=(32, 16))


def test_every_level_reaches_the_result(build):
    decoder = build(finish=()).eval()
    maps = [torch.randn(1, f.channels, 16 // f.stride, 16 // f.stride) for f in PYRAMID]
    before = decoder(maps)
    for i in range(len(PYRAMID)):
        changed = [m + torch.randn_like(m) if i == j else m for j, m in enumerate(maps)]
        assert not torch.equal(decoder(changed), before)


def test_a_step_is_a_doubling_and_blocks_that_see_the_skip_before_it(build):
    decoder = build(PYRAMID[1:], channels=(10,), blocks=1, finish=()).eval()
    fine, coarse = torch.randn(1, 6, 4, 8), torch.randn(1, 8, 2, 4)
    expected = decoder.merges[0][0](torch.cat((fine, decoder.doublings[0](coarse)), dim=1))
    torch.testing.assert_close(decoder([fine, coarse]), expected)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channels": ()}, r"channels: \[\]"),
        ({"finish": (0,)}, r"finish: \[0\]"),
        ({"blocks": (1,)}, "the 2 steps"),
        ({"channels": (8, 8, 8)}, "4 stages"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**({"finish": (4,), "blocks": 1} | parameters))
