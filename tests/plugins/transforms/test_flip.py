import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_plugins.transforms.flip import Flip


@pytest.fixture
def window() -> Window:
    frames = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    xy = np.array([(2, 1), (2.25, 4.5), (np.nan, np.nan)], dtype=np.float32)
    return Window(frames, plain_labels(xy, np.array([Visibility.EASY, Visibility.OCCLUDED, Visibility.ABSENT])))


def test_a_flip_mirrors_every_frame_and_point(window: Window) -> None:
    flipped = Flip(prob=1)(window, np.random.default_rng(0))
    for column in range(8):
        np.testing.assert_array_equal(flipped.frames[:, :, column], window.frames[:, :, 7 - column])
    # W = 8: x' = 7 - x
    np.testing.assert_array_equal(flipped.xy, np.array([(5, 1), (4.75, 4.5), (np.nan, np.nan)], dtype=np.float32))
    np.testing.assert_array_equal(flipped.visibility, window.visibility)


def test_the_pixel_under_the_point_stays_the_same(window: Window) -> None:
    flipped = Flip(prob=1)(window, np.random.default_rng(0))
    np.testing.assert_array_equal(flipped.frames[0, 1, 5], window.frames[0, 1, 2])


def test_a_flip_does_not_write_into_the_window_that_came_in(window: Window) -> None:
    frames, xy = window.frames.copy(), window.xy.copy()
    Flip(prob=1)(window, np.random.default_rng(0))
    np.testing.assert_array_equal(window.frames, frames)
    np.testing.assert_array_equal(window.xy, xy)


@pytest.mark.parametrize(("prob", "low", "high"), [(0.0, 0, 0), (1.0, 1000, 1000), (0.25, 200, 300)])
def test_prob_is_the_share_of_flipped_windows(window: Window, prob: float, low: int, high: int) -> None:
    flip, rng = Flip(prob=prob), np.random.default_rng(0)
    flipped = sum(flip(window, rng).xy[0, 0] == 5 for _ in range(1000))
    assert low <= flipped <= high


def test_two_flips_are_none(window: Window) -> None:
    flip, rng = Flip(prob=1), np.random.default_rng(0)
    twice = flip(flip(window, rng), rng)
    np.testing.assert_array_equal(twice.frames, window.frames)
    np.testing.assert_array_equal(twice.xy, window.xy)


def test_a_flip_keeps_the_size() -> None:
    assert Flip().output_size((512, 288)) == (512, 288)


@pytest.mark.parametrize("prob", [-0.1, 1.5, float("nan")])
def test_a_share_outside_of_0_to_1_is_refused(prob: float) -> None:
    with pytest.raises(ValueError, match=r"prob=.* from 0 \(never\) to 1 \(always\)"):
        Flip(prob=prob)
