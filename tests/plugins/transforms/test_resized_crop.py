import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.resized_crop import ResizedCrop

WIDTH, HEIGHT = 120, 80


def window_with(*points: tuple[float, float], visibility: Visibility = Visibility.EASY) -> Window:
    """Grey frames, each with a soft bright spot about its point."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    spots = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2)) for x, y in points]
    frames = np.rint(60 + 180 * np.repeat(np.array(spots)[..., None], 3, axis=-1)).astype(np.uint8)
    return Window(frames, plain_labels(np.array(points, dtype=np.float32), np.full(len(points), visibility)))


def centroid(frame: np.ndarray) -> np.ndarray:
    light = np.clip(frame.astype(np.float64).sum(axis=2) - 3 * 75, 0, None)  # above the grey and what is blended
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return np.array(((light * columns).sum(), (light * rows).sum())) / light.sum()


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", ResizedCrop)
    check_transform(ResizedCrop(size=(32, 24)), tolerance=0.5)


def test_the_spot_is_found_under_its_point_to_a_fraction_of_a_pixel() -> None:
    crop, rng = ResizedCrop(size=(48, 40), ball=1, degrees=40), np.random.default_rng(0)
    places = np.random.default_rng(1)
    compared = 0
    for _ in range(100):
        window = window_with(*places.uniform((10, 10), (WIDTH - 10, HEIGHT - 10), (3, 2)))
        cropped = crop(window, rng)
        assert cropped.frames.shape == (3, 40, 48, 3)
        for frame, xy, code in zip(cropped.frames, cropped.xy, cropped.visibility, strict=True):
            if code == Visibility.EASY and (np.abs(xy - (24, 20)) < (14, 10)).all():  # a spot at the border is cut
                np.testing.assert_allclose(centroid(frame), xy, atol=0.1)
                compared += 1
    assert compared > 30


def test_a_crop_of_the_same_size_and_angle_is_blended_of_four_pixels_at_most() -> None:
    crop, window = ResizedCrop(size=(WIDTH, HEIGHT), scale=(1, 1), degrees=0), window_with((20, 30), (40.25, 10.5))
    cropped = crop(window, np.random.default_rng(0))  # as large as the frame: there is one place alone
    np.testing.assert_array_equal(cropped.frames, window.frames)
    np.testing.assert_allclose(cropped.xy, window.xy, atol=1e-4)


def test_things_become_as_much_larger_as_was_drawn() -> None:
    crop, rng = ResizedCrop(size=(236, 156), scale=(2, 2), degrees=0), np.random.default_rng(0)
    cropped = crop(window_with((60, 40), (63, 44)), rng)
    np.testing.assert_allclose(cropped.xy[1] - cropped.xy[0], (6, 8), atol=1e-4)


@pytest.mark.parametrize("point", [(-0.4, -0.4), (119.4, 79.4), (0, 79), (60, 40)])
def test_a_crop_on_the_ball_holds_it_also_at_the_edges(point: tuple[float, float]) -> None:
    crop, rng = ResizedCrop(size=(32, 16), ball=1, degrees=30), np.random.default_rng(0)
    for _ in range(100):
        assert crop(window_with(point), rng).visibility[0] == Visibility.EASY


def test_ball_is_the_share_of_crops_placed_on_it() -> None:
    window, rng = window_with((60, 40)), np.random.default_rng(0)
    for share, low, high in ((0.0, 0, 20), (0.5, 75, 130), (1.0, 200, 200)):
        crop = ResizedCrop(size=(8, 8), ball=share)
        assert low <= sum(crop(window, rng).visibility[0] == Visibility.EASY for _ in range(200)) <= high


def test_what_lies_outside_takes_the_mean_colour() -> None:
    window = window_with((60, 40))
    window.frames[:] = (10, 100, 200)
    crop = ResizedCrop(size=(WIDTH, HEIGHT), ball=0, scale=(0.5, 0.5), degrees=0)
    np.testing.assert_array_equal(crop(window, np.random.default_rng(0)).frames, window.frames)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 8)}, "size"),
        ({"size": (8, 8), "ball": 1.5}, "ball"),
        ({"size": (8, 8), "scale": (0.0, 1.0)}, "scale"),
        ({"size": (8, 8), "degrees": 200.0}, "degrees"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResizedCrop(**settings)  # type: ignore[arg-type]
