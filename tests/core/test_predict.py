"""From videos to rows and pictures: one row per frame, whatever the video is like and however the run ends."""

from __future__ import annotations

import csv
import json
import math
import signal
import threading
import time
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tracknet_core import predict, row_file
from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.contracts import (
    Candidates,
    ClipFacts,
    Detections,
    Output,
    TrackedFrame,
    Tracker,
    TrackPoint,
    Wanted,
    WindowSpec,
    Writer,
)
from tracknet_core.registry import trackers, writers
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.with_torch import detector
from tracknet_core.video import LiveFrames, VideoFrames, write_video
from tracknet_plugins.codecs.streak import Streak
from tracknet_plugins.writers.overlay import Trail

SIZE = (96, 64)
INPUT = (48, 32)


class NoCodec:
    """Takes frames for logits."""

    size = INPUT
    points = 1

    def __init__(self, find: Callable[[Tensor], Detections]) -> None:
        self.decode = find


def place(number: int) -> tuple[int, int]:
    """Centre of the 9x9 ball in frame ``number``."""
    return 10 + (4 * number) % 70, 20 + number % 20


def rally(count: int, size: tuple[int, int] = SIZE, *, without: Iterable[int] = ()) -> Iterator[np.ndarray]:
    """A white ball on black; the frames ``without`` have none."""
    for number in range(count):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        x, y = place(number)
        if number not in without:
            picture[y - 4 : y + 5, x - 4 : x + 5] = 255
        yield picture


def find_white(frames: Tensor) -> Detections:
    """(B, T, 3, H, W) -> the centre of what is white in each frame, and how white that is."""
    weight = (frames.float().mean(2) - 100).clamp(min=0)  # (B, T, H, W)
    total = weight.sum((-2, -1))
    x = (weight.sum(-2) * torch.arange(weight.shape[-1])).sum(-1) / total
    y = (weight.sum(-1) * torch.arange(weight.shape[-2])).sum(-1) / total
    score = weight.amax((-2, -1)) / 155
    return Detections.at(
        torch.stack([x, y], -1).unsqueeze(2).nan_to_num(), score.unsqueeze(-1), (score > 0.5).unsqueeze(-1)
    )


@pytest.fixture
def detect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tensor], Detections]:
    """Let the command find what is white, in windows of three frames; a test may change what it sees."""
    holder: dict[str, Callable[[Tensor], Detections]] = {"find": find_white}

    def load(path: Path, *, device: str, backend: str, later: bool) -> Detector:
        return detector(
            lambda frames: (frames, ()),
            NoCodec(lambda frames: holder["find"](frames)),  # type: ignore[arg-type]
            WindowSpec(3, (0, 1, 2), False, INPUT),
            find_config=lambda: None,  # type: ignore[arg-type, return-value]
        )

    monkeypatch.setattr("tracknet_core.tracking.videos.load_detector", load)
    return holder  # type: ignore[return-value]


@pytest.fixture
def go(detect: Any, tmp_path: Path) -> Callable[..., int]:
    """Run the command into ``out``."""

    checkpoint = tmp_path / "a.ckpt"
    checkpoint.touch()

    def run(*arguments: object) -> int:
        return predict.main(
            [str(checkpoint), "--tracker", "none", *map(str, arguments), "--output", str(tmp_path / "out")]
        )

    return run


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """40 frames at 25 fps; frames 7 and 8 have no ball."""
    path = tmp_path / "rally.mp4"
    write_video(path, rally(40, without=(7, 8)), fps=25, crf=5)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def assert_finds_the_ball(found: list[dict[str, str]], numbers: Iterable[int], *, atol: float = 0.6) -> None:
    assert [int(row["Frame"]) for row in found] == list(numbers)
    for row in found:
        x, y = place(int(row["Frame"]))
        assert row["Visibility"] == "1"
        assert (float(row["X"]), float(row["Y"])) == (pytest.approx(x, abs=atol), pytest.approx(y, abs=atol))


# ---------------------------------------------------------------------------------------------- rows


