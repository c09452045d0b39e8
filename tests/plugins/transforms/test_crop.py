import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_plugins.transforms.crop import Crop

WIDTH, HEIGHT = 40, 24


def window_with(*points: tuple[float, float], visibility: Visibility = Visibility.EASY) -> Window:
    """Frames whose red and green say the column and the row of each pixel."""
    frames = np.zeros((len(points), HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames[..., 0] = np.arange(WIDTH)
    frames[..., 1] = np.arange(HEIGHT)[:, None]
    return Window(frames, plain_labels(np.array(points, dtype=np.float32), np.full(len(points), visibility)))


def position(cropped: Window) -> tuple[int, int]:
    """Where a crop was cut, read from the colours of its first pixel."""
    return int(cropped.frames[0, 0, 0, 0]), int(cropped.frames[0, 0, 0, 1])


def test_all_frames_and_points_move_by_the_position_of_the_crop() -> None:
    crop, rng = Crop(size=(16, 8)), np.random.default_rng(0)
    window = window_with((20, 12), (21.5, 12.25))
    for _ in range(50):
        cropped = crop(window, rng)
        left, top = position(cropped)
        assert cropped.frames.shape == (2, 8, 16, 3)
        np.testing.assert_array_equal(cropped.frames, window.frames[:, top : top + 8, left : left + 16])
        seen = ~np.isnan(cropped.xy[:, 0])
        np.testing.assert_array_equal(cropped.xy[seen], (window.xy - (left, top))[seen])
        np.testing.assert_array_equal(seen, cropped.visibility == Visibility.EASY)


def test_the_pixel_under_the_point_stays_the_same() -> None:
    crop, rng = Crop(size=(16, 8), ball=1), np.random.default_rng(0)
    for x, y in np.random.default_rng(1).integers(0, (WIDTH, HEIGHT), (100, 2)):
        window = window_with((x, y))
        cropped = crop(window, rng)
        column, row = cropped.xy[0].astype(int)
        np.testing.assert_array_equal(cropped.frames[0, row, column], window.frames[0, y, x])


@pytest.mark.parametrize("point", [(-0.4, -0.4), (39.4, 23.4), (0, 23), (15.5, 7.5), (15.49, 7.49)])
def test_a_crop_on_the_ball_holds_it_also_at_the_edges(point: tuple[float, float]) -> None:
    crop, rng = Crop(size=(16, 8), ball=1), np.random.default_rng(0)
    for _ in range(100):
        cropped = crop(window_with(point), rng)
        assert cropped.visibility[0] == Visibility.EASY
        assert (cropped.xy[0] >= -0.5).all()
        assert (cropped.xy[0] < (15.5, 7.5)).all()


def test_a_share_of_the_other_crops_holds_what_moves() -> None:
    window = window_with((np.nan, np.nan), (np.nan, np.nan), visibility=Visibility.ABSENT)
    window.frames[1, 16:20, 32:36] = 255
    rng = np.random.default_rng(0)

    def share_with_the_change(crop: Crop) -> float:
        crops = [crop(window, rng).frames for _ in range(300)]
        return float(np.mean([(frames[1] == 255).any() for frames in crops]))

    blind = share_with_the_change(Crop(size=(8, 8)))
    assert blind < 0.3
    assert share_with_the_change(Crop(size=(8, 8), motion=1.0)) == 1
    assert share_with_the_change(Crop(size=(8, 8), motion=0.5)) == pytest.approx((1 + blind) / 2, abs=0.1)


def test_where_nothing_moves_a_crop_is_anywhere() -> None:
    window, rng = window_with((np.nan, np.nan), visibility=Visibility.ABSENT), np.random.default_rng(0)
    for still in (window, window.at([0, 0])):
        assert len({position(Crop(size=(16, 8), motion=1.0)(still, rng)) for _ in range(50)}) > 20


def test_every_place_in_the_crop_is_equally_likely_for_the_ball() -> None:
    # The ball is far from the borders: 16 positions along x, 8 along y.
    crop, rng, window = Crop(size=(16, 8), ball=1), np.random.default_rng(0), window_with((20, 12))
    places = np.array([crop(window, rng).xy[0] for _ in range(2000)])
    for axis, cells in ((0, 16), (1, 8)):
        counts = np.bincount(places[:, axis].astype(int), minlength=cells)
        assert len(counts) == cells
        expected = 2000 / cells
        chi_square = ((counts - expected) ** 2 / expected).sum()
        assert chi_square < 37.7  # 0.1 % point of chi-square with 15 degrees of freedom


def test_ball_is_the_share_of_crops_placed_on_it() -> None:
    # A crop of 4 x 4 placed anywhere holds the centre with 16 / (37 * 21) = 0.02.
    window, rng = window_with((20, 12)), np.random.default_rng(0)
    for share, low, high in ((0.0, 5, 50), (0.5, 460, 560), (1.0, 1000, 1000)):
        crop = Crop(size=(4, 4), ball=share)
        held = sum(crop(window, rng).visibility[0] == Visibility.EASY for _ in range(1000))
        assert low <= held <= high


def test_any_frame_of_the_window_can_give_the_ball() -> None:
    crop, rng = Crop(size=(4, 4), ball=1), np.random.default_rng(0)
    held = sum((crop(window_with((3, 3), (35, 20)), rng).visibility == Visibility.EASY) for _ in range(400))
    assert (held > 150).all()
    assert held.sum() == 400


@pytest.mark.parametrize("code", [Visibility.OCCLUDED, Visibility.ABSENT, Visibility.UNLABELLED])
def test_a_window_without_a_visible_ball_is_cropped_anywhere(code: Visibility) -> None:
    crop, rng, window = Crop(size=(4, 4), ball=1), np.random.default_rng(0), window_with((20, 12), visibility=code)
    places = {position(crop(window, rng)) for _ in range(3000)}
    assert len(places) > 700  # of 37 * 21 = 777
    assert {x for x, _ in places} == set(range(37))
    assert {y for _, y in places} == set(range(21))


def test_a_point_that_leaves_is_absent_and_an_unlabelled_frame_stays_so() -> None:
    window = Window(
        window_with((0, 0), (39, 23), (0, 0), (np.nan, np.nan)).frames,
        plain_labels(
            np.array([(3, 3), (39, 23), (39, 23), (np.nan, np.nan)], dtype=np.float32),
            np.array([Visibility.EASY, Visibility.OCCLUDED, Visibility.UNLABELLED, Visibility.ABSENT]),
        ),
    )
    cropped = Crop(size=(8, 8), ball=1)(window, np.random.default_rng(0))
    assert cropped.visibility.tolist() == [1, 0, -1, 0]
    assert np.isnan(cropped.xy).all(axis=1).tolist() == [False, True, True, True]
    assert window.visibility.tolist() == [1, 3, -1, 0]  # the window that came in is untouched


def test_positions_are_multiples_of_align_where_the_ball_allows_it() -> None:
    crop, rng = Crop(size=(16, 8), align=4), np.random.default_rng(0)
    for point in ((20.0, 12.0), (0.0, 0.0), (39.0, 23.0)):
        places = {position(crop(window_with(point), rng)) for _ in range(300)}
        assert all(x % 4 == 0 and y % 4 == 0 for x, y in places)
        assert len(places) > 1


def test_the_ball_matters_more_than_the_grid() -> None:
    # Crops of 33 in 40 columns on a grid of 16 can only start at 0, which leaves out column 39.
    crop, rng = Crop(size=(33, 24), align=16, ball=1), np.random.default_rng(0)
    places = {position(crop(window_with((39, 5)), rng))[0] for _ in range(100)}
    assert places == {7}


def test_a_crop_as_large_as_the_frame_is_the_frame() -> None:
    window = window_with((20, 12))
    cropped = Crop(size=(WIDTH, HEIGHT))(window, np.random.default_rng(0))
    np.testing.assert_array_equal(cropped.frames, window.frames)
    np.testing.assert_array_equal(cropped.xy, window.xy)


def test_a_crop_larger_than_the_frame_names_both_sizes() -> None:
    crop = Crop(size=(16, 25))
    with pytest.raises(ValueError, match=r"size=\[16, 25\] is larger than the frames, which have \[40, 24\]"):
        crop(window_with((20, 12)), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"\[40, 24\]"):
        crop.output_size((40, 24))
    assert crop.output_size((512, 288)) == (16, 25)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": (0, 8)}, r"size=\[0, 8\].*\[width, height\]"),
        ({"size": (8,)}, r"size=\[8\].*\[width, height\]"),
        ({"size": (8, 8), "ball": 1.2}, r"ball=1.2 is not a share"),
        ({"size": (8, 8), "align": 0}, r"align=0"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Crop(**parameters)  # type: ignore[arg-type]
