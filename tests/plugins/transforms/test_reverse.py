import numpy as np
import pytest

from tracknet_core.contracts import Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.reverse import Reverse


@pytest.fixture
def window() -> Window:
    """Three frames as bright as their number, and a background of 9."""
    frames = np.zeros((4, 4, 6, 3), np.uint8)
    frames[:] = np.array((0, 1, 2, 9))[:, None, None, None]
    return Window(frames, plain_labels(np.array([(0, 0), (1, 0), (np.nan, np.nan)], np.float32), np.array([1, 2, 0])))


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", Reverse)
    check_transform(Reverse(prob=1))


def test_frames_and_labels_turn_round_and_the_background_stays_last(window: Window) -> None:
    turned = Reverse(prob=1)(window, np.random.default_rng(0))
    assert turned.frames[:, 0, 0, 0].tolist() == [2, 1, 0, 9]
    np.testing.assert_array_equal(turned.xy, np.array([(np.nan, np.nan), (1, 0), (0, 0)], np.float32))
    assert turned.visibility.tolist() == [0, 2, 1]


@pytest.mark.parametrize(("prob", "low", "high"), [(0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)])
def test_prob_is_the_share_of_reversed_windows(window: Window, prob: float, low: int, high: int) -> None:
    reverse, rng = Reverse(prob=prob), np.random.default_rng(0)
    assert low <= sum(reverse(window, rng).visibility[0] == 0 for _ in range(1000)) <= high


@pytest.mark.parametrize("prob", [-0.1, 1.5, float("nan")])
def test_a_share_outside_of_0_to_1_is_refused(prob: float) -> None:
    with pytest.raises(ValueError, match=r"prob=.* from 0 \(never\) to 1 \(always\)"):
        Reverse(prob=prob)
