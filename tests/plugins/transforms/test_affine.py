import math

import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.affine import Affine

WIDTH, HEIGHT = 96, 64


class Draws:
    """Stands in for a generator: gives a chosen scale, angle and shift instead of random ones."""

    def __init__(self, scale: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        self.answers = [math.log(scale), degrees, np.array(shift)]

    def random(self) -> float:
        return 0.0

    def uniform(self, low: float, high: float, size: int | None = None) -> object:
        return self.answers.pop(0)


def window_with(*points: tuple[float, float], visibility: Visibility = Visibility.EASY) -> Window:
    """Grey frames, each with a soft bright spot about its point."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    spots = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2)) for x, y in points]
    frames = np.rint(60 + 180 * np.repeat(np.array(spots)[..., None], 3, axis=-1)).astype(np.uint8)
    return Window(frames, plain_labels(np.array(points, dtype=np.float32), np.full(len(points), visibility)))


def centroid(frame: np.ndarray) -> np.ndarray:
    light = np.clip(frame.astype(np.float64).sum(axis=2) - 3 * 70, 0, None)  # above the grey and its rounding
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return np.array(((light * columns).sum(), (light * rows).sum())) / light.sum()


def moved(window: Window, **draws: object) -> Window:
    return Affine(prob=1)(window, Draws(**draws))  # type: ignore[arg-type]


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", Affine)
    check_transform(Affine(prob=1), tolerance=0.5)


def test_the_spot_is_found_under_its_point_to_a_fraction_of_a_pixel() -> None:
    affine, rng = Affine(scale=(0.7, 1.5), degrees=40, translate=0.1, prob=1), np.random.default_rng(0)
    points = np.random.default_rng(1)
    compared = 0
    for _ in range(100):
        window = window_with(*points.uniform((10, 10), (WIDTH - 10, HEIGHT - 10), (3, 2)))
        changed = affine(window, rng)
        for frame, xy, code in zip(changed.frames, changed.xy, changed.visibility, strict=True):
            # A spot at the border is cut, and its centre another.
            if (
                code == Visibility.EASY
                and (np.abs(xy - (WIDTH / 2, HEIGHT / 2)) < (WIDTH / 2 - 10, HEIGHT / 2 - 10)).all()
            ):
                np.testing.assert_allclose(centroid(frame), xy, atol=0.1)
                compared += 1
    assert compared > 150


def test_nothing_drawn_changes_nothing() -> None:
    window = window_with((20, 30), (40.25, 10.5))
    changed = moved(window)
    np.testing.assert_array_equal(changed.frames, window.frames)
    np.testing.assert_allclose(changed.xy, window.xy, atol=1e-5)
    np.testing.assert_array_equal(changed.visibility, window.visibility)


def test_a_shift_of_whole_pixels_moves_pixels_and_points_exactly() -> None:
    window = window_with((20, 30))
    window.frames[:, ::2, ::3] += 7
    changed = moved(window, shift=(5 / WIDTH, -4 / HEIGHT))
    np.testing.assert_array_equal(changed.frames[:, :-4, 5:], window.frames[:, 4:, :-5])
    np.testing.assert_allclose(changed.xy, [(25, 26)], atol=1e-5)


def test_a_half_turn_is_a_flip_both_ways() -> None:
    window = window_with((20, 30))
    window.frames[:, ::2, ::3] += 7
    changed = moved(window, degrees=180)
    np.testing.assert_array_equal(changed.frames, window.frames[:, ::-1, ::-1])
    np.testing.assert_allclose(changed.xy, [(95 - 20, 63 - 30)], atol=1e-4)


def test_a_scale_of_two_keeps_the_middle_of_the_frame() -> None:
    # The middle of 96 x 64 is (47.5, 31.5) where pixel centres are whole numbers; (40, 30) lies (-7.5, -1.5) from it.
    changed = moved(window_with((40, 30)), scale=2)
    np.testing.assert_allclose(changed.xy, [(47.5 - 15, 31.5 - 3)], atol=1e-5)
    np.testing.assert_allclose(centroid(changed.frames[0]), changed.xy[0], atol=0.1)


def test_a_point_that_leaves_is_absent_and_an_unlabelled_frame_stays_so() -> None:
    window = Window(
        np.zeros((5, HEIGHT, WIDTH, 3), np.uint8),
        plain_labels(
            np.array([(90, 30), (80, 30), (95, 30), (95, 30), (np.nan, np.nan)], dtype=np.float32),
            np.array([Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED, Visibility.UNLABELLED, Visibility.ABSENT]),
        ),
    )
    changed = moved(window, shift=(10 / WIDTH, 0))
    assert changed.visibility.tolist() == [0, 2, 0, -1, 0]
    assert np.isnan(changed.xy).all(axis=1).tolist() == [True, False, True, True, True]
    assert window.visibility.tolist() == [1, 2, 3, -1, 0]  # the window that came in is untouched
    assert not np.isnan(window.xy[0]).any()


def test_what_comes_in_has_the_mean_colour_of_the_window() -> None:
    frames = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    frames[0], frames[1] = (10, 100, 200), (30, 100, 100)
    window = Window(frames, plain_labels(np.full((2, 2), np.nan, np.float32), np.zeros(2, np.int64)))
    changed = moved(window, shift=(0.5, 0))
    np.testing.assert_array_equal(changed.frames[:, :, :40], np.broadcast_to((20, 100, 150), (2, HEIGHT, 40, 3)))
    np.testing.assert_array_equal(changed.frames[:, :, 48:], frames[:, :, 48:])


def test_a_background_moves_as_the_frames_do() -> None:
    window = window_with((40, 30), (40, 30))
    window = window.replace(frames=np.concatenate((window.frames, window.frames[:1])))
    changed = Affine(prob=1)(window, np.random.default_rng(3))
    assert len(changed) == 2
    np.testing.assert_array_equal(changed.frames[2], changed.frames[0])
    assert (changed.frames[2] != window.frames[2]).any()


def test_small_and_large_scales_are_drawn_alike() -> None:
    affine, rng = Affine(scale=(0.5, 2), degrees=0, translate=0, prob=1), np.random.default_rng(0)
    window = Window(
        np.zeros((1, 8, 8, 3), np.uint8), plain_labels(np.array([(4.5, 3.5)], np.float32), np.ones(1, np.int64))
    )
    scales = np.array([affine(window, rng).xy[0, 0] for _ in range(400)]) - 3.5  # 1 px from the middle, scaled
    assert scales.min() >= 0.5
    assert scales.max() <= 2
    assert 160 < (scales < 1).sum() < 240


@pytest.mark.parametrize(("prob", "low", "high"), [(0.0, 0, 0), (0.25, 30, 70), (1.0, 200, 200)])
def test_prob_is_the_share_of_moved_windows(prob: float, low: int, high: int) -> None:
    affine, rng = Affine(prob=prob), np.random.default_rng(0)
    window = Window(
        np.zeros((1, 8, 8, 3), np.uint8), plain_labels(np.array([(3, 3)], np.float32), np.ones(1, np.int64))
    )
    assert low <= sum(affine(window, rng) is not window for _ in range(200)) <= high


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scale": (1.2, 0.8)}, r"scale=\[1.2, 0.8\].*\[least, greatest\]"),
        ({"scale": (0.0, 1.0)}, r"scale=.*above 0"),
        ({"scale": (1.0,)}, r"scale=\[1.0\]"),
        ({"degrees": -1.0}, r"degrees=-1.0.*to 180"),
        ({"translate": 1.5}, r"translate=1.5.*share"),
        ({"prob": float("nan")}, r"prob=nan.*from 0 \(never\) to 1 \(always\)"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Affine(**parameters)  # type: ignore[arg-type]
