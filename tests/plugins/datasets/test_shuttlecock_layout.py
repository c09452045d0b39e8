"""Clips of any reader in the layout of TrackNetV3, and back."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.contracts import Clip, FrameSource, Labels, Size, UInt8Array, Visibility, plain_labels
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.registry import datasets
from tracknet_core.video import VideoFrames, write_video
from tracknet_plugins.datasets.shuttlecock_layout import convert, rally_paths

MakeClip = Callable[[str, int], Clip]


class MemoryFrames(FrameSource):
    """Pictures of noise."""

    fps = 25.0
    size = (128, 96)

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        for index in indices:
            yield np.random.default_rng(index).integers(0, 256, (96, 128, 3), np.uint8)


@pytest.fixture
def clip() -> MakeClip:
    """Make a clip of a ball that moves 5 px to the right in each frame."""

    def make(name: str, frames: int) -> Clip:
        xy = np.float32([(10 + 5 * i, 48) for i in range(frames)])
        return Clip(name, MemoryFrames(frames), plain_labels(xy, np.full(frames, Visibility.EASY, np.int64)))

    return make


@pytest.fixture
def labelled(clip: MakeClip) -> Callable[[str], Clip]:
    """A clip whose labels have every code, places between pixels, and an occluded ball with and without a place."""

    def make(name: str) -> Clip:
        xy = np.full((7, 2), np.nan, np.float32)
        xy[0], xy[1], xy[2] = (np.float32(1) / 3, 95.4999), (0, 0), (127.49, np.pi)
        visibility = np.array([1, 2, 3, 3, 0, -1, 0])
        return clip(name, 7).replace(labels=plain_labels(xy, visibility))

    return make


@pytest.mark.parametrize("frames", ["video", "images"])
def test_labels_come_back_exactly(tmp_path: Path, labelled: Callable[[str], Clip], frames: str) -> None:
    original = labelled("game3/Clip1")
    done = convert({"train": [original], "test": [labelled("game9/Clip1")]}, tmp_path / "out", frames=frames)  # type: ignore[arg-type]
    assert done.rallies == [("game3/Clip1", "train/match3/Clip1"), ("game9/Clip1", "test/match9/Clip1")]
    reader = datasets.get("shuttlecock")(root=tmp_path / "out", frames=frames, fps=25.0)
    for split in ("train", "test"):
        (back,) = reader.clips(split)
        np.testing.assert_array_equal(back.visibility, original.visibility)
        np.testing.assert_array_equal(back.xy, original.xy)
        assert (len(back.frames), back.frames.fps, back.frames.size) == (7, 25.0, (128, 96))


def test_streaks_come_back(tmp_path: Path, clip: MakeClip) -> None:
    points = np.full((4, 2, 2), np.nan, np.float32)
    points[0], points[1] = ((30, 44), (36, 52)), ((60, 48), (60, 48))
    points[3] = ((9, 70), (13, 67))
    labels = Labels(points, np.array([1, 2, 0, 3]), np.zeros(4, np.float32))
    convert({"train": [clip("a/1", 4).replace(labels=labels)]}, tmp_path / "out")
    lines = (tmp_path / "out/train/match1/csv/1_ball.csv").read_text().splitlines()
    assert lines[0] == "Frame,Visibility,X,Y,Code,HiddenX,HiddenY,Length,Angle"
    assert lines[1] == "0,1,33.0,48.0,1,,,10.0,53.13"  # a triangle of 6, 8 and 10

    (back,) = datasets.get("shuttlecock")(root=tmp_path / "out", streaks=True).clips("train")
    ends = np.sort(back.labels.points, axis=1)  # which end came first is not said
    np.testing.assert_allclose(ends, np.sort(points, axis=1), atol=0.01)
    (plain,) = datasets.get("shuttlecock")(root=tmp_path / "out").clips("train")
    np.testing.assert_array_equal(plain.labels.points, points.mean(axis=1, keepdims=True))


def test_the_first_columns_are_what_tracknetv3_reads(tmp_path: Path, labelled: Callable[[str], Clip]) -> None:
    convert({"test": [labelled("match1/1_01")]}, tmp_path / "out")
    match = tmp_path / "out/test/match1"
    lines = (match / "csv/1_01_ball.csv").read_text().splitlines()
    assert lines == [
        "Frame,Visibility,X,Y,Code,HiddenX,HiddenY",
        "0,1,0.33333334,95.4999,1,,",
        "1,1,0.0,0.0,2,,",
        "2,0,0,0,3,127.49,3.1415927",
        "3,0,0,0,3,,",
        "4,0,0,0,0,,",
        "6,0,0,0,0,,",
    ]
    assert (match / "corrected_csv/1_01_ball.csv").read_text().splitlines() == lines


def test_images_are_written_without_loss(tmp_path: Path, clip: MakeClip) -> None:
    original = clip("match1/1_01", 3)
    convert({"val": [original]}, tmp_path / "out", frames="images")
    (back,) = datasets.get("shuttlecock")(root=tmp_path / "out", frames="images").clips("val")
    np.testing.assert_array_equal(list(back.frames.read([0, 1, 2])), list(original.frames.read([0, 1, 2])))


def test_a_whole_video_stays_the_original_file(tmp_path: Path, clip: MakeClip) -> None:
    original = clip("match1/1_01", 4)
    write_video(tmp_path / "a film.mp4", original.frames.read(range(4)), fps=30)
    done = convert({"train": [original.replace(frames=VideoFrames(tmp_path / "a film.mp4"))]}, tmp_path / "out")
    video = tmp_path / "out/train/match1/video/1_01.mp4"
    assert done.linked == 1
    assert video.read_bytes() == (tmp_path / "a film.mp4").read_bytes()


def test_a_video_in_memory_is_encoded(tmp_path: Path, clip: MakeClip) -> None:
    original = clip("match1/1_01", 4)
    write_video(tmp_path / "film.mp4", original.frames.read(range(4)), fps=30)
    frames = VideoFrames((tmp_path / "film.mp4").read_bytes())
    done = convert({"train": [original.replace(frames=frames)]}, tmp_path / "out")
    assert done.linked == 0
    assert len(VideoFrames(tmp_path / "out/train/match1/video/1_01.mp4")) == 4


@pytest.mark.parametrize(
    ("names", "matches"),
    [
        (["game7/Clip1", "game10/Clip2"], [7, 10]),
        (["Professional/match1/a", "Amateur/match1/b", "Amateur/match1/c"], [1, 2, 2]),
        (["open/a", "final/a"], [1, 2]),
        (["a", "b"], [1, 2]),
    ],
)
def test_matches_get_whole_numbers(names: list[str], matches: list[int]) -> None:
    ends = [name.rpartition("/")[2] for name in names]
    expected = [f"train/match{number}/{end}" for number, end in zip(matches, ends, strict=True)]
    assert list(rally_paths("train", names).values()) == expected


def test_which_clip_became_which_rally_is_written_down(tmp_path: Path, clip: MakeClip) -> None:
    convert({"train": [clip("open/a, b", 3)]}, tmp_path / "out")
    assert (tmp_path / "out/clips.csv").read_text().splitlines() == ["clip,rally", '"open/a, b","train/match1/a, b"']


def test_a_clip_whose_frames_are_shared_out_is_in_each_split(tmp_path: Path, labelled: Callable[[str], Clip]) -> None:
    done = convert({"train": [labelled("match1/a")], "val": [labelled("match1/a")]}, tmp_path / "out")
    assert done.rallies == [("match1/a", "train/match1/a"), ("match1/a", "val/match1/a")]
    assert "2 rallies" in done.as_text()


def test_a_clip_without_any_label_is_left_out_and_told(tmp_path: Path, clip: MakeClip) -> None:
    bare = clip("match1/b", 3).replace(labels=plain_labels(clip("match1/b", 3).xy, np.full(3, Visibility.UNLABELLED)))
    done = convert({"train": [clip("match1/a", 3), bare]}, tmp_path / "out")
    assert done.unlabelled == ["match1/b"]
    assert "match1/b" in done.as_text()
    assert not list(tmp_path.glob("out/**/b*"))


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, clip: MakeClip) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="something already"):
        convert({"train": [clip("match1/a", 3)]}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failed_conversion_leaves_nothing(tmp_path: Path, clip: MakeClip) -> None:
    broken = clip("match1/b", 3).replace(frames=VideoFrames(tmp_path / "missing.mp4"))
    with pytest.raises(DataError, match=r"missing\.mp4"):
        convert({"train": [clip("match1/a", 3), broken]}, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_half_output_of_an_interrupted_command_is_not_touched(tmp_path: Path, clip: MakeClip) -> None:
    (tmp_path / "out.part").mkdir()
    with pytest.raises(DataError, match=r"out\.part: left by a command that was interrupted"):
        convert({"train": [clip("match1/a", 3)]}, tmp_path / "out")
    assert (tmp_path / "out.part").is_dir()


def test_a_split_that_the_layout_does_not_have_is_refused(tmp_path: Path, clip: MakeClip) -> None:
    with pytest.raises(ConfigError, match="no split 'all', only train, val, test"):
        convert({"all": [clip("match1/a", 3)]}, tmp_path / "out")


def test_two_clips_never_become_one_rally() -> None:
    with pytest.raises(DataError, match="would both become"):
        rally_paths("train", ["a", "a/a"])


def test_names_that_differ_in_capitals_never_become_two_rallies() -> None:
    with pytest.raises(
        DataError, match=r"m/A and m/a would both become train/match1/A, where capitals do not count\. R"
    ):
        rally_paths("train", ["m/a", "m/A"])


def test_a_name_too_long_for_a_label_file_is_told_before_anything_is_written(tmp_path: Path, clip: MakeClip) -> None:
    with pytest.raises(
        DataError, match=r"x: its label file would be called x+_ball\.csv, more than 255 bytes\. Rename"
    ):
        convert({"train": [clip("a", 3), clip("x" * 250, 3)]}, tmp_path / "out")
    assert not list(tmp_path.iterdir())
    assert rally_paths("train", ["x" * 246]) == {"x" * 246: f"train/match1/{'x' * 246}"}


@pytest.mark.parametrize("name", ["../a", "a/..", "/a", "a\0b", "a\ud800", "x" * 300])
def test_a_name_that_leads_elsewhere_is_told(tmp_path: Path, clip: MakeClip, name: str) -> None:
    with pytest.raises(DataError, match=r"the clip name .* Rename the clip"):
        convert({"train": [clip(name, 3)]}, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_match_with_a_number_as_long_as_a_name_is_numbered() -> None:
    assert rally_paths("train", [f"{'9' * 250}/a", "m2/a"]) == {
        f"{'9' * 250}/a": "train/match1/a",
        "m2/a": "train/match2/a",
    }
