import math

import numpy as np
import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_head
from tracknet_plugins.heads.motion_attention import MotionAttention

FEATURE = FeatureSpec(channels=8, stride=2)


@pytest.mark.parametrize("maps", [2, 3])
@pytest.mark.parametrize("parameters", [{}, {"fusion": "both", "change": "brightening"}], ids=["default", "both"])
def test_motion_attention_keeps_the_contract(maps, parameters):
    check_constructor("heads", MotionAttention)
    head = MotionAttention(in_feature=FEATURE, maps=maps, frames=3, **parameters)
    check_head(head, in_feature=FEATURE, maps=maps, frames=3, size=(64, 32))


def attention(difference, a=0.1, b=0.0, margin=0.1):
    """TrackNetV4's rule, number by number."""
    steepness = 5 / (0.45 * abs(math.tanh(a)) + margin)
    return 1 / (1 + math.exp(-steepness * (abs(difference) - 0.6 * math.tanh(b))))


@pytest.fixture
def seen():
    """Frames that get brighter by 0.05, and then lose 0.03 of their red, which has 0.299 of the luma."""
    frames = torch.full((1, 3, 3, 4, 6), 0.5)
    frames[:, 1:] += 0.05
    frames[:, 2, 0] -= 0.03
    return frames


@pytest.mark.parametrize(
    ("fusion", "change", "weights"),
    [
        ("previous", "absolute", lambda first, second: [1, first, second]),
        ("both", "absolute", lambda first, second: [first, (first + second) / 2, second]),
        # In the middle half of the change from the first to the last, which grew by 0.05 and lost 0.299 of 0.03.
        ("central", "absolute", lambda first, last: [first, attention((0.05 - 0.299 * 0.03) / 2), last]),
        ("previous", "brightening", lambda first, _: [1, first, attention(0)]),
    ],
)
def test_logits_are_multiplied_by_what_changed(seen, fusion, change, weights):
    head = MotionAttention(in_feature=FEATURE, maps=3, frames=3, fusion=fusion, change=change)
    feature = torch.randn(1, 8, 2, 3, generator=torch.Generator().manual_seed(0))
    plain = head.logits(feature, (6, 4))
    expected = plain * torch.tensor(weights(attention(0.05), attention(0.299 * 0.03))).view(3, 1, 1)
    torch.testing.assert_close(head(feature, seen, (6, 4)), expected.float(), rtol=1e-5, atol=1e-6)


def test_a_background_after_the_frames_is_no_motion(seen):
    parameters = {"in_feature": FEATURE, "maps": 3}
    torch.manual_seed(0)
    head = MotionAttention(frames=3, **parameters)
    beside = MotionAttention(frames=4, **parameters)
    beside.load_state_dict(head.state_dict())
    feature = torch.randn(1, 8, 2, 3)
    with_background = torch.cat((seen, torch.rand(1, 1, 3, 4, 6)), dim=1)
    torch.testing.assert_close(beside(feature, with_background, (6, 4)), head(feature, seen, (6, 4)))


def test_attention_comes_in_the_size_of_the_grid(seen):
    head = MotionAttention(in_feature=FEATURE, maps=3, frames=3)
    feature = torch.zeros(1, 8, 2, 3)
    logits = head(feature, seen, (3, 2)).detach()
    np.testing.assert_allclose(logits[0, 1], math.log(0.01 / 0.99) * attention(0.05), rtol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"fusion": "next"}, r"fusion: 'next' is unknown\. It accepts: previous, both, central"),
        ({"change": "darkening"}, r"change: 'darkening' is unknown\. It accepts: absolute, brightening"),
        ({"maps": 1}, r"1 of 3 pictures do\. Choose an input with outputs: all"),
        ({"frames": 5}, r"3 of 5 pictures do"),
        ({"prior": 0.0}, "between 0 and 1"),
    ],
)
def test_bad_values_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        MotionAttention(**({"in_feature": FEATURE, "maps": 3, "frames": 3} | parameters))
