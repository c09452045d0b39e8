"""The shuttlecock reader on small trees written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets
from tracknet_core.testing import check_constructor, check_dataset
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
    check_constructor("datasets", Shuttlecock)


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


def test_a_rally_without_labels_or_pictures_is_an_error_of_its_own(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    write_rally("train/match1/1_01_00")
    write_rally("train/match1/1_02_00", video=0)
    match = write_rally("train/match1/1_03_00", rows=None)
    clips = Shuttlecock(root=tmp_path).clips("train")
    assert clips.names == ("train/match1/1_01_00", "train/match1/1_02_00", "train/match1/1_03_00")
    assert clips[0].name == "train/match1/1_01_00"
    with pytest.raises(DataError) as no_video:
        clips[1]
    assert str(no_video.value) == (
        f"{match}/csv/1_02_00_ball.csv has no video/1_02_00.mp4. Add it, or remove the other."
    )
    with pytest.raises(DataError) as no_labels:
        clips[2]
    assert str(no_labels.value) == (
        f"{match}/video/1_03_00.mp4 has no csv/1_03_00_ball.csv. Add it, or remove the other."
    )
    with pytest.raises(DataError, match=r"1_01_00_ball\.csv has no frame/1_01_00\. Add it"):
        Shuttlecock(root=tmp_path, frames="images").clips("train")[0]


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
    with pytest.raises(DataError, match=r"there is no split 'night' here\. The splits here: train, val, test"):
        dataset.clips("night")


def test_a_wrong_root_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no folder train, val or test here, nor Professional.* Set data\.root to what"
    ):
        Shuttlecock(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Shuttlecock()


def test_values_that_no_one_understands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'frames' is 'pictures'; expected 'video'"):
        Shuttlecock(root=tmp_path, frames="pictures")
    with pytest.raises(ValueError, match=r"'fps' is 0\.0"):
        Shuttlecock(root=tmp_path, fps=0.0)


# --------------------------------------------------------------------------------------- the layout of TrackNetV2


def names_by_split(dataset: Shuttlecock) -> dict[str, tuple[str, ...]]:
    return {split: dataset.clips(split).names for split in dataset.splits}


def chosen(dataset: Shuttlecock, published: str, split: str) -> list[str]:
    """Return the names of all clips that the patterns of a published split match."""
    patterns = Shuttlecock.published_splits[published]
    assert isinstance(patterns, dict)
    every = [name for names in names_by_split(dataset).values() for name in names]
    return [name for name in every if any(fnmatchcase(name, pattern) for pattern in patterns[split])]


def test_the_published_layout_is_found_by_its_folders_and_test_is_left_alone(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    for match in (1, 2, 20, 21, 23):
        write_rally(f"Professional/match{match}/1_01_00")
    for match in (1, 3):
        write_rally(f"Amateur/match{match}/1_01_00")
    write_rally("Test/match1/1_01_00")
    dataset = Shuttlecock(root=tmp_path)
    assert names_by_split(dataset) == {
        "train": (
            "Professional/match1/1_01_00",
            "Professional/match2/1_01_00",
            "Professional/match20/1_01_00",
            "Amateur/match1/1_01_00",
        ),
        "val": ("Professional/match21/1_01_00", "Professional/match23/1_01_00", "Amateur/match3/1_01_00"),
        "test": ("Test/match1/1_01_00",),
    }
    assert [dataset.clips(split)[0].name for split in dataset.splits] == [
        "Professional/match1/1_01_00",
        "Professional/match21/1_01_00",
        "Test/match1/1_01_00",
    ]
    for split in dataset.splits:
        check_dataset(dataset, split)


def test_a_split_without_matches_is_left_out_of_the_published_layout(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    write_rally("Professional/match1/1_01_00")
    assert Shuttlecock(root=tmp_path).splits == ("train",)


def test_wasb_trains_on_all_matches_outside_of_the_test_set_in_both_layouts(
    tmp_path: Path, write_rally: Callable[..., Path]
) -> None:
    for name in ("v2/Professional/match22/1_01_00", "v2/Amateur/match1/1_01_00", "v2/Test/match3/1_01_00"):
        write_rally(name)
    for name in ("v3/train/match1/1_01_00", "v3/val/match1/1_02_00", "v3/test/match1/1_01_00"):
        write_rally(name)
    v2, v3 = Shuttlecock(root=tmp_path / "v2"), Shuttlecock(root=tmp_path / "v3")
    assert chosen(v2, "wasb", "train") == ["Amateur/match1/1_01_00", "Professional/match22/1_01_00"]
    assert chosen(v2, "wasb", "test") == ["Test/match3/1_01_00"]
    assert chosen(v3, "wasb", "train") == ["train/match1/1_01_00", "val/match1/1_02_00"]
    assert chosen(v3, "wasb", "test") == ["test/match1/1_01_00"]
    assert [chosen(v3, "tracknetv3", split) for split in ("train", "val", "test")] == [
        ["train/match1/1_01_00"],
        ["val/match1/1_02_00"],
        ["test/match1/1_01_00"],
    ]


def test_folders_of_both_layouts_are_refused(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    write_rally("train/match1/1_01_00")
    write_rally("Test/match1/1_01_00")
    with pytest.raises(DataError, match=r"folders of two layouts are here: train, Test\. "):
        Shuttlecock(root=tmp_path)


# ------------------------------------------------------------------------------ what TrackNetV3 changed in its tests


@pytest.mark.parametrize("folder", ["test", "Test"])
def test_corrected_labels_replace_those_of_the_test_set_only(
    tmp_path: Path, write_rally: Callable[..., Path], folder: str
) -> None:
    train = "train" if folder == "test" else "Professional"
    for name in (f"{folder}/match1/1_05_02", f"{train}/match1/1_05_02"):
        match = write_rally(name, "0,1,30,20\n1,0,0,0\n2,0,0,0\n")
        (match / "corrected_csv").mkdir()
        (match / "corrected_csv" / "1_05_02_ball.csv").write_text(HEADER + "0,1,31,21\n1,1,32,22\n2,0,0,0\n")
    dataset = Shuttlecock(root=tmp_path, corrected_labels=True)
    np.testing.assert_array_equal(dataset.clips("test")[0].xy, [[31, 21], [32, 22], [NAN, NAN]])
    np.testing.assert_array_equal(dataset.clips("train")[0].xy, [[30, 20], [NAN, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(Shuttlecock(root=tmp_path).clips("test")[0].xy[0], [30, 20])


def test_a_rally_without_corrected_labels_says_where_they_are(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    match = write_rally("test/match1/1_05_02")
    clips = Shuttlecock(root=tmp_path, corrected_labels=True).clips("test")
    with pytest.raises(DataError) as caught:
        clips[0]
    assert str(caught.value) == (
        f"{match}/video/1_05_02.mp4 has no corrected_csv/1_05_02_ball.csv. Copy it from corrected_test_label/ in "
        "TrackNetV3's repository, or set data.dataset.corrected_labels=false."
    )


def test_dropped_frames_are_unlabelled_in_the_test_set_only(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    rows = "".join(f"{frame},1,{10 + frame},20\n" for frame in range(6))
    for name in ("test/match2/1_03_03", "train/match2/1_03_03"):
        write_rally(name, rows, video=6)
    table = {"map": ["2_1_03_03"], "start": {"2_1_03_03": 2}, "end": {"2_1_03_03": 4}}
    (tmp_path / "drop_frame.json").write_text(json.dumps(table))
    dataset = Shuttlecock(root=tmp_path, drop_frames=True)
    (clip,) = dataset.clips("test")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1, 1, -1, -1])
    np.testing.assert_array_equal(clip.xy[:, 0], [NAN, NAN, 12, 13, NAN, NAN])
    np.testing.assert_array_equal(dataset.clips("train")[0].visibility, [1] * 6)
    check_dataset(dataset, "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"drop_frame\.json: there is no such file\. Copy it from corrected_test_label/"),
        ('{"start": {}, "end": {}}', r"drop_frame\.json: '1_1_05_02' is missing; 'start' and 'end' have an entry"),
        ('{"end": {}}', r"drop_frame\.json: 'start' is missing"),
        ("[]", r"drop_frame\.json: this file cannot be read .* expected \{"),
        ("{", r"drop_frame\.json: this file cannot be read"),
        (200_000 * "[", r"drop_frame\.json: this file cannot be read"),
        ('{"start": {"1_1_05_02": Infinity}, "end": {"1_1_05_02": 2}}', r"drop_frame\.json: this file cannot be read"),
        ('{"start": {"1_1_05_02": -2}, "end": {"1_1_05_02": 2}}', r"drop_frame\.json: .* is from -2 to 2"),
    ],
)
def test_a_table_of_dropped_frames_that_does_not_fit_is_named(
    tmp_path: Path, write_rally: Callable[..., Path], text: str | None, message: str
) -> None:
    write_rally("test/match1/1_05_02")
    if text is not None:
        (tmp_path / "drop_frame.json").write_text(text)
    clips = Shuttlecock(root=tmp_path, drop_frames=True).clips("test")
    with pytest.raises(DataError, match=message):
        clips[0]


def test_a_column_of_codes_says_more_than_the_visibility(tmp_path: Path, write_rally: Callable[..., Path]) -> None:
    header = "Frame,Visibility,X,Y,Code,HiddenX,HiddenY\n"
    rows = "0,1,30,20,2,,\n1,0,0,0,3,31.5,21.25\n2,0,0,0,3,,\n3,0,0,0,0,,\n4,1,33,23,,,\n"
    write_rally("train/match1/1_01_00", rows, video=5, header=header)
    (clip,) = Shuttlecock(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [2, 3, 3, 0, 1])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [31.5, 21.25], [NAN, NAN], [NAN, NAN], [33, 23]])
