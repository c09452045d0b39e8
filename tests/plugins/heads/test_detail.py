import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_head
from tracknet_plugins.heads.detail import Detail

FEATURE = FeatureSpec(channels=8, stride=4)


@pytest.mark.parametrize("maps", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 8])
def test_detail_keeps_the_contract(maps, stride):
    feature = FeatureSpec(channels=8, stride=stride)
    check_constructor("heads", Detail)
    head = Detail(in_feature=feature, maps=maps, frames=3, channels=16)
    check_head(head, in_feature=feature, maps=maps, frames=3, size=(64, 32))


def test_frames_may_enter_one_by_one():
    head = Detail(in_feature=FEATURE, maps=1, frames=1)
    frames = torch.randn(2, 3, 3, 16, 32)
    together = head(torch.zeros(6, 8, 4, 8), frames, (8, 4))
    alone = [head(torch.zeros(1, 8, 4, 8), frames[b : b + 1, t : t + 1], (8, 4)) for b in range(2) for t in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_the_logits_follow_what_the_frames_show():
    torch.manual_seed(0)
    head = Detail(in_feature=FEATURE, maps=3, frames=3)
    still = torch.randn(1, 3, 3, 16, 32)
    moved = still.clone()
    moved[0, 1, :, 9, 17] += 5.0
    feature = torch.randn(1, 8, 4, 8)
    change = (head(feature, moved, (8, 4)) - head(feature, still, (8, 4))).abs().amax(dim=(0, 1))  # (4, 8)
    row, column = divmod(int(change.argmax()), 8)
    assert abs(row - 9 // 4) <= 1
    assert abs(column - 17 // 4) <= 1


def test_the_first_logits_are_near_the_prior():
    torch.manual_seed(0)
    head = Detail(in_feature=FEATURE, maps=2, frames=3, prior=0.1)
    probability = head(torch.randn(2, 8, 4, 8), torch.randn(2, 3, 3, 16, 32), (8, 4)).sigmoid()
    assert probability.min() > 0.07
    assert probability.max() < 0.14


@pytest.mark.parametrize(
    ("feature", "parameters", "words"),
    [
        (FEATURE, {"channels": 0}, "channels: 0"),
        (FEATURE, {"prior": 1.0}, "between 0 and 1"),
        (FeatureSpec(8, 14), {}, "stride of 14"),
    ],
)
def test_bad_values_are_refused(feature, parameters, words):
    with pytest.raises(ValueError, match=words):
        Detail(in_feature=feature, maps=1, frames=3, **parameters)
