"""The reader of labels of one's own, on small trees written here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import Clip, FrameSource
from tracknet_core.data.make_split import group_clips
from tracknet_core.errors import AbsentPlaceWarning, DataError
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.csv import Csv

TEXT = "frame,x,y,visibility\n0,30,20,1\n1,0,0,0\n2,32,22,2\n3,33,23,3\n"
BARE: dict[str, str | None] = {"frame": "frame", "x": "x", "y": "y"}
NAN = np.nan


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[..., None]:
    """Write a video, or a folder of images, of five 64x36 pictures, picture n of grey level 20 n; and a label file."""

    def write_clip(video: str | None = None, table: str | None = None, text: str = TEXT, *, names: str = "") -> None:
        for name in filter(None, (video, table)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if table is not None:
            (tmp_path / table).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / table).write_text(text, encoding="utf-8")
        pictures = [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(5)]
        if video is not None and names:
            (tmp_path / video).mkdir(parents=True, exist_ok=True)
            for number, picture in enumerate(pictures):
                Image.fromarray(picture).save(tmp_path / video / names.format(number))
        elif video is not None:
            write_video(tmp_path / video, pictures, fps=25)

    return write_clip


def only(root: Path, **parameters: Any) -> Clip:
    """Return the one clip that there is."""
    (clip,) = Csv(root=root, **parameters).clips("train")
    return clip


# ------------------------------------------------------------------------------------------ what a label says


def test_the_reader_keeps_its_contract(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4", "a.csv")
    write_clip("b.mp4", "b.csv")
    check_constructor("datasets", Csv)
    dataset = Csv(root=tmp_path)
    assert dataset.splits == ("train", "val")
    for split in dataset.splits:
        check_dataset(dataset, split)


def test_the_defaults_read_a_csv_beside_a_video(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4", "a.csv")
    clip = only(tmp_path)
    assert isinstance(clip.frames, FrameSource)
    assert (clip.name, len(clip), clip.frames.size, clip.frames.fps) == ("a", 5, (64, 36), 25.0)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 2, 3, -1])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [NAN, NAN], [32, 22], [33, 23], [NAN, NAN]])


def test_columns_have_any_name_and_order_and_frames_count_from_any_number(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    write_clip("a.mp4", "a.csv", "ball y;note;Nr;ball x\n20,5;serve;1;30,25\n22;;3;32\n")
    columns = {"frame": "Nr", "x": "ball x", "y": "ball y", "visibility": None}
    clip = only(tmp_path, columns=columns, separator=";", first_frame=1)
    np.testing.assert_array_equal(clip.visibility, [1, -1, 1, -1, -1])
    np.testing.assert_array_equal(clip.xy[[0, 2]], [[30.25, 20.5], [32, 22]])


def test_tabs_separate_columns(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4", "a.csv", TEXT.replace(",", "\t"))
    np.testing.assert_array_equal(only(tmp_path, separator="tab").visibility, [1, 0, 2, 3, -1])


def test_without_a_column_of_visibility_the_coordinates_say_whether_there_is_a_ball(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    write_clip("a.mp4", "a.csv", "frame,x,y\n0,,\n1,nan,20\n2,-1,-1\n3,0,0\n4,0,20\n")
    clip = only(tmp_path, columns=BARE)
    np.testing.assert_array_equal(clip.visibility, [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(clip.xy[4], [0, 20])


def test_frames_without_a_row_are_absent_on_request_and_useless_rows_stay_unlabelled(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    write_clip("a.mp4", "a.csv", "frame,x,y\n1,31,21\n3,99,21\n")
    with pytest.warns(UserWarning, match=r"outside the 64x36 image: 1 \(line 3\)"):
        clip = only(tmp_path, columns=BARE, missing_rows="absent")
    np.testing.assert_array_equal(clip.visibility, [0, 1, 0, -1, 0])


def test_codes_are_numbers_or_texts_and_capitals_do_not_count(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4", "a.csv", "frame,x,y,visibility\n0,30,20,True\n1,31,21,BLUR\n2,32,22,9.0\n3,,,\n4,33,23,false\n")
    with pytest.warns(AbsentPlaceWarning, match=r"1 of 2 \(line 6\)"):
        clip = only(tmp_path, visible=(True,), hard=("Blur",), occluded=(9,), absent=("", False))
    np.testing.assert_array_equal(clip.visibility, [1, 2, 3, 0, 0])


def test_a_visible_ball_without_a_usable_place_is_unlabelled_with_a_warning(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    write_clip("a.mp4", "a.csv", "frame,x,y,visibility\n0,nan,20,1\n1,31,36,1\n2,32,22,1\n")
    with pytest.warns(UserWarning, match=r"outside the 64x36 image: 2 \(line 2, 3\)"):
        clip = only(tmp_path)
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1, -1, -1])


def test_places_are_fractions_or_pixels_of_another_size_on_request(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    write_clip("a.mp4", "a.csv", "frame,x,y\n0,0.5,0.25\n")
    np.testing.assert_array_equal(only(tmp_path, columns=BARE, normalized=True).xy[0], [32, 9])
    write_clip(table="a.csv", text="frame,x,y\n0,61,41\n")
    clip = only(tmp_path, columns=BARE, label_size=(128, 72))
    np.testing.assert_allclose(clip.xy[0], [(61 + 0.5) / 2 - 0.5, (41 + 0.5) / 2 - 0.5])


def test_a_time_in_seconds_is_the_nearest_frame(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4", "a.csv", "t,x,y\n0,30,20\n0.079,32,22\n0.12,33,23\n")
    clip = only(tmp_path, columns={"time": "t", "x": "x", "y": "y"})
    np.testing.assert_array_equal(clip.visibility, [1, -1, 1, 1, -1])
    np.testing.assert_array_equal(clip.xy[[0, 2, 3], 0], [30, 32, 33])


# ----------------------------------------------------------------------------------- where things are


@pytest.mark.parametrize(
    ("video", "table", "parameters"),
    [
        (
            "match1/video/a.mp4",
            "match1/csv/a_ball.csv",
            {"videos": "*/video/*.mp4", "labels": "../csv/{stem}_ball.csv"},
        ),
        ("a.mp4", "a/a.csv", {"labels": "{stem}/{stem}.csv"}),
        ("match [1]/a.mp4", "match [1]/labels.csv", {"labels": "labels.csv"}),
        ("deep/er/a.b.mp4", "deep/er/a.b.csv", {}),
    ],
)
def test_labels_are_found_from_the_folder_of_the_video(
    tmp_path: Path, write_clip: Callable[..., None], video: str, table: str, parameters: dict[str, Any]
) -> None:
    write_clip(video, table)
    clip = only(tmp_path, **parameters)
    assert clip.name == video.removesuffix(".mp4")
    np.testing.assert_array_equal(clip.visibility, [1, 0, 2, 3, -1])


def test_folders_of_images_are_clips_too(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("match1/frames", "match1/Labels.csv", names="{}.png")
    clip = only(tmp_path, videos="*/frames", labels="Labels.csv", fps=50)
    assert (clip.name, len(clip), clip.frames.fps) == ("match1/frames", 5, 50)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 2, 3, -1])
    assert [int(frame[0, 0, 0]) for frame in clip.frames.read([1, 4])] == [20, 80]


def test_rows_may_name_their_image(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("g1/c1", "g1/c1/Label.csv", "file,x,y\nf3.png,33,23\nf1.png,31,21\n", names="f{}.png")
    columns = {"image": "file", "x": "x", "y": "y"}
    clip = only(tmp_path, videos="g*/c*", labels="{stem}/Label.csv", columns=columns)
    np.testing.assert_array_equal(clip.visibility, [-1, 1, -1, 1, -1])
    write_clip(table="g1/c1/Label.csv", text="file,x,y\nf7.png,33,23\n")
    with pytest.raises(DataError, match=r"Label\.csv:2: there is no image 'f7\.png' in .*c1"):
        only(tmp_path, videos="g*/c*", labels="{stem}/Label.csv", columns=columns)


def test_labels_in_another_folder_are_told_with_what_to_set(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("match1/video/a.mp4", "match1/labels/a_ball.csv")
    with pytest.raises(
        DataError, match=r"or set data\.dataset\.labels: there is .*match1/labels/a_ball\.csv, which"
    ) as told:
        Csv(root=tmp_path, labels="{stem}_ball.csv").clips("train")[0]
    setting = str(told.value).split('"')[1]
    assert setting == "../labels/{stem}_ball.csv"
    assert len(Csv(root=tmp_path, labels=setting).clips("train")[0]) > 0


def test_a_clip_without_labels_or_pictures_hides_no_other(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("train/v/a.mp4", "train/t/a_ball.csv")
    write_clip("train/v/b.mp4")
    write_clip(table="train/t/c_ball.csv")
    (tmp_path / "train/t/.d_ball.csv").touch()
    clips = Csv(root=tmp_path, labels="../t/{stem}_ball.csv").clips("train")
    assert clips.names == ("train/v/a", "train/v/b", "train/v/c")
    assert clips[0].name == "train/v/a"
    with pytest.raises(DataError, match=r"b\.mp4: its label file .*train/t/b_ball\.csv is not there\. Add it"):
        clips[1]
    with pytest.raises(DataError, match=r"c_ball\.csv: there is no video or folder of images 'train/v/c'"):
        clips[2]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_in_the_place_of_labels_is_told(write_tree: Callable[[str], Any], tmp_path: Path) -> None:
    tree = write_tree("csv")
    labels = tree.write(tmp_path)
    labels.unlink()
    os.mkfifo(labels)
    with pytest.raises(DataError, match=r"1\.csv: .*a pipe or a device, and no file"):
        list(tree.read(tmp_path).clips("train"))


def test_an_empty_folder_of_images_is_named(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip(table="a/Labels.csv")
    (tmp_path / "a/frames").mkdir()
    with pytest.raises(DataError, match="a/frames: there are no images here"):
        only(tmp_path, videos="*/frames", labels="Labels.csv")


def test_two_clips_of_one_name_and_patterns_without_a_match_are_refused(
    tmp_path: Path, write_clip: Callable[..., None]
) -> None:
    with pytest.raises(DataError, match=r"nothing here matches data\.dataset\.videos='\*\*/\*\.mp4'"):
        Csv(root=tmp_path)
    with pytest.raises((DataError, ValueError), match=r"'\*\*\.mp4'"):  # Python 3.13 takes this for *.mp4
        Csv(root=tmp_path, videos="**.mp4")
    write_clip("a.mp4")
    (tmp_path / "a.mov").touch()
    with pytest.raises(DataError, match=r"a\.mp4: a\.mov beside it is called 'a' as well\. Narrow"):
        Csv(root=tmp_path, videos="a.m*")
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Csv()


# --------------------------------------------------------------------------------------------------- splits


def test_folders_of_splits_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("val/b", "train/a10", "train/a9", "other/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.mp4").touch()
    dataset = Csv(root=tmp_path)
    assert {split: dataset.clips(split).names for split in dataset.splits} == {
        "train": ("train/a9", "train/a10"),
        "val": ("val/b",),
    }
    with pytest.raises(DataError, match=r"no split 'test' here, only train, val\. Make a folder 'test', or name"):
        dataset.clips("test")


@pytest.mark.parametrize(
    ("names", "val"),
    [
        (["a"], []),
        (["videos/a", "videos/b"], ["videos/b"]),
        ([f"a{number}" for number in range(10)], ["a8", "a9"]),
        (["match1/a", "match1/b", "match2/a", "match10/a", "match10/b"], ["match10/a", "match10/b"]),
        (["match1/video/a", "match1/video/b"], []),  # two rallies of one match
        (["match1/video/a", "match2/video/a", "match2/video/b"], ["match2/video/a", "match2/video/b"]),
    ],
)
def test_the_last_fifth_of_the_matches_is_held_out(tmp_path: Path, names: list[str], val: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.mp4").touch()
    dataset = Csv(root=tmp_path)
    held_out = list(dataset.clips("val").names) if "val" in dataset.splits else []
    assert held_out == val
    assert sorted([*dataset.clips("train").names, *held_out]) == sorted(names)
    of_match = group_clips(names).values()  # as `tracknet data split` has it: no match is in both
    assert all(set(clips) <= set(val) or not set(clips) & set(val) for clips in of_match)


# ------------------------------------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("frame,x,y,visibility\n0,1,2,4\n", {}, r"a\.csv:2: visibility is '4'; expected one of 1, 2, 3, 0\. Add it"),
        ("frame,x,y,visibility\n5,1,2,1\n", {}, r"a\.csv:2: a label for frame 5, but .*a\.mp4 has 5 frames"),
        ("frame,x,y,visibility\n0,1,2,1\n", {"first_frame": 1}, r"a\.csv:2: a label for frame -1"),
        ("frame,x,y,visibility\n0,left,2,1\n", {}, r"a\.csv:2: x is 'left'; expected a number"),
        ("frame;x;y;visibility\n0;1;2;1\n", {}, r"a\.csv: the header lacks 'frame', 'x', 'y', 'visibility'.*separator"),
        ("frame,x,y,visibility\n", {}, r"a\.csv: there is no row under the header"),
        (
            "t,x,y\n1e308,1,2\n",
            {"columns": {"time": "t", "x": "x", "y": "y"}},
            r"a\.csv:2: t is '1e308'; expected seconds",
        ),
        ("t,x,y\n,1,2\n", {"columns": {"time": "t", "x": "x", "y": "y"}}, r"a\.csv:2: t is ''; expected seconds"),
    ],
)
def test_a_label_file_that_does_not_fit_is_named(
    tmp_path: Path, write_clip: Callable[..., None], text: str, parameters: dict[str, Any], message: str
) -> None:
    write_clip("a.mp4", "a.csv", text)
    with pytest.raises(DataError, match=message):
        only(tmp_path, **parameters)


def test_a_label_file_that_is_no_text_is_named(tmp_path: Path, write_clip: Callable[..., None]) -> None:
    write_clip("a.mp4")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.csv: this label file cannot be read as CSV"):
        only(tmp_path)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"videos": ""}, "'videos' is ''; expected a relative path"),
        ({"labels": "/data/{stem}.csv"}, "'labels' is '/data/"),
        ({"separator": "|"}, r"'separator' is '\|'; expected one of ,, ;, tab"),
        ({"missing_rows": "none"}, "'missing_rows' is 'none'; expected 'unlabelled' or 'absent'"),
        ({"label_size": (0, 720)}, r"'label_size' is \[0, 720\]"),
        ({"label_size": (1280, 720), "normalized": True}, "'label_size' is .*normalized=true"),
        ({"fps": 0.0}, r"'fps' is 0\.0"),
        ({"columns": {"x": "x", "y": "y"}}, "'columns' names x, y; expected x, y, one of frame, time, image"),
        ({"columns": {**BARE, "time": "t"}}, "'columns' names frame, x, y, time; expected"),
        ({"columns": {**BARE, "score": "s"}}, "'columns' names frame, x, y, score; expected"),
        ({"columns": {**BARE, "x": None}}, "'columns' names frame, x, y; expected"),
        ({"visible": (0,)}, r"'absent' has the code '0', which another of visible, .* has too"),
    ],
)
def test_values_that_no_one_understands_are_refused(tmp_path: Path, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Csv(root=tmp_path, **parameters)
