"""The tennis reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource, RandomFrames, Visibility
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_plugins.datasets.tennis import Tennis

HEADER = "file name,visibility,x-coordinate,y-coordinate,status\n"
NAN = np.nan


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a clip of 64x36 images, image n of grey level 10 n, and its label file."""

    def write_clip(name: str, rows: str = "0000.jpg,1,30,20,0\n", *, images: int = 1, header: str = HEADER) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for number in range(images):
            Image.new("RGB", (64, 36), (10 * number,) * 3).save(folder / f"{number:04d}.jpg")
        (folder / "Label.csv").write_text(header + rows)
        return folder

    return write_clip


def test_tennis_is_registered_by_name() -> None:
    assert datasets.get("tennis") is Tennis
    check_constructor("datasets", Tennis)


def test_the_reader_keeps_its_contract_on_a_copy_whose_hard_rows_hold_nan(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("game1/Clip1", "0000.jpg,1,30,20,0\n0001.jpg,2,NaN,NaN,0\n0002.jpg,0,,,\n", images=3)
    with pytest.warns(UserWarning, match=r"outside the 64x36 image: 1 \(line 3\)"):
        check_dataset(Tennis(root=tmp_path), "train")


@pytest.mark.parametrize(("name", "test_games"), [("wasb", {8, 9, 10}), ("tracknetv4", {1, 4, 9}), ("totnet", {9, 10})])
def test_published_splits_train_on_all_games_that_they_do_not_test_on(name: str, test_games: set[int]) -> None:
    patterns = Tennis.published_splits[name]
    assert isinstance(patterns, dict)
    assert set(patterns) == {"train", "test"}
    for split, games in (("train", set(range(1, 11)) - test_games), ("test", test_games)):
        matched = {g for g in range(1, 13) if any(fnmatchcase(f"game{g}/Clip1", p) for p in patterns[split])}
        assert matched == games


def test_splits_that_draw_frames_say_so_in_their_names() -> None:
    drawn = {name: split for name, split in Tennis.published_splits.items() if isinstance(split, RandomFrames)}
    assert set(drawn) == {"tracknetv5_random_frames", "yastrebksv_random_frames"}
    assert all(split.shares == {"train": 0.7, "val": 0.3} for split in drawn.values())


def test_labels_follow_the_codes_of_the_files(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    rows = "0000.jpg,0,,,\n0001.jpg,1,30,20,0\n0002.jpg,2,31.5,21,1\n0003.jpg,3,32,22,\n"
    write_clip("game1/Clip1", rows, images=4)
    (clip,) = Tennis(root=tmp_path).clips("train")
    assert clip.name == "game1/Clip1"
    assert isinstance(clip.frames, FrameSource)
    assert (len(clip), len(clip.frames), clip.frames.size, clip.frames.fps) == (4, 4, (64, 36), 30.0)
    np.testing.assert_array_equal(
        clip.visibility, [Visibility.ABSENT, Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED]
    )
    np.testing.assert_array_equal(clip.xy, [[NAN, NAN], [30, 20], [31.5, 21], [32, 22]])


def test_rows_find_their_image_by_name_and_images_without_a_row_are_unlabelled(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("game1/Clip1", "0003.jpg,1,33,3,0\n0001.jpg,1,31,1,0\n", images=4)
    (clip,) = Tennis(root=tmp_path, fps=25).clips("train")
    assert clip.frames.fps == 25
    np.testing.assert_array_equal(clip.visibility, [-1, 1, -1, 1])
    np.testing.assert_array_equal(clip.xy[[1, 3]], [[31, 1], [33, 3]])
    assert [round(float(frame.mean())) for frame in clip.frames.read([1, 3])] == [10, 30]


def test_splits_go_by_game_and_clips_in_natural_order(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    for game in (*range(1, 11), 12):
        write_clip(f"game{game}/Clip1")
    write_clip("game2/Clip10")
    write_clip("game2/Clip2")
    dataset = Tennis(root=tmp_path)
    assert dataset.splits == ("train", "val", "test")
    names = {split: [clip.name for clip in dataset.clips(split)] for split in dataset.splits}
    assert names["train"][:4] == ["game1/Clip1", "game2/Clip1", "game2/Clip2", "game2/Clip10"]
    assert names["train"][4:] == [f"game{game}/Clip1" for game in (3, 4, 5, 6, 12)]
    assert names["val"] == ["game7/Clip1"]
    assert names["test"] == ["game8/Clip1", "game9/Clip1", "game10/Clip1"]


def test_a_split_without_games_is_left_out_and_refused(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("game3/Clip1")
    write_clip("game7/Clip1")
    dataset = Tennis(root=tmp_path)
    assert dataset.splits == ("train", "val")
    with pytest.raises(DataError, match="no game of the split 'test' here, only of train, val"):
        dataset.clips("test")


def test_nan_coordinates_of_a_visible_ball_are_unlabelled_with_a_warning(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("game1/Clip1", "0000.jpg,2,nan,nan,\n0001.jpg,1,,20,\n0002.jpg,1,30,20,\n", images=3)
    with pytest.warns(UserWarning, match=r"Label\.csv: .* blank, NaN or outside the 64x36 image: 2 \(line 2, 3\)"):
        (clip,) = Tennis(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1])
    np.testing.assert_array_equal(clip.xy, [[NAN, NAN], [NAN, NAN], [30, 20]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0007.jpg,1,1,2,0\n", r"Label\.csv:2: there is no image '0007\.jpg' in .*Clip1"),
        ("0000.jpg,1,1,2,0\n0000.jpg,1,1,2,0\n", r"Label\.csv:3: frame 0 has a label already, in line 2"),
        ("0000.jpg,4,1,2,0\n", r"Label\.csv:2: visibility is 4; expected one of 0, 1, 2, 3"),
        ("0000.jpg,1,left,2,0\n", r"Label\.csv:2: x-coordinate is 'left'; expected a number"),
    ],
)
def test_a_row_that_contradicts_is_named_with_its_line(
    tmp_path: Path, write_clip: Callable[..., Path], rows: str, message: str
) -> None:
    write_clip("game1/Clip1", rows)
    with pytest.raises(DataError, match=message):
        list(Tennis(root=tmp_path).clips("train"))


@pytest.mark.parametrize(
    "header",
    [
        "File Name,Visibility Class,X,Y,Trajectory Pattern\n",
        "file name, visibility class, x, y, status\n",
        "File Name,Visibility,X-coordinate,Y-coordinate,Status\n",
    ],
)
def test_columns_may_be_called_as_in_the_description_of_the_set(
    tmp_path: Path, write_clip: Callable[..., Path], header: str
) -> None:
    write_clip("game1/Clip1", "0000.jpg,2,30,20,0\n0001.jpg,0,,,\n", images=2, header=header)
    (clip,) = Tennis(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [Visibility.HARD, Visibility.ABSENT])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [NAN, NAN]])


def test_a_missing_column_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("game1/Clip1", header="file name,visibility,x,y\n")
    with pytest.raises(DataError, match=r"Label\.csv: the header lacks 'x-coordinate', 'y-coordinate'"):
        list(Tennis(root=tmp_path).clips("train"))


def test_a_clip_without_labels_or_images_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    folder = write_clip("game1/Clip1")
    (folder / "Label.csv").unlink()
    with pytest.raises(DataError, match=r"Clip1/Label\.csv: there is no such label file"):
        list(Tennis(root=tmp_path).clips("train"))
    (folder / "0000.jpg").unlink()
    with pytest.raises(DataError, match="Clip1: there are no images here"):
        list(Tennis(root=tmp_path).clips("train"))


def test_an_unreadable_image_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    folder = write_clip("game1/Clip1", images=2)
    (folder / "0001.jpg").write_bytes(b"not an image")
    (clip,) = Tennis(root=tmp_path).clips("train")
    with pytest.raises(DataError, match=r"0001\.jpg: this image cannot be read"):
        list(clip.frames.read([1]))


def test_a_game_without_clips_is_named(tmp_path: Path) -> None:
    (tmp_path / "game1").mkdir()
    with pytest.raises(DataError, match="game1: there is no folder Clip1"):
        list(Tennis(root=tmp_path).clips("train"))


def test_a_wrong_root_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder game1, game2, … here\. Set data\.root"):
        Tennis(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Tennis()


@pytest.mark.parametrize("fps", [0.0, -1.0, NAN])
def test_a_frame_rate_that_is_not_positive_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="'fps' is"):
        Tennis(root=tmp_path, fps=fps)
