"""The soccer reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import DataError
from tracknet_core.testing import check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.soccer import Soccer

NAN = np.nan


def ball(frame: int, place: str, used: str | None = "1", occluded: int = 0, outside: int = 0) -> str:
    attribute = "" if used is None else f'<attribute name="used_in_game">{used}</attribute>'
    return (
        f'<points frame="{frame}" outside="{outside}" occluded="{occluded}" keyframe="1" points="{place}">'
        f"{attribute}</points>\n"
    )


@pytest.fixture
def write_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write the 64x36 pictures of a camera, picture n of grey level 20 n, and its labels, one track per argument."""

    def write_clip(name: str, *tracks: str, images: int = 0, video: int = 0) -> Path:
        for folder in ("annos", "videos"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(images):
            (tmp_path / "frames" / name).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 36), (20 * number,) * 3).save(tmp_path / "frames" / name / f"{number:05d}.png")
        if video:
            pictures = [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(video)]
            write_video(tmp_path / "videos" / f"{name}.avi", pictures, fps=25)
        path = tmp_path / "annos" / f"{name}.xml"
        body = "".join(f'<track id="{i}" label="ball">\n{shapes}</track>\n' for i, shapes in enumerate(tracks))
        path.write_text(f"<annotations><version>1.1</version>\n{body}</annotations>")
        return path

    return write_clip


def test_soccer_keeps_the_contract_with_images_and_with_a_video(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("ID-1", ball(1, "30,20"), images=3)
    write_clip("ID-2", ball(1, "30,20"), video=3)
    check_dataset(Soccer(root=tmp_path), "train")


def test_only_the_ball_in_play_inside_the_frame_counts(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    in_play = ball(0, "30.5,20") + ball(2, "32,22", occluded=1) + ball(3, "33,23", outside=1)
    spare = ball(0, "5,5", used="0") + ball(1, "5,5", used="0") + ball(2, "5,5", used="0", outside=1)
    write_clip("ID-1", in_play, spare, images=4)
    (clip,) = Soccer(root=tmp_path).clips("train")
    assert (clip.name, clip.frames.fps, len(clip)) == ("ID-1", 25, 4)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 3, 0])
    np.testing.assert_array_equal(clip.xy, [[30.5, 20], [NAN, NAN], [32, 22], [NAN, NAN]])


def test_images_come_before_the_video_and_are_found_by_number(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("ID-1", ball(2, "32,22"), images=3, video=5)
    (tmp_path / "frames" / "ID-1" / "00000.png").unlink()
    (clip,) = Soccer(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 1])
    (frame,) = clip.frames.read([1])
    assert round(float(frame.mean())) == 40


def test_without_images_the_frames_come_from_the_video(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("ID-1", ball(2, "32,22"), video=4)
    (clip,) = Soccer(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 0, 1, 0])
    (frame,) = clip.frames.read([2])
    assert abs(float(frame.mean()) - 40) < 5


def test_splits_go_by_camera(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    for number in (6, 5, 4, 3, 2, 1, 10):
        write_clip(f"ID-{number}", ball(0, "30,20"), images=1)
    dataset = Soccer(root=tmp_path)
    assert {split: dataset.clips(split).names for split in dataset.splits} == {
        "train": ("ID-1", "ID-2", "ID-3", "ID-10"),
        "val": ("ID-4",),
        "test": ("ID-5", "ID-6"),
    }
    assert Soccer.published_splits["wasb"] == {"train": ["ID-1", "ID-2", "ID-3", "ID-4"], "test": ["ID-5", "ID-6"]}
    with pytest.raises(DataError, match="no camera of the split 'night' here, only of train, val, test"):
        dataset.clips("night")


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ((ball(0, "1,1"), ball(0, "2,2")), r"ID-1\.xml:6: frame 0 has a label already, in line 3"),
        ((ball(0, "1,1", used=None),), r"ID-1\.xml:3: the attribute used_in_game is missing; expected 0 or 1"),
        ((ball(0, "1,1", used="yes"),), r"ID-1\.xml:3: the attribute used_in_game is 'yes'; expected 0 or 1"),
        ((ball(9, "1,1"),), r"ID-1\.xml:3: a label for frame 9, but there is no image of that number"),
    ],
)
def test_a_mark_that_makes_no_sense_is_named_with_its_line(
    tmp_path: Path, write_clip: Callable[..., Path], tracks: tuple[str, ...], message: str
) -> None:
    write_clip("ID-1", *tracks, images=2)
    with pytest.raises(DataError, match=message):
        list(Soccer(root=tmp_path).clips("train"))


def test_a_lonely_camera_is_an_error_of_its_clip_alone(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip("ID-1", ball(0, "1,1"), images=1)
    write_clip("ID-2", ball(0, "1,1"))
    write_clip("ID-3", images=1).unlink()
    clips = Soccer(root=tmp_path).clips("train")
    assert clips.names == ("ID-1", "ID-2", "ID-3")
    assert clips[0].name == "ID-1"
    with pytest.raises(DataError, match=r"ID-2\.avi: there is no such video"):
        clips[1]
    with pytest.raises(DataError, match=r"ID-3\.xml: there is no such label file"):
        clips[2]


def test_an_empty_folder_of_images_and_a_name_without_a_number_are_errors(
    tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    write_clip("ID-1", images=1)
    image = tmp_path / "frames" / "ID-1" / "00000.png"
    image.rename(image.with_name("first.png"))
    with pytest.raises(DataError, match=r"first\.png: the name of this image ends with no frame number"):
        list(Soccer(root=tmp_path).clips("train"))
    image.with_name("first.png").unlink()
    with pytest.raises(DataError, match="ID-1: there are no images here"):
        list(Soccer(root=tmp_path).clips("train"))


def test_a_wrong_root_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no camera here\. Set data\.root to what holds annos/ID-1\.xml"):
        Soccer(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        Soccer()
    with pytest.raises(ValueError, match="'fps' is -1"):
        Soccer(root=tmp_path, fps=-1)
