import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.paste_ball import PasteBall

WIDTH, HEIGHT = 96, 64


def empty(frames: int = 5, background: bool = False) -> Window:
    """Black frames without a ball."""
    pictures = np.zeros((frames + background, HEIGHT, WIDTH, 3), np.uint8)
    return Window(pictures, plain_labels(np.full((frames, 2), np.nan, np.float32), np.zeros(frames, np.int64)))


def light(window: Window) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the red of each picture, and its centre (x, y)."""
    red = window.frames[..., 0].astype(np.float64)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    total = red.sum(axis=(1, 2))
    centre = np.stack(((red * columns).sum(axis=(1, 2)), (red * rows).sum(axis=(1, 2))), axis=1)
    return total, centre / np.maximum(total, 1e-9)[:, None]


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", PasteBall)
    check_transform(PasteBall(prob=1), alike=False)


def test_the_ball_is_where_its_label_says_in_every_frame() -> None:
    paste, rng = PasteBall(prob=1), np.random.default_rng(0)
    for _ in range(100):
        pasted = paste(empty(), rng)
        assert pasted.visibility.tolist() == [Visibility.EASY] * 5
        np.testing.assert_allclose(light(pasted)[1], pasted.xy, atol=0.1)


def test_the_whole_ball_is_inside_the_frame_and_has_its_size() -> None:
    # The light of a disc is its area, wherever it is and however it is smeared, unless the border cuts it.
    paste = PasteBall(diameter=(6, 6), brightness=(200, 200), exposure=(0, 1), speed=(0, 60), fall=5, prob=1)
    rng = np.random.default_rng(0)
    for _ in range(100):
        total, _ = light(paste(empty(), rng))
        np.testing.assert_allclose(total, 200 * np.pi * 3**2, rtol=0.04)


def test_the_flight_is_even_with_a_steady_fall() -> None:
    paste, rng = PasteBall(fall=1.5, prob=1), np.random.default_rng(0)
    falls = []
    for _ in range(100):
        x, y = paste(empty(6), rng).xy.astype(np.float64).T
        np.testing.assert_allclose(np.diff(x, 2), 0, atol=1e-4)
        np.testing.assert_allclose(np.diff(y, 3), 0, atol=1e-4)
        falls.append(np.diff(y, 2).mean())
    assert min(falls) >= -1e-4
    assert 0.5 < max(falls) <= 1.5


def test_speeds_are_those_asked_for_where_there_is_room() -> None:
    paste, rng = PasteBall(speed=(2, 3), fall=0, diameter=(3, 3), prob=1), np.random.default_rng(0)
    ways = np.array([paste(empty(3), rng).xy for _ in range(200)])
    speeds = np.linalg.norm(np.diff(ways, axis=1), axis=2)
    assert speeds.max() <= 3 + 1e-4
    assert np.median(speeds) > 2


def test_a_ball_smears_over_the_share_of_its_way_that_the_exposure_sees() -> None:
    settings = {"speed": (30.0, 30.0), "fall": 0.0, "diameter": (4.0, 4.0), "prob": 1.0}
    columns = np.arange(WIDTH)
    for exposure in (0.0, 0.5, 1.0):
        paste, rng = PasteBall(exposure=(exposure, exposure), **settings), np.random.default_rng(4)  # type: ignore[arg-type]
        for _ in range(20):
            pasted = paste(empty(2), rng)
            step = abs(float(pasted.xy[1, 0] - pasted.xy[0, 0])) * exposure
            profile = pasted.frames[0, ..., 0].sum(axis=0, dtype=np.float64)
            spread = np.average((columns - pasted.xy[0, 0]) ** 2, weights=profile)
            # A disc of radius r has a variance of r ** 2 / 4 along an axis, an even line of its length ** 2 / 12.
            assert spread == pytest.approx(1 + step**2 / 12, rel=0.12, abs=0.25)


def test_balls_are_bright_and_white_to_yellow() -> None:
    paste = PasteBall(diameter=(8, 8), brightness=(180, 220), exposure=(0, 0), prob=1)
    rng = np.random.default_rng(0)
    colours = np.array([paste(empty(1), rng).frames.max(axis=(0, 1, 2)) for _ in range(100)]).astype(int)
    assert colours[:, 0].min() >= 180
    assert colours[:, 0].max() <= 220
    np.testing.assert_array_equal(colours[:, 0], colours[:, 1])
    share = colours[:, 2] / colours[:, 0]
    assert 0.49 < share.min() < 0.6
    assert 0.9 < share.max() <= 1


def test_pixels_away_from_the_ball_and_the_background_stay() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8)
    window = empty(3, background=True).replace(frames=frames.copy())
    pasted = PasteBall(diameter=(6, 6), speed=(0, 0), prob=1)(window, np.random.default_rng(0))
    np.testing.assert_array_equal(window.frames, frames)
    np.testing.assert_array_equal(pasted.frames[3], frames[3])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for before, after, (x, y) in zip(frames, pasted.frames, pasted.xy, strict=False):
        far = np.hypot(columns - x, rows - y) > 4 + 1  # half a pixel of rim, and a fall of up to 0.5
        np.testing.assert_array_equal(after[far], before[far])
        assert (after[~far] != before[~far]).any()


@pytest.mark.parametrize("code", [Visibility.UNLABELLED, Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED])
def test_a_window_with_any_other_label_stays(code: Visibility) -> None:
    window = empty()
    window.visibility[2] = code
    assert PasteBall(prob=1)(window, np.random.default_rng(0)) is window


def test_a_frame_without_room_stays() -> None:
    window = Window(
        np.zeros((2, 6, 40, 3), np.uint8), plain_labels(np.full((2, 2), np.nan, np.float32), np.zeros(2, np.int64))
    )
    assert PasteBall(diameter=(6, 6), prob=1)(window, np.random.default_rng(0)) is window


def test_prob_is_the_share_of_empty_windows_that_get_a_ball() -> None:
    paste, rng, window = PasteBall(prob=0.25), np.random.default_rng(0), empty(2)
    assert 30 <= sum(paste(window, rng) is not window for _ in range(200)) <= 70


def test_the_same_draw_gives_the_same_ball() -> None:
    one, other = (PasteBall(prob=1)(empty(), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.frames, other.frames)
    np.testing.assert_array_equal(one.xy, other.xy)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"diameter": (0.5, 3.0)}, r"diameter=\[0.5, 3.0\].*at least 1"),
        ({"diameter": (5.0, 3.0)}, r"diameter=\[5.0, 3.0\].*\[least, greatest\]"),
        ({"speed": (-1.0, 3.0)}, r"speed=.*at least 0"),
        ({"speed": (1.0, float("inf"))}, r"speed="),
        ({"exposure": (0.0, 1.5)}, r"exposure=.*from 0 to 1"),
        ({"brightness": (0.0, 256.0)}, r"brightness=.*from 0 to 255"),
        ({"fall": -1.0}, r"fall=-1.0"),
        ({"prob": 2.0}, r"prob=2.0.*from 0 \(never\) to 1 \(always\)"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PasteBall(**parameters)  # type: ignore[arg-type]
