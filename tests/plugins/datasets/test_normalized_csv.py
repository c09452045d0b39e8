"""The reader of videos with fractions in a CSV beside them, on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.normalized_csv import NormalizedCsv

FLAG = "frame_num,visible,x,y\n0,1,0.5,0.25\n1,0,0,0\n2,1,0.25,0.5\n"
NAN = np.nan


@pytest.fixture
def write_pair(tmp_path: Path) -> Callable[..., None]:
    """Write a video of three 64x36 frames, and its label file."""

    def write_pair(video: str | None = None, table: str | None = None, text: str = FLAG, *, frames: int = 3) -> None:
        for name in filter(None, (video, table)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if video is not None:
            pictures = [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(frames)]
            write_video(tmp_path / video, pictures, fps=25)
        if table is not None:
            (tmp_path / table).write_text(text)

    return write_pair


def test_the_reader_keeps_its_contract(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair("a.mp4", "a.csv")
    write_pair("b.mp4", "b.csv")
    check_constructor("datasets", NormalizedCsv)
    dataset = NormalizedCsv(root=tmp_path)
    for split in dataset.splits:
        check_dataset(dataset, split)


@pytest.mark.parametrize(
    "text",
    [
        FLAG,
        "frame_num,x,y,visible\n0,0.5,0.25,1\n1,-1,-1,0\n2,0.25,0.5,1\n",
        "Frame,Ball,x,y\n0,1,0.500,0.250\n1,0,-1.000,-1.000\n2,1,0.250,0.500\n",
        "frame_num,x,y,visible\n1,,,0\n2,0.25,0.5,1\n0,0.5,0.25,1\n",
    ],
)
def test_every_variant_of_the_header_gives_pixels(tmp_path: Path, write_pair: Callable[..., None], text: str) -> None:
    write_pair("a.mp4", "a.csv", text, frames=4)
    (clip,) = NormalizedCsv(root=tmp_path).clips("train")
    assert isinstance(clip.frames, FrameSource)
    assert (clip.name, len(clip), clip.frames.size, clip.frames.fps) == ("a", 4, (64, 36), 25.0)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1, -1])
    np.testing.assert_allclose(clip.xy, [[32, 9], [NAN, NAN], [16, 18], [NAN, NAN]])


def test_the_enum_counts_from_visible_and_says_absent_by_its_coordinates(
    tmp_path: Path, write_pair: Callable[..., None]
) -> None:
    text = (
        "frame_num,x,y,visible\n0,0.5,0.25,0\n1,0.5,0.5,1\n2,0.25,0.5,2\n3,0.25,0.5,3\n4,-1,-1,0\n5,0,0,0\n6,0,0.5,0\n"
    )
    write_pair("a.mp4", "a.csv", text, frames=8)
    (clip,) = NormalizedCsv(root=tmp_path, visible="enum").clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, 3, 2, -1, 0, 0, 1, -1])
    np.testing.assert_allclose(
        clip.xy,
        [[32, 9], [32, 18], [16, 18], [NAN, NAN], [NAN, NAN], [NAN, NAN], [0, 18], [NAN, NAN]],
    )


def test_a_ball_at_0_0_is_visible_where_a_flag_says_so(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair("a.mp4", "a.csv", "frame_num,visible,x,y\n0,1,0,0\n1,1,-1,-1\n")
    with pytest.warns(UserWarning, match=r"outside the 64x36 image: 1 \(line 3\)"):
        (clip,) = NormalizedCsv(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, -1, -1])
    np.testing.assert_array_equal(clip.xy[0], [0, 0])


@pytest.mark.parametrize(
    ("video", "table"),
    [
        ("match1/videos/a.mp4", "match1/labels/a.csv"),
        ("match1/videos/a.mp4", "match1/csvs/a.mp4.csv"),
        ("match1/a.MP4", "match1/a.csv"),
        ("match1/video/a.mov", "match1/a.csv"),
    ],
)
def test_labels_lie_beside_the_video_or_in_a_neighbouring_folder(
    tmp_path: Path, write_pair: Callable[..., None], video: str, table: str
) -> None:
    write_pair(video, table)
    (clip,) = NormalizedCsv(root=tmp_path).clips("train")
    assert clip.name == "match1/a"
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1])


@pytest.mark.parametrize(
    ("images", "table"),
    [("match1/a", "match1/a.csv"), ("match1/frames/a", "match1/labels/a.csv"), ("match1/images/a", "match1/a.csv")],
)
def test_a_folder_of_images_is_as_good_as_a_video(
    tmp_path: Path, write_pair: Callable[..., None], images: str, table: str
) -> None:
    (tmp_path / images).mkdir(parents=True)
    for number in (2, 10, 1):  # in natural order: 1, 2, 10
        Image.new("RGB", (64, 36), (number,) * 3).save(tmp_path / images / f"{number}.png")
    (tmp_path / "match1" / "previews").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "match1" / "previews" / "a.png")  # images without a CSV are no clip
    write_pair(table=table)

    (clip,) = NormalizedCsv(root=tmp_path, fps=50).clips("train")

    assert (clip.name, len(clip), clip.frames.size, clip.frames.fps) == ("match1/a", 3, (64, 36), 50)
    np.testing.assert_allclose(clip.xy, [[32, 9], [NAN, NAN], [16, 18]])
    assert [int(frame.mean()) for frame in clip.frames.read([0, 1, 2])] == [1, 2, 10]


def test_where_there_is_nothing_to_see_that_is_told(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(table="a.csv")
    write_pair(table="b.csv")

    with pytest.raises(DataError, match=r"no video, and no folder of images .* the 2 CSV files here, such as .*a\.csv"):
        NormalizedCsv(root=tmp_path)


def test_folders_of_splits_are_taken_as_they_are(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    for name in ("test/b", "train/a10", "train/a9", "other/c"):
        write_pair(f"{name}.mp4", f"{name}.csv")
    dataset = NormalizedCsv(root=tmp_path)
    assert {split: dataset.clips(split).names for split in dataset.splits} == {
        "train": ("train/a9", "train/a10"),
        "test": ("test/b",),
    }
    with pytest.raises(DataError, match=r"no split 'val' here, only train, test\. Make a folder 'val'"):
        dataset.clips("val")


@pytest.mark.parametrize(
    ("names", "val"),
    [
        (["a"], []),
        (["a", "b"], ["b"]),
        ([f"a{number}" for number in range(10)], ["a8", "a9"]),
        (["match1/a", "match1/b", "match2/a", "match10/a", "match10/b"], ["match10/a", "match10/b"]),
        (["match1/a", "match1/b", "match1/c"], []),  # of one match, as `tracknet data split` has it
    ],
)
def test_the_last_fifth_of_the_matches_is_held_out(
    tmp_path: Path, write_pair: Callable[..., None], names: list[str], val: list[str]
) -> None:
    for name in names:
        write_pair(table=f"{name}.csv")
        (tmp_path / f"{name}.mp4").touch()
    dataset = NormalizedCsv(root=tmp_path)
    held_out = list(dataset.clips("val").names) if "val" in dataset.splits else []
    assert held_out == val
    assert sorted([*dataset.clips("train").names, *held_out]) == sorted(names)


def test_a_video_without_labels_and_the_reverse_hide_no_other(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair("train/a.mp4", "train/a.csv")
    write_pair("train/b.mp4")
    write_pair(table="train/c.csv")
    clips = NormalizedCsv(root=tmp_path).clips("train")
    assert clips.names == ("train/a", "train/b", "train/c")
    with pytest.raises(DataError, match=r"b\.mp4: there is no CSV of that name\. Add it beside"):
        clips[1]
    with pytest.raises(DataError, match=r"c\.csv: there is no video of that name\. Add it beside"):
        clips[2]
    np.testing.assert_array_equal(clips[0].visibility, [1, 0, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame_num,visible,x,y\n0,1,31,20\n", r"a\.csv:2: x is '31'; expected a fraction, 0 to 1\. For pixels"),
        ("frame_num,visible,x,y\n0,2,0.5,0.5\n", r"a\.csv:2: visible is 2; expected one of 0, 1"),
        ("frame_num,visible,x,y\n3,1,0.5,0.5\n", r"a\.csv:2: a label for frame 3, but .*a\.mp4 has 3 frames"),
        ("Frame,visible,x,y\n0,1,0.5,0.5\n", r"a\.csv: the header has Frame, visible, x, y; expected 'frame_num'"),
        ("frame_num,visible,X,Y\n0,1,0.5,0.5\n", r"a\.csv: the header lacks 'x', 'y'"),
    ],
)
def test_a_file_that_does_not_fit_is_named(
    tmp_path: Path, write_pair: Callable[..., None], text: str, message: str
) -> None:
    write_pair("a.mp4", "a.csv", text)
    with pytest.raises(DataError, match=message):
        NormalizedCsv(root=tmp_path).clips("train")[0]


def test_two_videos_of_one_name_are_refused(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair("a.mp4")
    write_pair("videos/a.mp4")
    with pytest.raises(DataError, match=r"videos/a\.mp4: .*a\.mp4 stands for the clip 'a' as well"):
        NormalizedCsv(root=tmp_path)


def test_an_empty_or_missing_root_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / ".hidden.mp4").touch()
    with pytest.raises(DataError, match=r"there is no video or CSV here\. Set data\.root"):
        NormalizedCsv(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        NormalizedCsv()


def test_a_code_that_no_one_understands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'visible' is 'code'; expected 'flag'"):
        NormalizedCsv(root=tmp_path, visible="code")
