"""The RacketVision reader on small trees written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.registry import datasets
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.racketvision import RacketVision

ROWS = "0,30,20,1\n5,0,0,0\n"
NAN = np.nan


@pytest.fixture
def write_rally(tmp_path: Path) -> Callable[..., None]:
    """Write a rally of six 64x36 pictures and its label file, and append it to a list of rallies."""

    def write(
        sport: str = "tennis",
        match: str = "match1",
        rally: str = "003",
        *,
        split: str = "train",
        rows: str | None = ROWS,
        video: bool = True,
    ) -> None:
        folder = tmp_path / sport
        listed = folder / "info" / f"{split}.json"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text(json.dumps([*(json.loads(listed.read_text()) if listed.exists() else []), [match, rally]]))
        if video:
            (folder / "videos").mkdir(exist_ok=True)
            pictures = (np.full((36, 64, 3), 20 * number, np.uint8) for number in range(6))
            write_video(folder / "videos" / f"{match}_{rally}.mp4", pictures, fps=30)
        if rows is not None:
            path = folder / "all" / match / "csv" / f"{rally}_ball.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("Frame,X,Y,Visibility\n" + rows)

    return write


def test_racketvision_is_registered_by_name_and_keeps_the_contract(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    assert datasets.get("racketvision") is RacketVision
    check_constructor("datasets", RacketVision)
    write_rally()
    check_dataset(RacketVision(root=tmp_path), "train")


def test_frames_between_the_labelled_ones_are_unlabelled(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally()
    (clip,) = RacketVision(root=tmp_path).clips("train")
    assert isinstance(clip.frames, FrameSource)
    assert (clip.name, len(clip), clip.frames.size, clip.frames.fps) == ("train/tennis/match1/003", 6, (64, 36), 30.0)
    np.testing.assert_array_equal(clip.visibility, [1, -1, -1, -1, -1, 0])
    np.testing.assert_array_equal(clip.xy, [[30, 20]] + [[NAN, NAN]] * 5)


def test_splits_and_sports_are_those_of_the_lists(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally("tennis", "b", "2", rows=None, video=False)
    write_rally("tennis", "a", "1", rows=None, video=False)
    write_rally("badminton", "a", "1", rows=None, video=False)
    write_rally("tennis", "a", "2", split="test", rows=None, video=False)
    dataset = RacketVision(root=tmp_path)
    assert dataset.splits == ("train", "test")
    assert dataset.clips("train").names == ("train/badminton/a/1", "train/tennis/b/2", "train/tennis/a/1")
    assert dataset.clips("test").names == ("test/tennis/a/2",)
    badminton = RacketVision(root=tmp_path, sport="badminton")
    assert badminton.splits == ("train",)
    assert badminton.clips("train").names == ("train/badminton/a/1",)
    assert [name for name in dataset.clips("train").names if fnmatchcase(name, "*/tennis/a/*")] == ["train/tennis/a/1"]


def test_the_published_split_is_that_of_the_lists() -> None:
    published = RacketVision.published_splits["racketvision"]
    assert published == {"train": ["train/*"], "val": ["val/*"], "test": ["test/*"]}


def test_numbers_are_names_too(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally("tabletennis", "7", "12")
    (tmp_path / "tabletennis/info/train.json").write_text("[[7, 12]]")
    (clip,) = RacketVision(root=tmp_path).clips("train")
    assert clip.name == "train/tabletennis/7/12"


def test_a_rally_without_labels_or_video_is_an_error_of_its_own(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rally="1", rows=None)
    write_rally(rally="2", video=False)
    write_rally(rally="3")
    clips = RacketVision(root=tmp_path).clips("train")
    with pytest.raises(DataError, match=r"csv/1_ball\.csv: there is no such label file"):
        clips[0]
    with pytest.raises(DataError, match=r"match1_2\.mp4: there is no such video"):
        clips[1]
    assert len(clips[2]) == 6


def test_rows_that_cannot_be_used_are_unlabelled_with_a_warning(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rows="0,nan,20,1\n1,1000,20,1\n2,30,20,1\n")
    with pytest.warns(LabelWarning, match=r"003_ball\.csv: .*outside the 64x36 image: 2 \(line 2, 3\)"):
        (clip,) = RacketVision(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1, -1, -1, -1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[", "this list of rallies cannot be read as JSON"),
        (200_000 * "[", "this list of rallies cannot be read as JSON"),
        ("[]", r"expected a list of rallies, \[\[match, rally\], …\], with one or more"),
        ('{"a": 1}', "expected a list of rallies"),
        ('[["a", "b", "c"]]', r'\["a", "b", "c"\] is no rally; expected \[match, rally\]'),
        ('["ab"]', '"ab" is no rally'),
        ('[["a", "1"], ["a", "1"]]', r'\["a", "1"\] is listed twice'),
    ],
)
def test_a_list_that_makes_no_sense_is_named(
    tmp_path: Path, write_rally: Callable[..., None], text: str, message: Any
) -> None:
    write_rally(rows=None, video=False)
    (tmp_path / "tennis/info/train.json").write_text(text)
    with pytest.raises(DataError, match=rf"info/train\.json: {message}"):
        RacketVision(root=tmp_path).clips("train")


def test_a_wrong_root_split_or_sport_says_what_is_expected(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    with pytest.raises(DataError, match=r"no info/train\.json, .* of badminton, tabletennis, tennis here"):
        RacketVision(root=tmp_path)
    write_rally(rows=None, video=False)
    with pytest.raises(DataError, match="no sport lists the split 'val', only train"):
        RacketVision(root=tmp_path).clips("val")
    with pytest.raises(DataError, match="of badminton here"):
        RacketVision(root=tmp_path, sport="badminton")
    with pytest.raises(ValueError, match="'sport' is 'squash'; expected all, badminton"):
        RacketVision(root=tmp_path, sport="squash")  # type: ignore[arg-type]
