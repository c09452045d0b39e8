"""Counts of a data set against clips whose numbers are known."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import Clip, Visibility, plain_labels
from tracknet_core.data.ball_size import ball_areas, blob_at
from tracknet_core.data.stats import CELLS, gather_statistics, write_statistics

MakeClip = Callable[..., Clip]


@pytest.fixture
def moving(clip: MakeClip) -> Clip:
    """A clip of a square of 7x7 pixels that moves 10 px in each frame, from (20, 48) on; visible in all of them."""
    base = clip("match1/a", 6)
    pictures = np.full((6, 96, 128, 3), 60, np.uint8)
    xy = np.array([(20 + 10 * i, 48) for i in range(6)], np.float32)
    for picture, (x, _) in zip(pictures, xy.astype(int), strict=True):
        picture[45:52, x - 3 : x + 4] = 200
    frames = type(base.frames)(pictures)  # type: ignore[call-arg]
    return Clip("match1/a", frames, plain_labels(xy, np.ones(6, np.int64)))


def test_visibility_is_counted_by_code(clip: MakeClip) -> None:
    mixed = clip("match1/a", 6).replace(labels=plain_labels(clip("match1/a", 6).xy, np.array([1, 1, 2, 3, 0, -1])))
    figures = gather_statistics({"train": [mixed, clip("match1/b", 3)]}).splits["train"].as_dict()
    assert (figures["clips"], figures["frames"]) == (2, 9)
    assert figures["visibility"] == {"unlabelled": 1, "absent": 2, "easy": 4, "hard": 1, "occluded": 1}


def test_speed_is_between_visible_neighbours_in_pixels_of_the_video(clip: MakeClip) -> None:
    xy = np.array([(10, 10), (13, 14), (np.nan, np.nan), (50, 50), (50, 56), (90, 90)], np.float32)
    figures = gather_statistics(
        {"val": [clip("a", 6).replace(labels=plain_labels(xy, np.array([1, 2, 0, 1, 1, 3])))]}
    ).splits["val"]
    assert figures.speeds == [5.0, 6.0]
    speed = figures.as_dict()["speed_px_per_frame"]
    assert (speed["median"], speed["p95"], speed["max"], speed["measured"]) == (5.5, 5.95, 6.0, 2)
    assert dict(zip(speed["edges"], speed["counts"], strict=True))[5] == 2


def test_the_area_of_a_moving_square_is_its_pixels(moving: Clip) -> None:
    assert ball_areas(moving, limit=10) == [49] * 4
    assert ball_areas(moving, limit=2) == [49] * 2


def test_a_ball_that_overlaps_itself_or_cannot_be_told_apart_is_not_measured(moving: Clip, clip: MakeClip) -> None:
    still = moving.replace(labels=plain_labels(np.full((6, 2), 48, np.float32), moving.visibility))
    assert ball_areas(still, limit=10) == []
    elsewhere = moving.replace(labels=plain_labels(moving.xy + np.array([0, 30], np.float32), moving.visibility))
    assert ball_areas(elsewhere, limit=10) == []
    assert ball_areas(clip("a", 1), limit=10) == []


def test_what_reaches_far_is_a_player_and_no_ball() -> None:
    empty = np.zeros((200, 200), np.float32)
    picture = empty.copy()
    picture[:, 98:103] = 200
    assert blob_at(picture, (empty, empty), 100, 100) is None


def test_a_ball_at_the_border_of_the_image_is_measured() -> None:
    empty = np.zeros((100, 100), np.float32)
    picture = empty.copy()
    picture[0:3, 0:4] = 200
    blob = blob_at(picture, (empty, empty), 1, 1)
    assert blob is not None
    assert blob.sum() == 12


def test_places_are_shares_of_the_image(clip: MakeClip) -> None:
    corners = np.array([(-0.5, -0.5), (127.5, 95.5), (63.5, 47.5)], np.float32)
    places = gather_statistics(
        {"train": [clip("a", 3).replace(labels=plain_labels(corners, np.array([1, 1, 1])))]}
    ).total.places
    assert places.shape == (CELLS[1], CELLS[0])
    assert {(int(r), int(c)) for r, c in np.argwhere(places)} == {(0, 0), (26, 47), (13, 24)}


def test_a_visible_ball_without_a_place_counts_by_its_code_alone(clip: MakeClip) -> None:
    xy = np.array([(10, 10), (np.nan, np.nan), (30, 30)], np.float32)
    figures = gather_statistics({"train": [clip("a", 3).replace(labels=plain_labels(xy, np.array([1, 1, 1])))]}).total
    assert (figures.visibility[Visibility.EASY], figures.speeds, figures.places.sum()) == (3, [], 2)


def test_splits_add_up_to_the_total(clip: MakeClip, moving: Clip) -> None:
    statistics = gather_statistics({"train": [clip("a", 6)], "val": [moving]})
    assert statistics.total.clips == 2
    assert len(statistics.total.speeds) == 4 + 5
    assert statistics.total.areas == statistics.splits["train"].areas + [49] * 4


def test_numbers_and_picture_are_written_to_a_new_folder(tmp_path: Path, moving: Clip) -> None:
    statistics = gather_statistics({"train": [moving]})
    files = write_statistics(statistics, tmp_path / "new" / "stats")
    assert [file.name for file in files] == ["stats.json", "stats.png"]
    assert json.loads(files[0].read_text()) == statistics.as_dict()
    with Image.open(files[1]) as picture:
        assert picture.size[0] > 1000
    row = next(line for line in statistics.as_text().splitlines() if line.startswith("speed, px/frame: median"))
    assert row.split()[-2:] == ["10.0", "10.0"]


def test_a_data_set_without_a_ball_has_no_quantiles(tmp_path: Path, clip: MakeClip) -> None:
    bare = clip("a", 3).replace(labels=plain_labels(np.full((3, 2), np.nan, np.float32), np.zeros(3, np.int64)))
    statistics = gather_statistics({"train": [bare]})
    write_statistics(statistics, tmp_path / "stats")
    assert statistics.total.as_dict()["speed_px_per_frame"]["median"] is None
