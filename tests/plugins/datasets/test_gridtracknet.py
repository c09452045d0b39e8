"""The reader of GridTrackNet's layout on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource, RandomFrames
from tracknet_core.errors import DataError
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_plugins.datasets.gridtracknet import GridTrackNet

HEADER = "Frame,Visibility,X,Y\n"
ROWS = "0,1,30,20\n1,0,0,0\n2,0,32,22\n"
NAN = np.nan


@pytest.fixture
def write_match(tmp_path: Path) -> Callable[..., Path]:
    """Write a match of 64x36 images, image n of grey level 20 n, and its label file; return its folder."""

    def write_match(name: str, rows: str | None = ROWS, *, images: int = 3, header: str = HEADER) -> Path:
        match = tmp_path / name
        (match / "frames").mkdir(parents=True)
        for number in range(images):
            Image.new("RGB", (64, 36), (20 * number,) * 3).save(match / "frames" / f"{number}.png")
        if rows is not None:
            (match / "Labels.csv").write_text(header + rows)
        return match

    return write_match


def test_the_reader_keeps_its_contract(tmp_path: Path, write_match: Callable[..., Path]) -> None:
    write_match("match1")
    write_match("match2")
    check_constructor("datasets", GridTrackNet)
    dataset = GridTrackNet(root=tmp_path)
    for split in dataset.splits:
        check_dataset(dataset, split)


def test_a_hidden_ball_with_a_place_is_occluded_and_one_without_is_absent(
    tmp_path: Path, write_match: Callable[..., Path]
) -> None:
    write_match("match1", "0,1,30,20\n1,0,0,0\n2,0,32,22\n3,0,,\n4,1,0,0\n5,0,0,9\n", images=7)
    (clip,) = GridTrackNet(root=tmp_path).clips("train")
    assert clip.name == "match1/frames"
    assert isinstance(clip.frames, FrameSource)
    assert (len(clip), clip.frames.size, clip.frames.fps) == (7, (64, 36), 30.0)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 3, 0, 1, 3, -1])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [NAN, NAN], [32, 22], [NAN, NAN], [0, 0], [0, 9], [NAN, NAN]])


def test_frame_numbers_are_those_of_the_images_not_of_their_order_as_text(
    tmp_path: Path, write_match: Callable[..., Path]
) -> None:
    write_match("match1", "10,1,30,20\n2,1,22,12\n", images=11)
    (clip,) = GridTrackNet(root=tmp_path, fps=25).clips("train")
    assert clip.frames.fps == 25
    np.testing.assert_array_equal(clip.xy[[2, 10]], [[22, 12], [30, 20]])
    assert [int(frame[0, 0, 0]) for frame in clip.frames.read([2, 10])] == [40, 200]


@pytest.mark.parametrize(("matches", "val"), [(2, ["2"]), (9, ["9"]), (10, ["9", "10"])])
def test_the_last_fifth_of_the_matches_is_held_out(
    tmp_path: Path, write_match: Callable[..., Path], matches: int, val: list[str]
) -> None:
    for number in range(1, matches + 1):
        write_match(f"match{number}", images=1)
    dataset = GridTrackNet(root=tmp_path)
    assert dataset.splits == ("train", "val")
    assert dataset.clips("val").names == tuple(f"match{number}/frames" for number in val)
    assert dataset.clips("train").names == tuple(f"match{n}/frames" for n in range(1, matches + 1 - len(val)))


def test_a_single_match_is_for_training(tmp_path: Path, write_match: Callable[..., Path]) -> None:
    write_match("match1")
    dataset = GridTrackNet(root=tmp_path)
    assert dataset.splits == ("train",)
    with pytest.raises(DataError, match=r"no split 'val' here, only train\. Name the matches of each split"):
        dataset.clips("val")


def test_the_published_split_draws_frames_and_says_so() -> None:
    assert GridTrackNet.published_splits == {"gridtracknet_random_frames": RandomFrames({"train": 0.8, "val": 0.2})}


def test_a_match_without_labels_or_images_hides_no_other(tmp_path: Path, write_match: Callable[..., Path]) -> None:
    write_match("match1", rows=None)
    write_match("match2", images=0)
    write_match("match3")
    write_match("match4")
    clips = GridTrackNet(root=tmp_path).clips("train")
    with pytest.raises(DataError, match=r"match1/Labels\.csv: there is no such label file"):
        clips[0]
    with pytest.raises(DataError, match="match2/frames: there are no images here"):
        clips[1]
    assert clips[2].name == "match3/frames"


def test_images_that_skip_a_frame_are_an_error(tmp_path: Path, write_match: Callable[..., Path]) -> None:
    match = write_match("match1")
    (match / "frames" / "1.png").unlink()
    with pytest.raises(DataError, match=r"2\.png: expected the image of frame 1 here"):
        GridTrackNet(root=tmp_path).clips("train")[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,1,1,2\n0,1,1,2\n", r"Labels\.csv:3: frame 0 has a label already, in line 2"),
        ("0,2,1,2\n", r"Labels\.csv:2: Visibility is 2; expected one of 0, 1"),
        ("3,1,1,2\n", r"Labels\.csv:2: a label for frame 3, but .*frames has 3 frames"),
        ("0,1,left,2\n", r"Labels\.csv:2: X is 'left'; expected a number"),
    ],
)
def test_a_row_that_contradicts_is_named_with_its_line(
    tmp_path: Path, write_match: Callable[..., Path], rows: str, message: str
) -> None:
    write_match("match1", rows)
    with pytest.raises(DataError, match=message):
        GridTrackNet(root=tmp_path).clips("train")[0]


def test_a_visible_ball_without_a_usable_place_is_unlabelled_with_a_warning(
    tmp_path: Path, write_match: Callable[..., Path]
) -> None:
    write_match("match1", "0,1,nan,20\n1,1,64,20\n2,1,63,35\n")
    with pytest.warns(UserWarning, match=r"outside the 64x36 image: 2 \(line 2, 3\)"):
        (clip,) = GridTrackNet(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1])


def test_a_wrong_root_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder match1, match2, … here\. Set data\.root"):
        GridTrackNet(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        GridTrackNet()


@pytest.mark.parametrize("fps", [0.0, -1.0, NAN])
def test_a_frame_rate_that_is_not_positive_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="'fps' is"):
        GridTrackNet(root=tmp_path, fps=fps)
