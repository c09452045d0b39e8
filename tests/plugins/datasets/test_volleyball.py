"""The volleyball reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.testing import check_dataset
from tracknet_plugins.datasets.volleyball import Volleyball

NAN = np.nan


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a clip of 64x36 images, image n of grey level 10 n and called 98 + n, and its label file."""

    def write_clip(name: str, lines: str | None = "30 20\n", *, images: int = 1) -> Path:
        match, clip = name.split("/")
        if images:
            folder = tmp_path / "videos" / match / clip
            folder.mkdir(parents=True)
            for number in range(images):
                Image.new("RGB", (64, 36), (10 * number,) * 3).save(folder / f"{98 + number}.jpg")
        labels = tmp_path / "volleyball_ball_annotation" / match / f"{clip}.txt"
        if lines is not None:
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text(lines)
        return labels

    return write_clip


def test_volleyball_keeps_the_contract(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("1/100", "30 20\n0 0\n31.5 21\n", images=3)
    check_dataset(Volleyball(root=tmp_path), "train")


def test_line_n_is_the_frame_n_in_the_order_of_numbers(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("1/100", "30 20\n0 0\n31.5 21\n", images=4)  # 98.jpg, 99.jpg, 100.jpg, 101.jpg
    (clip,) = Volleyball(root=tmp_path, fps=25).clips("train")
    assert (clip.name, clip.frames.fps, len(clip)) == ("1/100", 25, 4)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1, -1])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [NAN, NAN], [31.5, 21], [NAN, NAN]])
    assert [round(float(frame.mean()) / 10) for frame in clip.frames.read([0, 2])] == [0, 2]


def test_a_ball_at_the_border_is_not_taken_for_an_absent_one(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("1/100", "0 20\n30 0\n0.0 0.0\n\n", images=3)
    (clip,) = Volleyball(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, 1, 0])


def test_places_outside_the_image_are_unlabelled_with_a_warning(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("1/100", "64 20\nnan nan\n30 20\n", images=3)
    with pytest.warns(LabelWarning, match=r"100\.txt: .* outside the 64x36 image: 2 \(line 1, 2\)"):
        (clip,) = Volleyball(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1])


def test_splits_go_by_match_and_clips_in_natural_order(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    for name in ("4/7", "1/100", "1/20", "0/3", "10/5", "60/1"):
        write_clip(name)
    dataset = Volleyball(root=tmp_path)
    assert dataset.splits == ("train", "val", "test")
    names = {split: dataset.clips(split).names for split in dataset.splits}
    assert names == {"train": ("1/20", "1/100", "10/5", "60/1"), "val": ("0/3",), "test": ("4/7",)}
    with pytest.raises(DataError, match="no match of the split 'night' here, only of train, val, test"):
        dataset.clips("night")


def test_the_split_of_wasb_has_39_and_16_matches() -> None:
    split = Volleyball.published_splits["wasb"]
    found = {
        name: {match for match in range(55) if any(fnmatchcase(f"{match}/9", pattern) for pattern in patterns)}
        for name, patterns in split.items()
    }
    assert found["test"] == {4, 5, 9, 11, 14, 20, 21, 25, 29, 34, 35, 37, 43, 44, 45, 47}
    assert found["train"] == set(range(55)) - found["test"]
    assert {name: len(matches) for name, matches in found.items()} == {"train": 39, "test": 16}


def test_a_lonely_clip_is_an_error_of_that_clip_alone(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("1/1")
    write_clip("1/2", lines=None)
    write_clip("1/3", images=0)
    clips = Volleyball(root=tmp_path).clips("train")
    assert clips.names == ("1/1", "1/2", "1/3")
    assert clips[0].name == "1/1"
    with pytest.raises(DataError, match=r"1/2\.txt: there is no such label file"):
        clips[1]
    with pytest.raises(DataError, match="videos/1/3: there are no images here"):
        clips[2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("30 20\n30\n", r"1\.txt:2: '30' is no place; expected 'x y'"),
        ("30 20\n\n31 20\n", r"1\.txt:2: '' is no place"),
        ("left 20\n", r"1\.txt:1: 'left 20' is no place"),
        ("\n", r"1\.txt: this label file is empty"),
        ("30 20\n31 20\n32 20\n", r"1\.txt:3: a label for frame 2, but .* has 2 frames"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(
    tmp_path: Path, write_clip: Callable[..., Path], lines: str, message: str
) -> None:
    write_clip("1/1", lines, images=2)
    with pytest.raises(DataError, match=message):
        list(Volleyball(root=tmp_path).clips("train"))


def test_a_label_file_that_is_no_text_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("1/1").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"1\.txt: this label file cannot be read as text"):
        list(Volleyball(root=tmp_path).clips("train"))


def test_a_wrong_root_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no clip here\. Set data\.root to what holds videos/0/13286"):
        Volleyball(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Volleyball()
    with pytest.raises(ValueError, match="'fps' is nan"):
        Volleyball(root=tmp_path, fps=NAN)
