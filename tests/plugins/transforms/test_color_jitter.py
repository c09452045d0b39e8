import numpy as np
import pytest

from tracknet_core.contracts import UInt8Array, Window, plain_labels
from tracknet_plugins.transforms.color_jitter import ColorJitter


class Draws:
    """Stands in for a generator: gives chosen factors instead of random ones, and notes what was asked for."""

    def __init__(self, *factors: float) -> None:
        self.factors = list(factors)
        self.asked: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        self.asked.append((low, high))
        return self.factors.pop(0)


def window_of(frames: UInt8Array) -> Window:
    return Window(frames, plain_labels(np.full((len(frames), 2), 3, np.float32), np.ones(len(frames), np.int64)))


@pytest.fixture
def window() -> Window:
    return window_of(np.random.default_rng(0).integers(0, 256, (3, 16, 20, 3), dtype=np.uint8))


def jittered(window: Window, brightness: float, contrast: float, saturation: float) -> UInt8Array:
    return ColorJitter()(window, Draws(brightness, contrast, saturation)).frames  # type: ignore[arg-type]


def test_factors_of_one_change_nothing(window: Window) -> None:
    np.testing.assert_array_equal(jittered(window, 1, 1, 1), window.frames)


def test_brightness_multiplies_and_clips() -> None:
    frames = np.array([10, 101, 200], dtype=np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_array_equal(jittered(window_of(frames), 1.5, 1, 1).ravel(), [15, 152, 255])  # 151.5 rounds up


def test_contrast_moves_away_from_the_mean_of_the_window() -> None:
    # Two flat grey frames of 50 and 150: their mean is 100, so a factor of 0.5 halves the distance to 100.
    frames = np.stack([np.full((8, 8, 3), 50, np.uint8), np.full((8, 8, 3), 150, np.uint8)])
    result = jittered(window_of(frames), 1, 0.5, 1)
    np.testing.assert_array_equal(result[0], 75)
    np.testing.assert_array_equal(result[1], 125)


def test_no_saturation_leaves_the_grey_value() -> None:
    frames = np.array([200, 100, 50], dtype=np.uint8).reshape(1, 1, 1, 3)
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
    np.testing.assert_array_equal(jittered(window_of(frames), 1, 1, 0).ravel(), [124, 124, 124])


def test_saturation_moves_away_from_the_grey_value() -> None:
    frames = np.array([100, 80, 60], dtype=np.uint8).reshape(1, 1, 1, 3)
    # grey = 83.7; 83.7 + 1.5 * (v - 83.7) = 108.15, 78.15, 48.15
    np.testing.assert_array_equal(jittered(window_of(frames), 1, 1, 1.5).ravel(), [108, 78, 48])


def test_the_three_follow_one_another_as_described(window: Window) -> None:
    brightness, contrast, saturation = 0.9, 1.2, 0.7
    colours = window.frames.astype(np.float64) * brightness
    mean = (colours[:, ::4, ::4] @ (0.299, 0.587, 0.114)).mean()
    colours = contrast * (colours - mean) + mean
    grey = (colours @ (0.299, 0.587, 0.114))[..., None]
    expected = np.clip(grey + saturation * (colours - grey), 0, 255)
    difference = jittered(window, brightness, contrast, saturation) - expected
    assert np.abs(difference).max() <= 0.51  # rounding to whole levels


def test_factors_are_drawn_around_one_and_never_below_zero(window: Window) -> None:
    draws = Draws(1, 1, 1)
    ColorJitter(brightness=0.1, contrast=0.25, saturation=3)(window, draws)  # type: ignore[arg-type]
    np.testing.assert_allclose(draws.asked, [(0.9, 1.1), (0.75, 1.25), (0, 4)])


def test_all_frames_of_a_window_get_the_same_draw() -> None:
    frames = np.repeat(np.random.default_rng(1).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8), 4, axis=0)
    result = ColorJitter(brightness=0.5)(window_of(frames), np.random.default_rng(0)).frames
    for frame in result[1:]:
        np.testing.assert_array_equal(frame, result[0])


def test_places_stay_and_the_input_is_not_written_to(window: Window) -> None:
    before = window.frames.copy()
    result = ColorJitter()(window, np.random.default_rng(0))
    np.testing.assert_array_equal(window.frames, before)
    np.testing.assert_array_equal(result.xy, window.xy)
    np.testing.assert_array_equal(result.visibility, window.visibility)
    assert result.frames.shape == before.shape
    assert result.frames.dtype == np.uint8


def test_colours_keep_the_size() -> None:
    assert ColorJitter().output_size((512, 288)) == (512, 288)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_strength_below_zero_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name}=.* at least 0"):
        ColorJitter(**{name: value})
