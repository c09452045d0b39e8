"""The OpenTTGames reader on small trees written here."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import FrameSource, Visibility
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.registry import datasets
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.opentt import OpenTT

NAN = np.nan
LAYOUTS = {
    "beside": ("game_1.mp4", "game_1/ball_markup.json"),
    "together": ("game_1/game_1.mp4", "game_1/ball_markup.json"),
    "tools": ("training/videos/game_1.mp4", "training/annotations/game_1/ball_markup.json"),
}


def markup(*frames: int) -> dict[str, Any]:
    """Labels whose x is 10 + the number of the frame."""
    return {str(frame): {"x": 10 + frame, "y": 20} for frame in frames}


@pytest.fixture
def write_game(tmp_path: Path) -> Callable[..., None]:
    """Write a video of 64x36 pictures, picture n of grey level 5 n, and its markup."""

    def write(
        labels: dict[str, Any] | str | None, *, name: str = "game_1", frames: int = 30, layout: str = "beside"
    ) -> None:
        video, path = (tmp_path / place.replace("game_1", name) for place in LAYOUTS[layout])
        for file in (video, path):
            file.parent.mkdir(parents=True, exist_ok=True)
        if frames:
            write_video(video, (np.full((36, 64, 3), 5 * n, np.uint8) for n in range(frames)), fps=120)
        if labels is not None:
            path.write_text(labels if isinstance(labels, str) else json.dumps(labels, indent=1))

    return write


def test_opentt_is_registered_by_name_and_keeps_the_contract(tmp_path: Path, write_game: Callable[..., None]) -> None:
    assert datasets.get("opentt") is OpenTT
    check_constructor("datasets", OpenTT)
    write_game(markup(3, 4, 20))
    check_dataset(OpenTT(root=tmp_path, gap=5), "train")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_videos_and_markups_is_found(
    tmp_path: Path, write_game: Callable[..., None], layout: str
) -> None:
    write_game(markup(0, 1), layout=layout)
    dataset = OpenTT(root=tmp_path)
    assert dataset.splits == ("train",)
    assert [clip.name for clip in dataset.clips("train")] == ["game_1/000000"]


def test_a_clip_goes_from_its_first_label_to_its_last_and_gaps_are_unlabelled(
    tmp_path: Path, write_game: Callable[..., None]
) -> None:
    write_game({**markup(7, 10), "8": {"x": -1, "y": -1}})
    (clip,) = OpenTT(root=tmp_path).clips("train")
    assert isinstance(clip.frames, FrameSource)
    assert (clip.name, len(clip), len(clip.frames)) == ("game_1/000007", 4, 4)
    assert (clip.frames.size, clip.frames.fps) == ((64, 36), 120.0)
    np.testing.assert_array_equal(clip.visibility, [1, Visibility.ABSENT, Visibility.UNLABELLED, 1])
    np.testing.assert_array_equal(clip.xy, [[17, 20], [NAN, NAN], [NAN, NAN], [20, 20]])


def test_the_frames_of_a_clip_are_those_of_the_video_from_its_first_label_on(
    tmp_path: Path, write_game: Callable[..., None]
) -> None:
    write_game(markup(7, 10))
    (clip,) = OpenTT(root=tmp_path).clips("train")
    greys = [float(frame.mean()) for frame in pickle.loads(pickle.dumps(clip.frames)).read([0, 3])]
    assert greys == pytest.approx([35, 50], abs=2)
    assert next(iter(clip.frames.read([1], (32, 18)))).shape == (18, 32, 3)
    assert [frame.number for frame in clip.frames.play(start=1)] == [1, 2, 3]
    assert clip.frames.times == pytest.approx([0, 1 / 120, 2 / 120, 3 / 120], abs=1e-4)
    with pytest.raises(DataError, match="frame 4 lies outside of a clip of 4 frames"):
        clip.frames.read([4])


def test_clips_of_a_video_differ_in_fingerprint(tmp_path: Path, write_game: Callable[..., None]) -> None:
    write_game(markup(1, 9))
    one, other = OpenTT(root=tmp_path, gap=0).clips("train")
    assert one.frames.fingerprint() != other.frames.fingerprint()


@pytest.mark.parametrize(
    ("gap", "lengths"), [(0, {2: 2, 6: 1, 20: 1}), (1, {2: 2, 6: 1, 20: 1}), (2, {2: 5, 20: 1}), (120, {2: 19})]
)
def test_labels_farther_apart_than_the_gap_begin_a_clip(
    tmp_path: Path, write_game: Callable[..., None], gap: int, lengths: dict[int, int]
) -> None:
    write_game(markup(20, 6, 2, 3))  # in no order; 2 frames lie between 3 and 6
    clips = OpenTT(root=tmp_path, gap=gap).clips("train")
    assert {clip.name: len(clip) for clip in clips} == {f"game_1/{start:06d}": n for start, n in lengths.items()}


def test_splits_go_by_video_and_the_published_one_is_known_by_name(
    tmp_path: Path, write_game: Callable[..., None]
) -> None:
    names = ("game_1", "game_4", "game_5", "game_10", "test_2", "test_7")
    for name in names:
        write_game(markup(0), name=name, frames=2)
    dataset = OpenTT(root=tmp_path)
    found = {split: [clip.name.split("/")[0] for clip in dataset.clips(split)] for split in dataset.splits}
    assert found == {"train": ["game_1", "game_4", "game_10"], "val": ["game_5"], "test": ["test_2", "test_7"]}
    published = OpenTT.published_splits["opentt"]
    assert isinstance(published, dict)
    chosen = {s: [n for n in names if fnmatchcase(f"{n}/000000", published[s][0])] for s in published}
    assert chosen == {"train": ["game_1", "game_4", "game_5", "game_10"], "test": ["test_2", "test_7"]}


@pytest.mark.parametrize(
    ("labels", "frames", "clip", "message"),
    [
        (None, 3, "game_1/markup", r"there is no game_1/ball_markup\.json here, but the rest of game_1"),
        (markup(0), 0, "game_1/video", r"there is no game_1\.mp4 here, but the rest of game_1"),
        ("{", 3, "game_1/markup", r"ball_markup\.json: this label file cannot be read as JSON"),
        (200_000 * "[", 3, "game_1/markup", r"ball_markup\.json: this label file cannot be read as JSON"),
        (f'{{"0": {{"x": {10**400}, "y": 2}}}}', 3, "game_1/markup", r'frame "0" is \{"x": 10+; expected'),
        (f'{{"{10**400}": {{"x": 1, "y": 2}}}}', 3, "game_1/markup", r'frame "10+" is .*; expected a frame number'),
        ("{}", 3, "game_1/markup", r"ball_markup\.json: expected .*with one frame or more"),
        ('{"0": {"x": 1, "y": 2},\n"1": {"x": 3}}', 3, "game_1/markup", r'json:2: frame "1" is \{"x": 3\}; expected'),
        ('{"one": {"x": 1, "y": 2}}', 3, "game_1/markup", r'frame "one" is'),
        ('{"-2": {"x": 1, "y": 2}}', 3, "game_1/markup", "json:1: there is no frame -2"),
        (markup(3), 3, "game_1/000003", r"json:2: a label for frame 3, but .*game_1\.mp4 has 3 frames \(0 to 2\)"),
    ],
)
def test_a_broken_video_is_an_error_of_its_own_and_hides_no_other(
    tmp_path: Path,
    write_game: Callable[..., None],
    labels: dict[str, Any] | str | None,
    frames: int,
    clip: str,
    message: str,
) -> None:
    (tmp_path / "game_1").mkdir()
    write_game(labels, frames=frames)
    write_game(markup(1), name="game_2", frames=3)
    clips = OpenTT(root=tmp_path).clips("train")
    assert clips.names == (clip, "game_2/000001")
    assert len(clips[1]) == 1
    with pytest.raises(DataError, match=message):
        clips[0]


def test_a_place_outside_of_the_picture_is_unlabelled_with_a_warning(
    tmp_path: Path, write_game: Callable[..., None]
) -> None:
    write_game({"0": {"x": 30, "y": 20}, "1": {"x": 1900, "y": 20}, "2": {"x": NAN, "y": 20}})
    with pytest.warns(LabelWarning, match=r"outside the 64x36 image: 2 \(line 6, 10\)"):
        (clip,) = OpenTT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, -1, -1])


def test_a_wrong_root_or_split_says_what_is_expected(tmp_path: Path, write_game: Callable[..., None]) -> None:
    with pytest.raises(DataError, match=r"there is no game_1\.mp4, test_1\.mp4, … here\. Set data\.root"):
        OpenTT(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        OpenTT()
    write_game(markup(0), frames=1)
    with pytest.raises(DataError, match="no video of the split 'test', only of train"):
        OpenTT(root=tmp_path).clips("test")


def test_a_negative_gap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'gap' is -1; expected a number of frames, 0 or more"):
        OpenTT(root=tmp_path, gap=-1)
