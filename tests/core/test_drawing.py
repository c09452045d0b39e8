import numpy as np
import pytest

from tracknet_core import drawing
from tracknet_core.contracts import UInt8Array


@pytest.fixture
def grey() -> UInt8Array:
    return np.full((60, 80, 3), 100, dtype=np.uint8)


def painted(picture: UInt8Array, before: UInt8Array) -> UInt8Array:
    """Mask of the pixels that differ."""
    return (picture != before).any(axis=-1)


def centre_of(mask: UInt8Array) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2


@pytest.mark.parametrize("mark", [drawing.ring, drawing.cross])
@pytest.mark.parametrize("place", [(40, 30), (40.5, 29.5), (23, 41)])
def test_a_mark_stands_around_its_place_and_leaves_it_visible(mark, place, grey) -> None:
    mask = painted(mark(grey, place), grey)
    assert centre_of(mask) == place
    assert not mask[round(place[1]), round(place[0])]


def test_a_ring_has_its_colour_at_its_radius_and_a_dark_rim(grey) -> None:
    picture = drawing.ring(grey, (40, 30))  # a frame of 60 rows has marks of 8 pixels
    for x, y in ((48, 30), (32, 30), (40, 38), (40, 22)):
        assert tuple(picture[y, x]) == drawing.TRUTH
    assert (picture[30, 50] < 100).all()
    assert (picture[30, 52] == 100).all()


def test_around_a_streak_a_ring_is_drawn_out(grey) -> None:
    picture = drawing.ring(grey, (40, 30), half=(0, 10))  # from (40, 20) to (40, 40)
    for x, y in ((48, 20), (48, 40), (32, 30), (40, 48), (40, 12)):
        assert tuple(picture[y, x]) == drawing.TRUTH
    assert (picture[18:43, 37:44] == 100).all()


def test_a_cross_has_four_equal_arms(grey) -> None:
    picture = drawing.cross(grey, (40, 30))
    for x, y in ((46, 30), (34, 30), (40, 36), (40, 24)):
        assert tuple(picture[y, x]) == drawing.PREDICTION
    square = picture[10:51, 20:61].astype(int)
    np.testing.assert_array_equal(square, square.transpose(1, 0, 2))
    np.testing.assert_array_equal(square, square[::-1])


@pytest.mark.parametrize("place", [(0, 0), (79, 59), (-3, 30), (40, 1000), (-500, -500)])
def test_a_mark_at_or_beyond_the_border_is_cut_off(place, grey) -> None:
    for mark in (drawing.ring, drawing.cross):
        assert mark(grey, place).shape == grey.shape


def test_nothing_is_drawn_into_the_frame_that_is_given(grey) -> None:
    before = grey.copy()
    heatmap = np.ones((15, 20), dtype=np.float32)
    drawing.overlay(grey, heatmap=heatmap, truth=(40, 30), prediction=(20, 20))
    drawing.legend(grey, [(drawing.ring, "truth")])
    drawing.dim(grey)
    np.testing.assert_array_equal(grey, before)


def test_an_overlay_of_nothing_is_the_frame(grey) -> None:
    picture = drawing.overlay(grey)
    np.testing.assert_array_equal(picture, grey)
    assert picture is not grey


def test_zoom_moves_marks_by_the_half_pixel_rule(grey) -> None:
    picture = drawing.overlay(grey, truth=(20, 15), zoom=3)
    assert picture.shape == (180, 240, 3)
    assert centre_of(painted(picture, np.full_like(picture, 100))) == (61, 46)  # 20.5 * 3 - 0.5, 15.5 * 3 - 0.5


