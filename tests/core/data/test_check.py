"""A sound dataset is clean; each fault is named, with its clip, and nothing else."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, FloatArray, FrameSource, IntArray, Size, Visibility, plain_labels
from tracknet_core.data.check import check_data
from tracknet_core.data.check_report import Fault, Report
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.labels import Label, label_frames
from tracknet_core.video import ImageFrames, VideoFrames, write_video

WIDTH, HEIGHT, COUNT = 320, 180, 40


class Arrays(FrameSource):
    """Frames in memory, which count how often each is read."""

    fps = 30.0
    size: Size = (0, 0)

    def __init__(self, frames: np.ndarray, file: str | None = None) -> None:
        self.frames = frames
        self.file = file
        self.size = (frames.shape[2], frames.shape[1])
        self.reads: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def fingerprint(self) -> str | None:
        return self.file

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[np.ndarray]:
        assert size == self.size
        for number in indices:
            self.reads.append(number)
            yield self.frames[number]


def flight(seed: int = 0) -> np.ndarray:
    """A ball that bounces between the borders at (9, 5.4) pixels per frame."""
    t = np.arange(COUNT) * 9.0
    x = 20 + np.abs((t + 30 * (seed + 1)) % 560 - 280)
    y = 20 + np.abs((0.6 * t + 17 * (seed + 1)) % 280 - 140)
    return np.stack([x, y], axis=1).astype(np.float32)


def film(seed: int = 0) -> np.ndarray:
    """The spot of ``flight`` on a texture of its own, with noise."""
    rng = np.random.default_rng(seed)
    texture = rng.integers(40, 120, (HEIGHT // 6, WIDTH // 8)).repeat(6, axis=0).repeat(8, axis=1)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.empty((COUNT, HEIGHT, WIDTH, 3), np.uint8)
    for number, (x, y) in enumerate(flight(seed)):
        spot = 130 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 1.5**2))
        frames[number] = (texture + spot + rng.normal(0, 2, texture.shape)).clip(0, 255).astype(np.uint8)[..., None]
    return frames


@pytest.fixture(scope="module")
def films() -> list[np.ndarray]:
    return [film(seed) for seed in range(3)]


@pytest.fixture
def rally(films: list[np.ndarray]) -> Callable[..., Clip]:
    """A well-labelled clip, with the changes of a test."""

    def rally(
        seed: int = 0, xy: FloatArray | None = None, visibility: IntArray | None = None, **changes: object
    ) -> Clip:
        xy = flight(seed) if xy is None else xy
        visibility = np.full(COUNT, Visibility.EASY, np.int64) if visibility is None else visibility
        return Clip(f"match{seed}/1", Arrays(films[seed]), plain_labels(xy, visibility)).replace(**changes)

    return rally


def found(report: Report) -> list[tuple[str, str, str | None]]:
    return [(fault.severity, fault.kind, fault.clip) for fault in report.faults]


def only(report: Report) -> Fault:
    assert len(report.faults) == 1, report.as_text()
    return report.faults[0]


def check(clip: Clip) -> Report:
    return check_data({"train": [clip]})


# ------------------------------------------------------------------------------------------------ sound data


def test_sound_clips_are_clean(rally):
    report = check_data({"train": [rally(0), rally(1)], "val": [rally(2)]})
    assert report.faults == ()
    assert not report.wrong
    assert report.as_text().endswith("3 clips and 120 frames checked: no faults.")


def test_every_frame_is_read_once(rally):
    clip = rally()
    check(clip)
    assert clip.frames.reads == list(range(COUNT))


def test_several_jobs_find_the_same_and_tell_of_every_clip_in_order(rally):
    late = rally(1, xy=np.roll(flight(1), 1, axis=0))
    splits = {"train": [rally(0), late], "val": [rally(2)]}
    names: list[str] = []
    assert check_data(splits, jobs=3, on_clip=names.append) == check_data(splits)
    assert names == ["match0/1", "match1/1", "match2/1"]


def test_no_jobs_are_refused(rally):
    with pytest.raises(ValueError, match="jobs is 0"):
        check_data({"train": [rally()]}, jobs=0)


def test_statistics_count_every_code_and_measure_the_speed(rally):
    visibility = np.full(COUNT, Visibility.EASY, np.int64)
    visibility[:8], visibility[8:10], visibility[10:13] = Visibility.ABSENT, Visibility.HARD, Visibility.OCCLUDED
    visibility[13:15] = Visibility.UNLABELLED
    statistics = check_data({"train": [rally(visibility=visibility)], "val": []}).statistics
    train = statistics["train"]
    assert (train.clips, train.frames) == (1, 40)
    assert (train.easy, train.hard, train.occluded, train.absent, train.unlabelled) == (25, 2, 3, 8, 2)
    assert train.without_ball == pytest.approx(8 / 38)
    assert train.speed_median == pytest.approx(np.hypot(9, 5.4), rel=1e-4)
    steps = [np.hypot(*step) for at, step in enumerate(np.diff(flight(), axis=0)) if at == 8 or at >= 15]
    assert train.speed_p95 == pytest.approx(np.percentile(steps, 95), rel=1e-4)
    assert statistics["val"].frames == 0
    assert statistics["val"].speed_median is None
    assert statistics["val"].without_ball is None


# --------------------------------------------------------------------------------------- labels and pictures


def test_labels_a_frame_late_are_a_suspicion(rally):
    report = check(rally(xy=np.roll(flight(), 1, axis=0)))
    assert found(report) == [("suspicion", "time", "match0/1")]
    assert "1 frame late" in only(report).message
    assert "lower the frame numbers of the labels by 1" in only(report).message
    assert report.wrong


def test_labels_two_frames_early_are_a_suspicion(rally):
    message = only(check(rally(xy=np.roll(flight(), -2, axis=0)))).message
    assert "2 frames early" in message
    assert "raise the frame numbers of the labels by 2" in message


def test_labels_of_a_smaller_picture_are_a_suspicion(rally):
    report = check(rally(xy=flight() * np.float32(0.8)))
    assert found(report) == [("suspicion", "scale", "match0/1")]
    assert "256x144" in only(report).message
    assert "multiply x by 1.25 and y by 1.25" in only(report).message


def test_fractions_in_place_of_pixels_are_a_suspicion(rally):
    message = only(check(rally(xy=flight() / np.array((WIDTH, HEIGHT), np.float32)))).message
    assert "fractions of width and height" in message
    assert "multiply x by 320 and y by 180" in message


def test_labels_that_drift_off_the_ball_are_a_suspicion(rally):
    report = check(rally(xy=flight() + np.linspace(0, 25, COUNT, dtype=np.float32)[:, None]))
    assert found(report) == [("suspicion", "drift", "match0/1")]
    assert "The labels seem to lie beside the ball: in " in only(report).message
    assert report.wrong


# -------------------------------------------------------------------------------------------- labels alone


def test_other_numbers_of_labels_than_frames_are_an_error(rally):
    report = check(rally(xy=flight()[:-1], visibility=np.ones(COUNT - 1, np.int64)))
    assert found(report) == [("error", "frames", "match0/1")]
    assert "40 frames" in only(report).message
    assert report.statistics["train"].clips == 0


def test_unknown_codes_are_an_error(rally):
    visibility = np.ones(COUNT, np.int64)
    visibility[[3, 4, 9]] = 7
    fault = only(check(rally(visibility=visibility)))
    assert (fault.severity, fault.kind, fault.frames) == ("error", "labels", (3, 4, 9))
    assert "3 frames (3-4, 9)" in fault.message


def test_labels_that_end_early_are_a_warning(rally):
    visibility = np.ones(COUNT, np.int64)
    visibility[-3:] = Visibility.UNLABELLED
    report = check(rally(visibility=visibility))
    assert found(report) == [("warning", "frames", "match0/1")]
    assert only(report).frames == (37, 38, 39)
    assert not report.wrong


def test_a_few_frames_without_a_label_are_a_warning(rally):
    visibility = np.ones(COUNT, np.int64)
    visibility[[5, 20]] = Visibility.UNLABELLED
    fault = only(check(rally(visibility=visibility)))
    assert (fault.severity, fault.kind, fault.frames) == ("warning", "frames", (5, 20))


def test_sparse_labels_are_no_fault(rally):
    visibility = np.where(np.arange(COUNT) % 5 == 0, Visibility.EASY, Visibility.UNLABELLED)
    assert check(rally(visibility=visibility)).faults == ()


def test_no_label_at_all_is_a_warning(rally):
    fault = only(check(rally(visibility=np.full(COUNT, Visibility.UNLABELLED))))
    assert (fault.severity, fault.kind) == ("warning", "frames")


def test_a_split_without_a_ball_is_a_suspicion(rally):
    visibility = np.full(COUNT, Visibility.ABSENT, np.int64)
    visibility[:3] = Visibility.UNLABELLED
    nowhere = np.full((COUNT, 2), np.nan, np.float32)
    blind = rally(0, xy=nowhere, visibility=visibility)
    report = check_data({"train": [blind, rally(1)], "val": [rally(2, xy=nowhere, visibility=visibility)]})
    assert ("suspicion", "labels", None) in found(report)
    [fault] = [fault for fault in report.faults if fault.kind == "labels"]
    assert fault.split == "val"
    assert fault.message.startswith("None of the 37 labelled frames shows a ball.")
    assert report.wrong


def test_places_in_absent_frames_are_a_warning_of_the_reader(rally, tmp_path: Path):
    path = tmp_path / "a.csv"

    def opened() -> Clip:
        labels = [Label(number + 2, number, Visibility.ABSENT, *flight()[number].tolist()) for number in range(COUNT)]
        places = label_frames(path, labels, source=path, count=COUNT, size=(WIDTH, HEIGHT))
        return rally().replace(labels=plain_labels(*places))

    report = check_data({"train": LazyClips({"match0/1": opened})})
    assert found(report) == [("warning", "labels", "match0/1"), ("suspicion", "labels", None)]
    assert "'no ball', but have a place inside the image: 40 of 40 (line 2, 3, " in report.faults[0].message


def test_a_visible_ball_without_a_place_is_an_error(rally):
    xy = flight()
    xy[7, 1] = np.nan
    fault = only(check(rally(xy=xy)))
    assert (fault.severity, fault.kind, fault.frames) == ("error", "place", (7,))


def test_a_visible_ball_outside_of_the_image_is_an_error(rally):
    xy = flight()
    xy[7], xy[8] = (WIDTH - 0.4, 10), (-0.5, HEIGHT - 0.5)  # the edge of the last pixel is WIDTH - 0.5
    fault = only(check(rally(xy=xy)))
    assert (fault.severity, fault.kind, fault.frames) == ("error", "place", (7,))
    assert "320x180" in fault.message


def test_a_visible_ball_at_zero_is_a_sentinel(rally):
    xy = flight()
    xy[[4, 20]] = 0
    fault = only(check(rally(xy=xy)))
    assert (fault.severity, fault.kind, fault.frames) == ("error", "sentinel", (4, 20))


def test_a_place_that_the_ball_jumps_to_again_and_again_is_a_suspicion(rally):
    xy = flight()
    xy[[4, 5, 18, 30]] = 315, 175
    fault = only(check(rally(xy=xy)))
    assert (fault.severity, fault.kind, fault.frames) == ("suspicion", "sentinel", (4, 18, 30))
    assert "(315, 175)" in fault.message


def test_a_ball_at_rest_is_no_sentinel(rally):
    xy = flight()
    xy[15:] = xy[15]
    assert check(rally(xy=xy)).faults == ()


# --------------------------------------------------------------------------------------------------- files


def test_a_clip_that_cannot_be_opened_hides_no_other(rally):
    def broken() -> Clip:
        raise DataError("match9/csv/1_ball.csv: there is no such label file.")

    late = rally(1, xy=np.roll(flight(1), 1, axis=0))
    names: list[str] = []
    clips = LazyClips({"match9/1": broken, "match1/1": lambda: late})
    report = check_data({"train": clips}, on_clip=names.append)
    assert found(report) == [("error", "unreadable", "match9/1"), ("suspicion", "time", "match1/1")]
    assert report.statistics["train"].clips == 1
    assert names == ["match9/1", "match1/1"]


def test_a_split_that_cannot_be_listed_is_an_error_of_the_split(rally):
    class Splits(dict):
        def __getitem__(self, split):
            if split == "val":
                raise DataError("match3/video/1.mp4 has no csv/1_ball.csv.")
            return super().__getitem__(split)

    report = check_data(Splits(train=[rally()], val=[]))
    assert found(report) == [("error", "unreadable", None)]
    assert report.faults[0].split == "val"


def test_warnings_of_the_reader_are_findings_of_their_clip(rally):
    visibility = np.ones(COUNT, np.int64)
    visibility[[5, COUNT - 1]] = Visibility.UNLABELLED

    def nan() -> Clip:
        warnings.warn("1_ball.csv: rows that say 'visible', but have NaN: 2 (line 7, 41).", LabelWarning, stacklevel=1)
        return rally(0, visibility=visibility)

    report = check_data({"train": LazyClips({"match0/1": nan, "match1/1": lambda: rally(1)})})
    assert found(report) == [("warning", "labels", "match0/1")]
    assert "line 7" in only(report).message
    assert not report.wrong


def test_a_broken_image_is_an_error_that_names_it(rally, films, tmp_path: Path):
    paths = [tmp_path / f"{number:04d}.png" for number in range(COUNT)]
    for path, frame in zip(paths, films[0], strict=True):
        Image.fromarray(frame).save(path)
    paths[25].write_bytes(paths[25].read_bytes()[:2000])
    report = check(rally(frames=ImageFrames(paths, fps=30)))
    assert found(report) == [("error", "pictures", "match0/1")]
    assert str(paths[25]) in only(report).message


def test_a_video_whose_data_is_damaged_is_an_error(rally, films):
    file = io.BytesIO()
    write_video(file, films[0], fps=30)
    data = bytearray(file.getvalue())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    report = check(rally(frames=VideoFrames(bytes(data), name="rally.mp4")))
    assert found(report) == [("error", "pictures", "match0/1")]
    assert "rally.mp4: frame" in only(report).message


@pytest.mark.parametrize(("gap", "faults"), [(1, []), (4, [("warning", "rate", "match0/1")])])
def test_a_variable_frame_rate_is_a_warning(rally, films, gap, faults):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "15"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        for number, picture in enumerate(films[0]):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = number if number < 12 else number - 1 + gap
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    report = check(rally(frames=VideoFrames(file.getvalue())))
    assert found(report) == faults
    if faults:
        assert only(report).frames == (12,)
        assert "4 times" in only(report).message


# ---------------------------------------------------------------------------------------------- duplicates


def test_the_same_pictures_in_two_splits_are_an_error(rally, films):
    file = io.BytesIO()
    write_video(file, films[0], fps=30, crf=28)
    again = rally(0, name="copy/1", frames=VideoFrames(file.getvalue()))
    report = check_data({"train": [rally(0), rally(1)], "val": [rally(2), again]})
    assert found(report) == [("error", "duplicate", "copy/1")]
    assert "match0/1 in the split 'train'" in only(report).message


def test_the_same_file_in_two_splits_is_an_error(rally, films):
    first = rally(0, frames=Arrays(films[0], "rally.mp4 1000"))
    other = rally(1, frames=Arrays(films[1], "rally.mp4 1000"))
    assert found(check_data({"train": [first], "val": [other]})) == [("error", "duplicate", "match1/1")]


def test_the_same_pictures_twice_in_one_split_do_not_leak(rally):
    assert check_data({"train": [rally(0), rally(0, name="again/1")]}).faults == ()


def test_a_player_who_stands_elsewhere_makes_another_clip(rally, films):
    moved = films[0].copy()
    moved[:, 100:125, 200:212] = 20
    report = check_data({"train": [rally(0)], "val": [rally(0, name="next/1", frames=Arrays(moved))]})
    assert "duplicate" not in [fault.kind for fault in report.faults]


# ------------------------------------------------------------------------------------------------- reports


@pytest.fixture
def report(rally) -> Report:
    visibility = np.ones(COUNT, np.int64)
    visibility[5] = Visibility.UNLABELLED
    late = rally(1, xy=np.roll(flight(1), 1, axis=0))
    return check_data({"train": [rally(0, visibility=visibility), late], "val": [rally(2)]})


def test_text_has_the_worst_first_then_the_table_then_the_sum(report):
    suspicion, warning, table, total = report.as_text().split("\n\n")
    assert suspicion.startswith("suspicion: match1/1 (time)\n")
    assert warning.startswith("warning: match0/1 (frames)\n")
    assert [line.split()[:4] for line in table.splitlines()] == [
        ["split", "clips", "frames", "easy"],
        ["train", "2", "80", "79"],
        ["val", "1", "40", "40"],
    ]
    assert total == "3 clips and 120 frames checked: 1 suspicion, 1 warning."


def test_the_dict_is_plain_json(report):
    plain = report.as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["wrong"] is True
    assert plain["faults"][0]["frames"] == [5]
    assert plain["statistics"]["val"]["easy"] == 40
