import math

import numpy as np
import pytest

from tracknet_core.contracts import UInt8Array, Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.blur import Blur

GAUSSIAN = {"motion_share": 0.0, "prob": 1.0}
MOTION = {"motion_share": 1.0, "prob": 1.0}


class Draws:
    """Stands in for a generator: gives chosen strengths instead of random ones."""

    def __init__(self, *strengths: float) -> None:
        self.strengths = list(strengths)

    def random(self) -> float:
        return 0.5

    def uniform(self, low: float, high: float) -> float:
        return self.strengths.pop(0)


def window_of(frames: UInt8Array) -> Window:
    return Window(frames, plain_labels(np.full((len(frames), 2), 3, np.float32), np.ones(len(frames), np.int64)))


@pytest.fixture
def spot() -> Window:
    """A square of 3 x 3 about (20, 15) that is bright, on black."""
    frames = np.zeros((1, 31, 41, 3), np.uint8)
    frames[0, 14:17, 19:22] = 240
    return window_of(frames)


def moments(frame: UInt8Array) -> tuple[np.ndarray, np.ndarray]:
    """The centre of the light, and its covariance matrix, in pixels."""
    light = frame.astype(np.float64).sum(axis=2)
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    points = np.stack((columns.ravel(), rows.ravel()))
    return np.average(points, axis=1, weights=light.ravel()), np.cov(points, aweights=light.ravel(), ddof=0)


@pytest.mark.parametrize("settings", [GAUSSIAN, MOTION, {"prob": 1.0}])
def test_it_keeps_the_contract_of_its_kind(settings: dict[str, float]) -> None:
    check_constructor("transforms", Blur)
    check_transform(Blur(**settings), tolerance=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("sigma", [0.6, 1.0, 2.0])
def test_a_gaussian_adds_its_variance_and_keeps_the_centre(spot: Window, sigma: float) -> None:
    centre, spread = moments(Blur(**GAUSSIAN)(spot, Draws(sigma)).frames[0])  # type: ignore[arg-type]
    np.testing.assert_allclose(centre, (20, 15), atol=0.01)
    # A square of 3 pixels has a variance of 2/3. Bytes round the faint rim away, or up.
    np.testing.assert_allclose(spread, np.eye(2) * (2 / 3 + sigma**2), rtol=0.1, atol=0.05)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 150])
def test_motion_blur_is_a_line_of_its_length_and_direction(spot: Window, degrees: float) -> None:
    length, angle = 12.0, math.radians(degrees)
    centre, spread = moments(Blur(**MOTION)(spot, Draws(length, angle)).frames[0])  # type: ignore[arg-type]
    np.testing.assert_allclose(centre, (20, 15), atol=0.01)
    # An even line has a variance of length ** 2 / 12 along itself; sharing out among pixels adds up to a quarter.
    along = np.array((math.cos(angle), math.sin(angle)))
    across = np.array((-math.sin(angle), math.cos(angle)))
    assert along @ spread @ along == pytest.approx(2 / 3 + 12, abs=0.6)
    assert across @ spread @ across == pytest.approx(2 / 3, abs=0.3)


@pytest.mark.parametrize("length", [0.5, 3.3, 20.0, 200.0])
def test_a_flat_picture_stays_flat_under_any_motion(length: float) -> None:
    frames = np.full((2, 12, 16, 3), (255, 128, 3), np.uint8)
    blurred = Blur(**MOTION)(window_of(frames), Draws(length, 1.0)).frames  # type: ignore[arg-type]
    np.testing.assert_array_equal(blurred, frames)


@pytest.mark.parametrize("settings", [GAUSSIAN, MOTION])
def test_a_strength_of_zero_changes_nothing(settings: dict[str, float]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    blurred = Blur(**settings)(window_of(frames), Draws(0.0, 1.0)).frames  # type: ignore[arg-type]
    np.testing.assert_array_equal(blurred, frames)


def test_places_stay_and_the_input_is_not_written_to(spot: Window) -> None:
    before = spot.frames.copy()
    blurred = Blur(prob=1)(spot, np.random.default_rng(0))
    np.testing.assert_array_equal(spot.frames, before)
    np.testing.assert_array_equal(blurred.xy, spot.xy)
    np.testing.assert_array_equal(blurred.visibility, spot.visibility)
    assert (blurred.frames != before).any()


def test_prob_is_the_share_of_blurred_windows(spot: Window) -> None:
    blur, rng = Blur(prob=0.25), np.random.default_rng(0)
    assert 30 <= sum(blur(spot, rng) is not spot for _ in range(200)) <= 70


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gaussian": (2.0, 1.0)}, r"gaussian=\[2.0, 1.0\].*\[least, greatest\] in pixels"),
        ({"motion": (-1.0, 1.0)}, r"motion=\[-1.0, 1.0\].*at least 0"),
        ({"motion": (1.0, float("inf"))}, r"motion="),
        ({"motion_share": 2.0}, r"motion_share=2.0 is not a share"),
        ({"prob": -0.1}, r"prob=-0.1.*from 0 \(never\) to 1 \(always\)"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Blur(**parameters)  # type: ignore[arg-type]