def test_a_heatmap_covers_more_the_higher_it_is(grey) -> None:
    heatmap = np.zeros((15, 20), dtype=np.float32)
    heatmap[5, 5], heatmap[5, 15] = 1, 0.5
    picture = drawing.glow(grey, heatmap, strength=1).astype(int)
    np.testing.assert_array_equal(picture[40:], 100)
    change = np.abs(picture - 100).sum(axis=-1)
    assert change[20:24, :40].max() > change[20:24, 40:].max() > 0
    row, column = np.unravel_index(change[:, :40].argmax(), (60, 40))
    assert (column // 4, row // 4) == (5, 5)  # cells are 4 x 4 pixels


def test_a_full_heatmap_has_the_brightest_colour(grey) -> None:
    picture = drawing.glow(grey, np.full((15, 20), 2.0, dtype=np.float32), strength=1)
    np.testing.assert_array_equal(picture, np.broadcast_to(np.array((255, 250, 170), np.uint8), picture.shape))


def test_heat_colours_get_lighter_with_the_value() -> None:
    assert drawing.HEAT.shape == (256, 3)
    lightness = drawing.HEAT.astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(lightness) > -1).all()
    assert lightness[-1] - lightness[0] > 150


def test_dim_keeps_half_of_the_grey_value() -> None:
    frame = np.array([[(200, 100, 50)]], dtype=np.uint8)
    np.testing.assert_array_equal(drawing.dim(frame), [[(62, 62, 62)]])  # half of 124


def test_frames_stand_side_by_side_with_a_gap() -> None:
    frames = [np.full((4, 5, 3), value, dtype=np.uint8) for value in (10, 200)]
    row = drawing.side_by_side(frames, gap=2)
    assert row.shape == (4, 12, 3)
    np.testing.assert_array_equal(row[:, :5], 10)
    np.testing.assert_array_equal(row[:, 7:], 200)
    assert tuple(row[0, 5]) == tuple(row[0, 6]) == drawing.PAPER


def test_a_legend_is_a_bar_below_the_frame(grey) -> None:
    picture = drawing.legend(grey, [(drawing.ring, "a"), (None, "b")])
    np.testing.assert_array_equal(picture[:60], grey)
    bar = picture[60:]
    assert bar.shape == (24, 80, 3)
    assert (bar == drawing.TRUTH).all(axis=-1).any()
    assert bar[:, 30:].max() > 200  # the texts


def test_frames_that_are_views_are_drawn_on_too(grey) -> None:
    grey[:, :40] = 50
    flipped = grey[:, ::-1]
    heatmap = np.zeros((15, 20), dtype=np.float32)
    picture = drawing.overlay(flipped, heatmap=heatmap, zoom=2)
    assert picture[10, 10, 0] == 100
    assert picture[10, 150, 0] == 50


def test_a_ring_has_the_radius_and_the_colour_that_are_asked_for() -> None:
    frame = np.zeros((101, 101, 3), np.uint8)
    drawn = drawing.ring(frame, (50, 50), radius=30, colour=drawing.HIDDEN, half_width=1.5)
    rows, columns = np.nonzero((drawn == drawing.HIDDEN).all(axis=2))
    away = np.hypot(rows - 50, columns - 50)
    assert (away.min(), away.max()) == pytest.approx((30, 30), abs=2)
    assert not drawn[40:61, 40:61].any()


def test_a_trail_grows_towards_the_newest_place_and_leaves_gaps_out() -> None:
    frame = np.zeros((60, 200, 3), np.uint8)
    drawn = drawing.trail(frame, [(30, 30), None, (150, 30)]).astype(int).sum(axis=2)
    assert drawn[:, :60].sum() < drawn[:, 120:180].sum()
    assert not drawn[:, 60:120].any()
    assert not frame.any()


def test_frames_of_one_height_stand_side_by_side() -> None:
    row = drawing.side_by_side([np.full((4, 5, 3), 200, np.uint8), np.full((4, 2, 3), 100, np.uint8)], gap=3)
    assert row.shape == (4, 10, 3)
    assert (row[:, :5] == 200).all()
    assert (row[:, 5:8] == drawing.PAPER).all()
    assert (row[:, 8:] == 100).all()


def test_captions_of_any_text_are_equally_high() -> None:
    frame = np.zeros((96, 128, 3), np.uint8)
    shapes = {drawing.caption(frame, text).shape for text in ("a", "a much longer text that leaves the frame", "gjpq")}
    assert len(shapes) == 1
