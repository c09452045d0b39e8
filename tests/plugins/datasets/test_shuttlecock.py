"""The shuttlecock reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets
from tracknet_core.video import write_video
from tracknet_plugins.datasets.shuttlecock import Shuttlecock

HEADER = "Frame,Visibility,X,Y\n"
ROWS = "0,1,30,20\n1,0,0,0\n2,1,32,22\n"
NAN = np.nan


@pytest.fixture
def write_rally(tmp_path: Path) -> Callable[..., Path]:
    """Write a rally of 64x36 pictures, picture n of grey level 20 n, and its label file; return the match."""

    def write_rally(
        name: str, rows: str | None = ROWS, *, video: int = 3, images: int = 0, header: str = HEADER
    ) -> Path:
        match, rally = (tmp_path / name).parent, Path(name).name
        for folder in ("csv", "video"):
            (match / folder).mkdir(parents=True, exist_ok=True)
        if rows is not None:
            (match / "csv" / f"{rally}_ball.csv").write_text(header + rows)
        pictures = [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(max(video, images))]
        if video:
            write_video(match / "video" / f"{rally}.mp4", pictures[:video], fps=25)
        for number, picture in enumerate(pictures[:images]):
            (match / "frame" / rally).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(match / "frame" / rally / f"{number}.png")
        return match

    return write_rally


def test_shuttlecock_is_registered_by_name() -> None:
    assert datasets.get("shuttlecock") is Shuttlecock


def test_a_rally_has_its_labels_and_its_video(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00")
    (clip,) = Shuttlecock(root=tmp_path).clips("train")
    assert clip.name == "train/match1/1_01_00"
    assert isinstance(clip.frames, FrameSource)
    assert (len(clip), len(clip.frames), clip.frames.size, clip.frames.fps) == (3, 3, (64, 36), 25.0)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [NAN, NAN], [32, 22]])
    assert [round(float(frame.mean()) / 20) for frame in clip.frames.read([0, 2])] == [0, 2]


def test_a_shuttle_in_the_corner_is_not_taken_for_an_absent_one(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    write_rally("train/match1/1_01_00", "0,1,0,0\n1,0,0,0\n")
    (clip,) = Shuttlecock(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, 0, -1])
    np.testing.assert_array_equal(clip.xy[0], [0, 0])


def test_unsorted_rows_and_gaps_are_put_in_order(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00", "4.0,1,34,24\n0,1,30,20\n", video=6)
    (clip,) = Shuttlecock(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, -1, -1, -1, 1, -1])
    np.testing.assert_array_equal(clip.xy[[0, 4]], [[30, 20], [34, 24]])


def test_splits_are_the_folders_and_clips_come_in_natural_order(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    for name in ("train/match10/1_01_00", "train/match2/1_10_00", "train/match2/1_9_00", "val/match2/1_01_00"):
        write_rally(name)
    dataset = Shuttlecock(root=tmp_path)
    assert dataset.splits == ("train", "val")
    names = [clip.name for split in dataset.splits for clip in dataset.clips(split)]
    assert names == ["train/match2/1_9_00", "train/match2/1_10_00", "train/match10/1_01_00", "val/match2/1_01_00"]


def test_frames_come_from_images_on_request_only(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00", "10,1,30,20\n", video=11, images=12)
    (from_video,) = Shuttlecock(root=tmp_path).clips("train")
    (from_images,) = Shuttlecock(root=tmp_path, frames="images", fps=50).clips("train")
    assert (len(from_video), from_video.frames.fps) == (11, 25.0)
    assert (len(from_images), from_images.frames.fps) == (12, 50)
    (frame,) = from_images.frames.read([10])
    np.testing.assert_array_equal(frame, np.full((36, 64, 3), 200))
    np.testing.assert_array_equal(from_images.xy[10], [30, 20])


def test_coordinates_that_say_nothing_are_unlabelled_with_one_warning(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    write_rally("train/match1/1_01_00", "0,1,,\n1,1,nan,20\n2,1,64,20\n3,1,30,20\n4,0,,\n", video=5)
    with pytest.warns(
        UserWarning, match=r"1_01_00_ball\.csv: .* outside the 64x36 image: 3 \(line 2, 3, 4\)"
    ) as caught:
        (clip,) = Shuttlecock(root=tmp_path).clips("train")
    assert len(caught) == 1
    np.testing.assert_array_equal(clip.visibility, [-1, -1, -1, 1, 0])


def test_a_video_shorter_than_its_labels_is_an_error_with_both_counts(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    match = write_rally("train/match1/1_01_00", "0,1,1,1\n1,1,1,1\n2,1,1,1\n3,0,0,0\n4,0,0,0\n")
    with pytest.raises(DataError) as caught:
        list(Shuttlecock(root=tmp_path).clips("train"))
    assert str(caught.value).startswith(
        f"{match}/csv/1_01_00_ball.csv:5: a label for frame 3, but {match}/video/1_01_00.mp4 has 3 frames "
        "(0 to 2; the label file has 5 rows)."
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,1,1,2\n0,1,1,2\n", r"1_01_00_ball\.csv:3: frame 0 has a label already, in line 2"),
        ("0,2,1,2\n", r"1_01_00_ball\.csv:2: Visibility is 2; expected one of 0, 1"),
        ("zero,1,1,2\n", r"1_01_00_ball\.csv:2: Frame is 'zero'; expected a number"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_with_its_line(
    tmp_path: Path, write_rally: Callable[..., Path], rows: str, message: str
) -> None:
    write_rally("train/match1/1_01_00", rows)
    with pytest.raises(DataError, match=message):
        list(Shuttlecock(root=tmp_path).clips("train"))


def test_a_missing_column_is_named_in_the_rally(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00", header="Frame,Ball,x,y\n")
    with pytest.raises(DataError, match=r"1_01_00_ball\.csv: the header lacks 'Visibility', 'X', 'Y'"):
        list(Shuttlecock(root=tmp_path).clips("train"))


def test_labels_without_pictures_and_the_reverse_are_all_named(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    write_rally("train/match1/1_01_00")
    write_rally("train/match1/1_02_00", video=0)
    match = write_rally("train/match1/1_03_00", rows=None)
    with pytest.raises(DataError) as caught:
        list(Shuttlecock(root=tmp_path).clips("train"))
    assert str(caught.value) == (
        f"{match}/csv/1_02_00_ball.csv has no video/1_02_00.mp4. Add it, or remove the other.\n"
        f"{match}/video/1_03_00.mp4 has no csv/1_03_00_ball.csv. Add it, or remove the other."
    )
    with pytest.raises(DataError, match=r"1_01_00_ball\.csv has no frame/1_01_00\. Add it"):
        list(Shuttlecock(root=tmp_path, frames="images").clips("train"))


def test_a_broken_video_is_named(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    match = write_rally("train/match1/1_01_00")
    (match / "video" / "1_01_00.mp4").write_bytes(b"not a video")
    with pytest.raises(DataError, match=r"1_01_00\.mp4: this is not a video that can be read"):
        list(Shuttlecock(root=tmp_path).clips("train"))


def test_images_that_skip_a_frame_are_an_error(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    match = write_rally("train/match1/1_01_00", images=3)
    (match / "frame" / "1_01_00" / "1.png").unlink()
    dataset = Shuttlecock(root=tmp_path, frames="images")
    with pytest.raises(DataError, match=r"2\.png: expected the image of frame 1 here"):
        list(dataset.clips("train"))
    for path in (match / "frame" / "1_01_00").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="1_01_00: there are no images here"):
        list(dataset.clips("train"))


def test_a_missing_split_or_an_empty_one_is_named(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00")
    (tmp_path / "val").mkdir()
    (tmp_path / "test" / "match1").mkdir(parents=True)
    dataset = Shuttlecock(root=tmp_path)
    with pytest.raises(DataError, match=r"val: there is no folder match1, match2, … here"):
        dataset.clips("val")
    with pytest.raises(DataError, match="test/match1: there are no rallies in this match"):
        dataset.clips("test")
    with pytest.raises(DataError, match=r"night: there is no such folder\. The splits here: train, val, test"):
        dataset.clips("night")


def test_a_wrong_root_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder train, val or test here\. Set data\.root to what holds"):
        Shuttlecock(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Shuttlecock()


def test_values_that_no_one_understands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'frames' is 'pictures'; expected 'video'"):
        Shuttlecock(root=tmp_path, frames="pictures")
    with pytest.raises(ValueError, match=r"'fps' is 0\.0"):
        Shuttlecock(root=tmp_path, fps=0.0)
