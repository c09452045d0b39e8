"""The basketball reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.testing import check_dataset
from tracknet_plugins.datasets.basketball import Basketball

NAN = np.nan
GAME = "21800909"  # of the split train
# fmt: off
TEST_GAMES = {
    21800974, 21801076, 21801079, 21800970, 21800965, 21801165, 21801071, 21801049, 21801070, 21800977,
    21801162, 21801120, 21801007, 21801078, 21801123, 21801188, 21801038, 21800978, 21801159, 21801152,
    21801204, 21801229, 21800988, 21801077, 21801153, 21801063, 21801096, 21801105, 21801050, 21801129,
}
# fmt: on


def point(frame: int, place: str, occluded: int = 0, outside: int = 0) -> str:
    return (
        f'<points frame="{frame}" outside="{outside}" occluded="{occluded}" keyframe="1" points="{place}"></points>\n'
    )


def track(*shapes: str) -> str:
    return f'<track id="0" label="ball" source="manual">\n{"".join(shapes)}</track>\n'


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a clip of 64x36 images, image n of grey level 10 n, and its label file."""

    def write_clip(name: str, *tracks: str, images: int = 1, prefix: str = "task_7_") -> Path:
        game, clip = name.split("/")
        for number in range(images):
            folder = tmp_path / "videos" / game / clip
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 36), (10 * number,) * 3).save(folder / f"{number:06d}.jpg")
        path = tmp_path / "ball-annos" / game / f"{prefix}{clip}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>\n'
            f"{''.join(tracks)}</annotations>\n"
        )
        return path

    return write_clip


def test_basketball_keeps_the_contract(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/99", track(point(0, "30.00,20.00"), point(2, "32,22", occluded=1)), images=3)
    check_dataset(Basketball(root=tmp_path), "train")


def test_a_ball_is_visible_unless_occluded_and_absent_where_unmarked(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    shapes = track(point(0, "30.50,20.00"), point(1, "31,21", outside=1), point(3, "33,23", occluded=1))
    write_clip(f"{GAME}/99", shapes, images=4)
    (clip,) = Basketball(root=tmp_path).clips("train")
    assert (clip.name, clip.frames.fps, clip.frames.size) == (f"{GAME}/99", 12, (64, 36))
    np.testing.assert_array_equal(clip.visibility, [1, 1, 0, 3])
    np.testing.assert_array_equal(clip.xy, [[30.5, 20], [31, 21], [NAN, NAN], [33, 23]])


def test_labels_belong_to_the_image_of_their_number(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/99", track(point(2, "32,22")), images=3)
    (tmp_path / "videos" / GAME / "99" / "000000.jpg").unlink()
    (clip,) = Basketball(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 1])
    (frame,) = clip.frames.read([1])
    assert round(float(frame.mean())) == 20


def test_where_one_track_ends_the_next_one_counts_and_of_several_points_the_first(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    first = track(point(0, "10,10"), point(1, "11,11", outside=1), point(2, "12,12", outside=1))
    second = track(point(1, "21,21;25,25"), point(2, "22,22", outside=1))
    write_clip(f"{GAME}/99", first, second, images=3)
    (clip,) = Basketball(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.xy, [[10, 10], [21, 21], [22, 22]])


def test_two_balls_in_a_frame_are_an_error_with_both_lines(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/99", track(point(0, "10,10")), track(point(0, "20,20")))
    with pytest.raises(DataError, match=r"task_7_99\.xml:7: frame 0 has a label already, in line 4"):
        list(Basketball(root=tmp_path).clips("train"))


def test_places_outside_the_image_are_unlabelled_with_a_warning(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip(f"{GAME}/99", track(point(0, "64,10"), point(1, "nan,10")), images=3)
    with pytest.warns(LabelWarning, match=r"99\.xml: .* outside the 64x36 image: 2 \(line 4, 5\)"):
        (clip,) = Basketball(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 0])


def test_splits_go_by_game(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    for name in (f"{GAME}/10", f"{GAME}/9", "21800900/1", "21800974/1", "mine/1"):
        write_clip(name, track(point(0, "10,10")))
    dataset = Basketball(root=tmp_path)
    assert dataset.splits == ("train", "val", "test")
    names = {split: dataset.clips(split).names for split in dataset.splits}
    assert names == {
        "train": ("mine/1", f"{GAME}/9", f"{GAME}/10"),
        "val": ("21800900/1",),
        "test": ("21800974/1",),
    }
    with pytest.raises(DataError, match="no game of the split 'night' here"):
        dataset.clips("night")


def test_the_split_of_wasb_tests_on_30_games_and_trains_on_all_others() -> None:
    split = Basketball.published_splits["wasb"]
    games = [str(number) for number in range(21800900, 21801231)] + ["mine", "2180", "218009745", ""]
    assert len(TEST_GAMES) == 30
    for game in games:
        matched = {
            name for name, patterns in split.items() if any(fnmatchcase(f"{game}/12", pattern) for pattern in patterns)
        }
        assert matched == {"test" if game in map(str, TEST_GAMES) else "train"}, game


def test_games_that_nobody_labelled_are_left_out(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/1", track(point(0, "10,10")))
    (tmp_path / "videos" / "21800908" / "1").mkdir(parents=True)
    assert Basketball(root=tmp_path).clips("train").names == (f"{GAME}/1",)


def test_clips_without_a_visible_ball_are_left_out_on_request(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/1", track(point(0, "10,10")))
    write_clip(f"{GAME}/2", track(point(0, "10,10", occluded=1)))
    write_clip(f"{GAME}/3")
    write_clip(f"{GAME}/4").write_text("<annotations>")
    assert Basketball(root=tmp_path).clips("train").names == tuple(f"{GAME}/{clip}" for clip in (1, 2, 3, 4))
    assert Basketball(root=tmp_path, visible_only=True).clips("train").names == (f"{GAME}/1", f"{GAME}/4")


def test_a_lonely_clip_is_an_error_of_that_clip_alone(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/1", track(point(0, "10,10")))
    write_clip(f"{GAME}/2").unlink()
    write_clip(f"{GAME}/3", images=0)
    write_clip(f"{GAME}/1", images=0, prefix="copy_")
    clips = Basketball(root=tmp_path).clips("train")
    assert clips.names == (f"{GAME}/1", f"{GAME}/2", f"{GAME}/3")
    with pytest.raises(DataError, match=r"expected one label file .*/\*_1\.xml; found: copy_1\.xml, task_7_1\.xml"):
        clips[0]
    with pytest.raises(DataError, match=r"expected one label file .*/\*_2\.xml; found: none"):
        clips[1]
    with pytest.raises(DataError, match="3: there are no images here"):
        clips[2]


def test_a_label_for_an_image_that_is_not_there_is_named(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(f"{GAME}/1", track(point(7, "10,10")))
    with pytest.raises(DataError, match=r"1\.xml:4: a label for frame 7, but there is no image of that number"):
        list(Basketball(root=tmp_path).clips("train"))


def test_a_wrong_root_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no game in ball-annos\. Set data\.root to what holds videos/"):
        Basketball(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Basketball()
    with pytest.raises(ValueError, match="'fps' is 0"):
        Basketball(root=tmp_path, fps=0)