def test_every_frame_has_a_row_in_pixels_of_the_video(go: Callable[..., int], video: Path, tmp_path: Path) -> None:
    assert go(video) == 0
    path = tmp_path / "out" / "rally.csv"
    assert path.read_text().startswith("Frame,Visibility,X,Y,Confidence,Time,Origin,Track\n")
    found = rows(path)
    assert [int(row["Frame"]) for row in found] == list(range(40))
    assert_finds_the_ball([row for row in found if row["Frame"] not in ("7", "8")], [*range(7), *range(9, 40)])
    without = [[*row.values()] for row in found if row["Frame"] in ("7", "8")]
    assert without == [["7", "0", "0", "0", "0", "0.280000", "", ""], ["8", "0", "0", "0", "0", "0.320000", "", ""]]
    assert sorted(file.name for file in path.parent.iterdir()) == ["rally.csv"]


def test_streaks_have_their_length_and_angle_in_pixels_of_the_video(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codec = Streak(image_size=INPUT, size=INPUT, candidates=1)

    def load(path: Path, *, device: str, backend: str, later: bool) -> Detector:
        return detector(
            lambda frames: ((frames.float().mean(2) - 128) / 10, ()),  # what is white is a ball
            codec,
            WindowSpec(3, (0, 1, 2), False, INPUT),
            find_config=lambda: None,  # type: ignore[arg-type, return-value]
        )

    monkeypatch.setattr("tracknet_core.tracking.videos.load_detector", load)
    checkpoint, video, length = tmp_path / "a.ckpt", tmp_path / "rally.mp4", 24.0
    checkpoint.touch()
    rows_, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    pictures = []
    for number in range(9):
        # A disc of radius 5 that is swept along 24 pixels around (50, 30), turned by 20 degrees from frame to frame.
        angle = np.radians(20 * number)
        x, y = columns - 50, rows_ - 30
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        inside = np.hypot(np.maximum(np.abs(along) - length / 2, 0), across) <= 5
        pictures.append(np.where(inside[..., None], np.uint8(255), np.uint8(0)).repeat(3, axis=2))
    write_video(video, pictures, fps=25, crf=5)

    for form in ("csv", "jsonl"):
        options = ["--output", str(tmp_path / "out"), "--format", form, *(["--overlay"] if form == "csv" else [])]
        assert predict.main([str(checkpoint), str(video), *options]) == 0

    found = rows(tmp_path / "out" / "rally.csv")
    assert [*found[0]][-2:] == ["Length", "Angle"]
    for number, row in enumerate(found):
        assert (float(row["X"]), float(row["Y"])) == (pytest.approx(50, abs=1.0), pytest.approx(30, abs=1.0))
        assert float(row["Length"]) == pytest.approx(length, abs=2.5)
        assert abs((float(row["Angle"]) - 20 * number + 90) % 180 - 90) < 5
    for row, line in zip(found, (tmp_path / "out" / "rally.jsonl").read_text().splitlines(), strict=True):
        ((left, top), (right, bottom)) = json.loads(line)["balls"][0]["points"]
        assert np.hypot(right - left, bottom - top) == pytest.approx(float(row["Length"]), abs=0.01)
    assert (tmp_path / "out" / "rally_overlay.mp4").stat().st_size > 0


def test_json_lines_hold_the_same(go: Callable[..., int], video: Path, tmp_path: Path) -> None:
    assert go(video, "--format", "jsonl") == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "rally.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(40))
    assert lines[7] == {"frame": 7, "time": 0.28, "balls": []}
    assert lines[9]["balls"][0]["x"] == pytest.approx(place(9)[0], abs=0.6)


def test_the_end_of_a_run_tells_what_it_found_and_where_it_lies(
    go: Callable[..., int], video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go(video)
    told = capsys.readouterr().out
    assert f"{video}: 40 frames, 38 with a ball, " in told
    assert f"\n  {tmp_path / 'out' / 'rally.csv'}\n" in told


@pytest.mark.parametrize("ensemble", ["none", "pool"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_windows_may_overlap(go: Callable[..., int], video: Path, tmp_path: Path, step: int, ensemble: str) -> None:
    assert go(video, "--step", step, "--ensemble", ensemble, "--batch-size", 4) == 0
    assert len(rows(tmp_path / "out" / "rally.csv")) == 40


# ------------------------------------------------------------------------------------- what videos are like


def encode(path: Path, frames: Iterable[np.ndarray], **settings: Any) -> Path:
    """Write a video with a pixel format, times (in 1/90 s), or a rotation."""
    times, form = settings.get("times"), settings.get("form", "yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(settings.get("codec", "libx264"), rate=30, options={"crf": "5", "g": "12"})
        pictures = list(frames)
        stream.height, stream.width, _ = pictures[0].shape
        stream.pix_fmt = form
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 90)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_time_follows_a_varying_rate(go: Callable[..., int], tmp_path: Path) -> None:
    ticks = [3 * number + (number % 3 == 1) for number in range(15)]
    assert go(encode(tmp_path / "varying.mp4", rally(15), times=ticks)) == 0
    found = rows(tmp_path / "out" / "varying.csv")
    assert_finds_the_ball(found, range(15))
    np.testing.assert_allclose([float(row["Time"]) for row in found], np.array(ticks) / 90, atol=1e-5)


def test_ten_bits_are_read(go: Callable[..., int], tmp_path: Path) -> None:
    assert go(encode(tmp_path / "deep.mp4", rally(10), form="yuv420p10le")) == 0
    assert_finds_the_ball(rows(tmp_path / "out" / "deep.csv"), range(10))


def test_odd_sizes_are_read(go: Callable[..., int], tmp_path: Path) -> None:
    path = encode(tmp_path / "odd.mkv", rally(10, (95, 63)), form="yuv444p")
    assert VideoFrames(path).size == (95, 63)
    assert go(path, "--overlay") == 0
    assert_finds_the_ball(rows(tmp_path / "out" / "odd.csv"), range(10))
    assert VideoFrames(tmp_path / "out" / "odd_overlay.mp4").size == (96, 64)


def test_repeated_pictures_keep_their_rows(go: Callable[..., int], tmp_path: Path) -> None:
    still = [next(rally(1))] * 10
    assert go(encode(tmp_path / "still.mp4", still)) == 0
    found = rows(tmp_path / "out" / "still.csv")
    assert len(found) == 10
    assert {row["X"] for row in found} == {found[0]["X"]}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_short_clips_lose_nothing(go: Callable[..., int], tmp_path: Path, count: int) -> None:
    assert go(encode(tmp_path / "short.mp4", rally(count))) == 0
    assert_finds_the_ball(rows(tmp_path / "out" / "short.csv"), range(count))


def break_frame(path: Path, number: int) -> None:
    with av.open(str(path)) as container:
        packet = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)[number]
    content = bytearray(path.read_bytes())
    where = content.index(bytes(packet))
    content[where : where + packet.size] = b"\xff" * packet.size
    path.write_bytes(content)


def test_a_broken_frame_is_one_missing_row_and_a_warning(
    go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.mp4"
    write_video(path, rally(12), fps=25, gop=1, crf=5)
    break_frame(path, 5)
    assert go(path) == 0
    assert capsys.readouterr().err == f"warning: {path}: 1 of 12 frames cannot be decoded; their rows are missing.\n"
    assert_finds_the_ball(rows(tmp_path / "out" / "broken.csv"), [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11])


def test_a_folder_of_images_is_a_clip(go: Callable[..., int], tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, picture in enumerate(rally(11)):
        Image.fromarray(picture).save(folder / f"{number}.png")
    assert go(folder, "--fps", 50, "--overlay") == 0
    found = rows(tmp_path / "out" / "frames.csv")
    assert_finds_the_ball(found, range(11))
    assert found[10]["Time"] == "0.200000"
    assert len(VideoFrames(tmp_path / "out" / "frames_overlay.mp4")) == 11


def test_several_videos_patterns_and_folders(go: Callable[..., int], tmp_path: Path) -> None:
    for name in ("match1/a.mp4", "match1/b.mp4", "match2/a.mp4", "match10/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_video(tmp_path / name, rally(3), fps=25)
    assert go(tmp_path / "match1", tmp_path / "match*" / "*.mp4") == 0
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.csv"))
    assert written == ["match1/a.csv", "match1/b.csv", "match10/c.csv", "match2/a.csv"]


def test_a_stream_is_followed_to_its_end(
    go: Callable[..., int], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveFrames, "is_address", staticmethod(lambda text: text.startswith("file:")))
    assert go(f"file:{video}", "--overwrite") == 0
    (written,) = (tmp_path / "out").iterdir()
    assert written.name.endswith("_rally.mp4.csv")
    assert len(rows(written)) == 40


def test_ctrl_c_is_how_a_stream_ends(
    go: Callable[..., int], detect: Any, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveFrames, "is_address", staticmethod(lambda text: text.startswith("file:")))
    looked_at = set()

    def find(frames: Tensor) -> Detections:
        looked_at.update(picture.numpy().tobytes() for picture in frames[0])
        if len(looked_at) == 15:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]
            time.sleep(0.2)  # what was taken waits in the pipeline
        return find_white(frames)

    detect["find"] = find
    write_video(video, rally(35), fps=25, crf=5)
    assert go(f"file:{video}") == 0
    (written,) = (tmp_path / "out").iterdir()
    assert 15 <= len(looked_at) < 35
    assert_finds_the_ball(rows(written), range(len(looked_at)))


def find_streaks(frames: Tensor) -> Detections:
    """What is white, as a streak that is 4 x 3 px of the network input from end to end."""
    found = find_white(frames)
    return Detections(found.points + torch.tensor([[-2.0, -1.5], [2.0, 1.5]]), found.score, found.present)


@pytest.mark.parametrize("tracker", ["none", "kalman"])
def test_streaks_come_out_with_length_and_angle_in_pixels_of_the_video(
    go: Callable[..., int],
    detect: Any,
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tracker: str,
) -> None:
    monkeypatch.setattr(NoCodec, "points", 2)
    detect["find"] = find_streaks
    assert go(video, "--tracker", tracker) == 0
    path = tmp_path / "out" / "rally.csv"
    whole = path.read_text()
    found = [row for row in rows(path) if row["Visibility"] == "1"]
    assert list(found[0])[-2:] == ["Length", "Angle"]
    angle = np.degrees(np.arctan2(3, 4))
    assert all(float(row["Length"]) == pytest.approx(10, abs=0.01) for row in found)  # twice 5 px
    assert all(float(row["Angle"]) == pytest.approx(angle, abs=0.05) for row in found)
    assert_finds_the_ball([row for row in found if row["Frame"] in ("0", "5", "15")], [0, 5, 15], atol=1)

    path.unlink()
    interrupt_after(detect, 8, find_streaks)
    assert go(video, "--tracker", tracker, "--batch-size", 1) == 130
    detect["find"] = find_streaks
    assert go(video, "--tracker", tracker, "--resume") == 0
    assert path.read_text() == whole


# -------------------------------------------------------------------------------------------- trackers


@trackers.register("test_doubling")
class Doubling(Tracker):
    """Two balls per frame, the second one ``offset`` pixels to the right; causal."""

    def __init__(self, *, fps: float, size: tuple[int, int], offset: float = 1.0) -> None:
        self.facts = (fps, size)
        self.offset = offset

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        for frame in frames:
            if not len(frame.xy):
                yield TrackedFrame(frame.number, frame.time)
                continue
            x, y = map(float, frame.xy[0])
            balls = (TrackPoint.at((x, y), 0.9), TrackPoint.at((x + self.offset, y), 0.5, "predicted", 1))
            yield TrackedFrame(frame.number, frame.time, balls)


@trackers.register("test_late")
class Late(Tracker):
    """Answers when it has seen the whole clip: the mean of all places, in every frame."""

    delay = math.inf

    def __init__(self, *, fps: float) -> None:
        self.fps = fps

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        seen = list(frames)
        x, y = np.mean([frame.xy[0] for frame in seen if len(frame.xy)], axis=0).tolist()
        for frame in seen:
            yield TrackedFrame(frame.number, frame.time, (TrackPoint.at((x, y), 1.0, "filled"),))


def test_a_tracker_adds_where_a_ball_comes_from_and_which_it_is(
    go: Callable[..., int], video: Path, tmp_path: Path
) -> None:
    assert go(video, "--tracker", "{name: test_doubling, offset: 5}") == 0
    found = rows(tmp_path / "out" / "rally.csv")
    assert list(found[0]) == ["Frame", "Visibility", "X", "Y", "Confidence", "Time", "Origin", "Track"]
    assert [(row["Frame"], row["Origin"], row["Track"]) for row in found[:2]] == [
        ("0", "detected", "0"),
        ("0", "predicted", "1"),
    ]
    assert float(found[1]["X"]) - float(found[0]["X"]) == pytest.approx(5)
    assert [row["Visibility"] for row in found if row["Frame"] == "7"] == ["0"]


@trackers.register("test_counting")
class Counting(Tracker):
    """The last of the candidates that it wants, whose score is their number."""

    wanted = Wanted(candidates=3, score=0.0)

    def __init__(self) -> None:
        pass

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        for frame in frames:
            x, y = frame.xy[-1].tolist()
            yield TrackedFrame(frame.number, frame.time, (TrackPoint.at((x, y), float(len(frame.score))),))


def test_a_tracker_may_look_at_the_whole_clip(go: Callable[..., int], video: Path, tmp_path: Path) -> None:
    assert go(video, "--tracker", "test_late", "--overlay") == 0
    found = rows(tmp_path / "out" / "rally.csv")
    mean = np.mean([place(number) for number in range(40) if number not in (7, 8)], axis=0)
    assert len(found) == 40
    assert [float(found[39]["X"]), float(found[39]["Y"])] == pytest.approx(mean, abs=0.5)
    assert len(VideoFrames(tmp_path / "out" / "rally_overlay.mp4")) == 40


# --------------------------------------------------------------------------------------------- overlay


def test_the_overlay_marks_the_ball_and_keeps_the_sound(go: Callable[..., int], tmp_path: Path) -> None:
    silent, path = tmp_path / "silent.mp4", tmp_path / "loud.mp4"
    write_video(silent, rally(25, (192, 128)), fps=25, crf=5)
    tone = tmp_path / "tone.wav"
    with wave.open(str(tone), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((8000 * np.sin(np.arange(8000) / 5)).astype("<i2").tobytes())
    with av.open(str(silent)) as pictures, av.open(str(tone)) as sound, av.open(str(path), "w") as output:
        shown, heard = output.add_stream_from_template(pictures.streams.video[0]), output.add_stream("aac", rate=8000)
        for packet in pictures.demux(video=0):
            if packet.dts is not None:
                packet.stream = shown
                output.mux(packet)
        for frame in sound.decode(audio=0):
            output.mux(heard.encode(frame))
        output.mux(heard.encode())
    assert go(path, "--overlay") == 0
    overlay = tmp_path / "out" / "loud_overlay.mp4"
    with av.open(str(path)) as before, av.open(str(overlay)) as after:
        assert [bytes(p) for p in after.demux(audio=0)] == [bytes(p) for p in before.demux(audio=0)]
    drawn = VideoFrames(overlay)
    np.testing.assert_allclose(drawn.times, np.arange(25) / 25, atol=1e-4)
    (before_,), (after_,) = (list(VideoFrames(one).read([20])) for one in (path, overlay))
    changed = np.abs(after_.astype(int) - before_).max(2) > 60
    ys, xs = np.nonzero(changed)
    x, y = place(20)
    assert changed.sum() > 50
    assert np.hypot(xs - x, ys - y).min() < 10
    assert sorted(one.name for one in overlay.parent.iterdir()) == ["loud.csv", "loud_overlay.mp4"]


# --------------------------------------------------------------------------------------------- writers


@writers.register("test_told")
class Told(Writer, Output):
    """A writer of a plugin: tells a test which frames it was given."""

    given: ClassVar[list[TrackedFrame]] = []

    def __init__(self, *, clip: ClipFacts) -> None:
        self.paths = (clip.path(".told"),)

    @contextmanager
    def open(self, run: Mapping[str, str], *, resume: bool) -> Iterator[Output]:
        yield self
        self.paths[0].parent.mkdir(exist_ok=True)
        self.paths[0].touch()

    def write(self, frame: TrackedFrame) -> None:
        self.given.append(frame)


def test_a_writer_of_a_plugin_is_found_by_its_name(
    go: Callable[..., int], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "given", [])
    assert go(video, "--format", "test_told") == 0
    assert [frame.number for frame in Told.given] == list(range(40))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["rally.told"]
    assert go(video, "--format", "test_told") == 2


def test_a_writer_that_is_slow_does_not_hold_up_the_rows(
    go: Callable[..., int], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "out" / "rally.csv.part"
    monkeypatch.setattr(row_file, "_FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(Trail, "draw", lambda trail, picture, frame: waiting(picture))
    seen = []

    def waiting(picture: np.ndarray) -> np.ndarray:
        limit = time.monotonic() + 10
        while part.read_text().count("\n") < 41 and time.monotonic() < limit:
            time.sleep(0.01)
        seen.append(part.read_text().count("\n"))
        return picture

    assert go(video, "--overlay") == 0
    assert seen == [41] * 40  # the first frame was drawn after the last row


def test_a_writer_that_fails_fails_the_clip_alone_and_rows_can_be_gone_on_with(
    go: Callable[..., int],
    video: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "other.mp4"
    write_video(other, rally(5), fps=25)
    draw = Trail.draw

    def full(trail: Trail, picture: np.ndarray, frame: TrackedFrame) -> np.ndarray:
        if frame.number == 20:
            raise OSError(28, "No space left on device")
        return draw(trail, picture, frame)

    monkeypatch.setattr(Trail, "draw", full)
    assert go(video, other, "--overlay") == 2
    assert "rally_overlay.mp4: cannot be written (No space left on device)" in capsys.readouterr().err
    left = ["other.csv", "other_overlay.mp4", "rally.csv.part", "rally.csv.run"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == left
    monkeypatch.setattr(Trail, "draw", draw)
    assert go(video, "--overlay", "--resume") == 0
    assert len(rows(tmp_path / "out" / "rally.csv")) == 40
    assert len(VideoFrames(tmp_path / "out" / "rally_overlay.mp4")) == 40


def test_two_writers_of_one_file_are_refused(
    go: Callable[..., int], video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(video, "--overlay", "--format", "overlay") == 2
    assert "rally_overlay.mp4: 2 writers would write this. Ask for one of them." in capsys.readouterr().err


# ------------------------------------------------------------------------------------- runs that end early


def interrupt_after(detect: Any, windows: int, then: Callable[[Tensor], Detections] = find_white) -> None:
    left = [windows]

    def find(frames: Tensor) -> Detections:
        left[0] -= len(frames)
        if left[0] < 0:
            raise KeyboardInterrupt
        return then(frames)

    detect["find"] = find


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("arguments", [(), ("--overlay",), ("--step", 1), ("--tracker", "test_doubling")])
def test_an_interrupted_run_leaves_whole_rows_and_can_go_on(
    go: Callable[..., int],
    detect: Any,
    tmp_path: Path,
    arguments: tuple[object, ...],
    form: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "long.mp4"
    write_video(path, rally(90), fps=25, crf=5)
    arguments = (*arguments, "--format", form)
    assert go(path, *arguments) == 0
    output = tmp_path / "out" / f"long.{form}"
    whole = output.read_text()
    for file in output.parent.iterdir():
        file.unlink()
    interrupt_after(detect, 17)
    assert go(path, *arguments, "--batch-size", 2) == 130
    part = output.with_name(f"{output.name}.part")
    assert capsys.readouterr().err == f"{part} holds the rows so far; --resume goes on with them.\ninterrupted\n"
    kept = part.read_text()
    assert whole.startswith(kept)
    assert kept.count("\n") > 10
    assert sorted(file.name for file in output.parent.iterdir()) == [part.name, f"{output.name}.run"]
    part.write_text(kept + kept.splitlines()[-1][:4])  # killed in the middle of a row
    detect["find"] = find_white
    assert go(path, *arguments, "--resume") == 0
    assert output.read_text() == whole
    assert not part.exists()
    if "--overlay" in arguments:
        assert len(VideoFrames(output.with_name("long_overlay.mp4"))) == 90


def test_finished_clips_are_skipped_when_a_run_goes_on(
    go: Callable[..., int], detect: Any, video: Path, tmp_path: Path
) -> None:
    assert go(video) == 0
    interrupt_after(detect, 0)  # would end the run at once
    assert go(video, "--resume") == 0


def test_windows_keep_their_places_behind_a_broken_frame(go: Callable[..., int], detect: Any, tmp_path: Path) -> None:
    def find(frames: Tensor) -> Detections:  # scores that tell the place in the window
        found = find_white(frames)
        return Detections.at(found.xy, found.score * torch.tensor([0.6, 0.8, 1.0])[None, :, None], found.present)

    path = tmp_path / "broken.mp4"
    write_video(path, rally(60), fps=25, gop=1, crf=5)
    break_frame(path, 5)
    detect["find"] = find
    assert go(path) == 0
    output = tmp_path / "out" / "broken.csv"
    whole = output.read_text()
    output.unlink()
    interrupt_after(detect, 12)
    assert go(path, "--batch-size", 1) == 130
    detect["find"] = find
    part = tmp_path / "out" / "broken.csv.part"
    part.write_text("".join(whole.splitlines(keepends=True)[:31]))
    assert go(path, "--resume") == 0
    assert output.read_text() == whole


def test_numbers_of_balls_go_on_when_a_run_goes_on(go: Callable[..., int], detect: Any, tmp_path: Path) -> None:
    path = tmp_path / "gaps.mp4"
    write_video(path, rally(400, without=[n for n in range(400) if n % 20 < 10]), fps=25, crf=5)
    assert go(path, "--tracker", "multi") == 0
    output = tmp_path / "out" / "gaps.csv"
    whole = output.read_text()
    output.unlink()
    interrupt_after(detect, 125)
    assert go(path, "--tracker", "multi", "--batch-size", 1) == 130
    assert len(rows(tmp_path / "out" / "gaps.csv.part")) > 350
    detect["find"] = find_white
    assert go(path, "--tracker", "multi", "--resume") == 0
    assert output.read_text() == whole
    assert int(rows(output)[-1]["Track"]) > 15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--step", 1), "another run began them: step 3, now 1"),
        (("--ensemble", "pool"), "another run began them: ensemble {'name': 'none'}, now {'name': 'pool'}"),
        (("--tracker", "{name: test_doubling, offset: 2}"), "another run began them: tracker {"),
        (("checkpoint",), "another run began them: network a.ckpt ("),
        (("video",), "another run began them: frames rally.mp4 ("),
    ],
)
def test_a_run_goes_on_with_its_own_rows_alone(
    go: Callable[..., int],
    detect: Any,
    video: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[object, ...],
    message: str,
) -> None:
    tracker = ("--tracker", "test_doubling")
    interrupt_after(detect, 5)
    assert go(video, *tracker, "--batch-size", 1) == 130
    detect["find"] = find_white
    if change == ("checkpoint",):
        (tmp_path / "a.ckpt").write_text("trained longer")
    elif change == ("video",):
        write_video(video, rally(20), fps=25)
    capsys.readouterr()
    assert go(video, *tracker, *(change if len(change) == 2 else ()), "--resume") == 2
    assert f"rally.csv.part: cannot go on with these rows ({message}" in capsys.readouterr().err
    assert (tmp_path / "out" / "rally.csv.part").exists()


def test_an_interrupted_overwrite_replaces_the_rows_in_the_end(
    go: Callable[..., int], detect: Any, video: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "rally.csv"
    output.parent.mkdir()
    output.write_text("old")
    interrupt_after(detect, 5)
    assert go(video, "--overwrite", "--batch-size", 1) == 130
    assert output.read_text() == "old"
    detect["find"] = find_white
    assert go(video, "--resume") == 0
    assert len(rows(output)) == 40
    assert list(output.parent.iterdir()) == [output]


def test_a_clip_that_cannot_be_read_does_not_cost_the_others(
    go: Callable[..., int], video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_text("no video")
    assert go(tmp_path / "a.mp4", tmp_path / "b.mp4", video) == 2
    assert len(rows(tmp_path / "out" / "rally.csv")) == 40
    error = capsys.readouterr().err
    assert [line.split(": ")[0].strip() for line in error.splitlines()] == [
        "error",
        str(tmp_path / "a.mp4"),
        str(tmp_path / "b.mp4"),
    ]


def test_a_fault_in_the_network_comes_through_the_threads(go: Callable[..., int], detect: Any, video: Path) -> None:
    def fail(frames: Tensor) -> Detections:
        raise RuntimeError("out of memory")

    detect["find"] = fail
    with pytest.raises(RuntimeError, match="out of memory"):
        go(video)


# ---------------------------------------------------------------------------------------------- mistakes


def test_outputs_are_not_overwritten(
    go: Callable[..., int], video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out" / "rally.csv"
    output.parent.mkdir()
    output.write_text("mine")
    assert go(video) == 2
    assert capsys.readouterr().err == (
        f"error: {output}: exists already. Give another --output, or --overwrite to replace it.\n"
    )
    assert output.read_text() == "mine"
    assert go(video, "--overwrite") == 0
    assert len(rows(output)) == 40


def test_what_an_interrupted_run_left_is_not_overwritten(
    go: Callable[..., int], video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "out" / "rally.csv.part"
    part.parent.mkdir()
    part.write_text("Frame,Visibility\n0,1\n1,1\n")
    assert go(video) == 2
    assert "rally.csv.part: an interrupted run left this. --resume goes on with it" in capsys.readouterr().err
    assert go(video, "--resume") == 2
    assert "rally.csv.part: cannot go on with these rows (its first line is" in capsys.readouterr().err
    assert part.read_text() == "Frame,Visibility\n0,1\n1,1\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.mp4",), "error: gone.mp4: no such video, folder or pattern. Give videos"),
        (("{video}", "--step", "4"), "error: --step: 4 is out of range. Give 1 to 3"),
        (
            ("{video}", "--ensemble", "median"),
            "error: --ensemble.name: no component of kind 'mergers'",
        ),
        (("{video}", "--batch-size", "0"), "error: --batch-size: 0 windows are too few."),
        (("{video}", "--fps", "0"), "error: --fps 0: give frames per second"),
        (("{video}", "--tracker", "kalmann"), "error: --tracker.name: no component of kind 'trackers'"),
        (("{video}", "--tracker", "{name: test_doubling, of: 1}"), "error: --tracker.of: 'test_doubling' has no such"),
        (("{text}",), "notes.txt: this is not a video that can be read"),
        (("{empty}",), "no image and no video in this folder"),
        (("rtsp://nowhere", "--overlay"), "error: --overlay: rtsp://nowhere is a stream"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(
    go: Callable[..., int],
    video: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    (tmp_path / "empty").mkdir()
    places = {"video": video, "text": tmp_path / "notes.txt", "empty": tmp_path / "empty"}
    filled = (a.format(**places) if a in ("{video}", "{text}", "{empty}") else a for a in arguments)
    assert go(*filled) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_stream_takes_no_tracker_that_looks_ahead(
    go: Callable[..., int], video: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LiveFrames, "is_address", staticmethod(lambda text: text.startswith("file:")))
    assert go(f"file:{video}", "--tracker", "test_late") == 2
    assert "--tracker: 'test_late' looks into the future, which a stream does not have." in capsys.readouterr().err


def test_help_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tracknet_core import predict\n"
        "try: predict.main(['--help'])\n"
        "except SystemExit: sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


# -------------------------------------------------------------------------------------------- all of it


def test_a_checkpoint_and_a_video_are_enough(config: Config, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, tmp_path / "best.ckpt")
    write_video(tmp_path / "rally.mp4", rally(10), fps=25)
    output = tmp_path / "out"
    arguments = [tmp_path / "best.ckpt", tmp_path / "rally.mp4", "--output", output, "--ensemble", "mean", "--step", 1]
    assert predict.main([str(argument) for argument in arguments]) == 0
    assert len(rows(output / "rally.csv")) == 10


def test_a_tracker_gets_as_many_candidates_as_it_wants(config: Config, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, tmp_path / "best.ckpt")
    write_video(tmp_path / "rally.mp4", rally(6), fps=25)
    arguments = [tmp_path / "best.ckpt", tmp_path / "rally.mp4", "--output", tmp_path, "--tracker", "test_counting"]
    assert predict.main([str(argument) for argument in arguments]) == 0
    assert [row["Confidence"] for row in rows(tmp_path / "rally.csv")] == ["3.000000"] * 6
