"""What predict goes through, where it writes, and what it refuses to touch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import part_of
from tracknet_core.tracking.jobs import Job, find_jobs
from tracknet_core.video import write_video

Find = Callable[..., list[Job]]


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    """Find jobs from inside of an empty folder, with outputs in ``out``."""
    monkeypatch.chdir(tmp_path)

    def run(*videos: object, output: str = "out", overlay: bool = False, **options: Any) -> list[Job]:
        writers = {"--format": {"name": "csv"}} | ({"--overlay": {"name": "overlay"}} if overlay else {})
        return find_jobs([str(video) for video in videos], Path(output), **{"fps": 30.0, "writers": writers, **options})

    return run


def videos(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, [np.zeros((32, 32, 3), np.uint8)] * 2, fps=25)


def images(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32)).save(path)


def written(jobs: list[Job]) -> list[str]:
    return [job.writers[0].paths[0].as_posix() for job in jobs]


# ------------------------------------------------------------------------------------------------ names


def test_all_outputs_are_below_the_folder(find: Find) -> None:
    videos("a/x.mp4", "b/x.mp4")
    assert written(find("a/x.mp4", "a/../b/x.mp4")) == ["out/a/x.csv", "out/b/x.csv"]


def test_one_video_by_two_paths_is_one_clip(find: Find) -> None:
    videos("a/x.mp4")
    assert written(find("a/x.mp4", "a/../a/x.mp4", Path("a/x.mp4").absolute())) == ["out/x.csv"]


def test_outputs_that_differ_in_capitals_alone_are_refused(find: Find) -> None:
    videos("a.mp4", "A.avi")
    with pytest.raises(
        DataError, match=r"out/a: 2 inputs would write this, where capitals do not count: a.mp4, A.avi\. "
    ):
        find("a.mp4", "A.avi")
    videos("one/b.mp4", "two/B.mp4")
    assert written(find("one/b.mp4", "two/B.mp4")) == ["out/one/b.csv", "out/two/B.csv"]


def test_inputs_that_would_write_one_output_are_named(find: Find) -> None:
    videos("a.mp4", "a.avi")
    with pytest.raises(
        DataError, match=r"out/a: 2 inputs would write this: a.mp4, a.avi\. Give one of them, or rename"
    ):
        find("a.mp4", "a.avi")


@pytest.mark.parametrize(("name", "output"), [("..mp4", "out/..mp4.csv"), ("...mp4", "out/...mp4.csv")])
def test_a_name_of_dots_has_outputs_in_the_folder(find: Find, name: str, output: str) -> None:
    videos(name)
    assert written(find(name)) == [output]


def test_the_root_has_a_name(find: Find, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    images("shot/1.png")
    monkeypatch.setattr("tracknet_core.tracking.jobs._absolute", lambda _: Path("/"))
    assert written(find("shot")) == ["out/root.csv"]


def test_a_name_too_long_for_an_output_is_told_before_the_work(find: Find) -> None:
    videos(f"{'x' * 240}.mp4")
    assert written(find(f"{'x' * 240}.mp4")) == [f"out/{'x' * 240}.csv"]
    with pytest.raises(DataError, match=r"_overlay.mp4: this name is longer than that of a file may be\. Rename x"):
        find(f"{'x' * 240}.mp4", overlay=True)


def test_hidden_videos_of_a_folder_are_left_out(find: Find) -> None:
    videos("games/a.mp4", "games/._a.mp4")
    assert written(find("games")) == ["out/a.csv"]


def test_the_folder_one_is_in_has_a_name(find: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images("frames/0.png", "frames/1.png")
    monkeypatch.chdir(tmp_path / "frames")
    assert written(find(".", output="../out")) == ["../out/frames.csv"]


def test_streams_are_named_by_host_and_path(find: Find) -> None:
    jobs = find("rtsp://me:secret@cam1:554/live/1?token=2", "rtsp://cam2/live/1", "tcp://127.0.0.1:33085", "http://@/")
    assert written(jobs) == [
        "out/cam1_554_live_1.csv",
        "out/cam2_live_1.csv",
        "out/127.0.0.1_33085.csv",
        "out/stream.csv",
    ]


def test_streams_of_one_name_are_numbered(find: Find) -> None:
    videos("a.mp4")
    jobs = find("http://host/live?camera=1", "a.mp4", "http://host/live?camera=2")
    assert written(jobs) == ["out/host_live.csv", "out/a.csv", "out/host_live_2.csv"]


# ------------------------------------------------------------------------------------- folders and patterns


def test_a_folder_of_videos_and_images_is_not_clear(find: Find) -> None:
    videos("mixed/a.mp4", "mixed/b.mp4")
    images("mixed/cover.png")
    with pytest.raises(DataError, match=r"^mixed: holds 2 videos and 1 images\. Give the videos by a pattern"):
        find("mixed")
    assert written(find("mixed/*.mp4")) == ["out/a.csv", "out/b.csv"]


def test_images_are_not_clips_of_one_frame(find: Find) -> None:
    images(*(f"frames/{number}.png" for number in range(5)))
    for arguments in (["frames/*.png"], ["frames/0.png", "frames/1.png"]):
        with pytest.raises(DataError, match=r"^frames: \d of its images are given one by one\. Give the folder"):
            find(*arguments)
    assert len(find("frames")) == 1
    assert len(find("frames/3.png")) == 1


def test_a_folder_with_the_suffix_of_a_video_is_no_video(find: Find) -> None:
    videos("games/a.mp4")
    Path("games/e.mp4").mkdir()
    assert written(find("games")) == ["out/a.csv"]


def test_a_name_may_hold_the_letters_of_a_pattern(find: Find) -> None:
    videos("final [1080p].mp4")
    assert written(find("final [1080p].mp4")) == ["out/final [1080p].csv"]


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_not_the_current_folder(find: Find, name: str) -> None:
    videos("match.mp4")
    with pytest.raises(DataError, match=r"an empty name\. .* the current folder is '\.'"):
        find(name)


def test_an_argument_longer_than_a_file_name_is_no_video(find: Find) -> None:
    with pytest.raises(DataError, match="no such video, folder or pattern"):
        find("x" * 300)


# ---------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("fps", [float("inf"), float("nan"), 0.0001, 0.0, -1.0])
def test_a_rate_that_no_video_has_is_refused(find: Find, fps: float) -> None:
    with pytest.raises(ConfigError, match=f"--fps {fps:g}: give frames per second, at least 0.01"):
        find("a.mp4", fps=fps)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("o.csv", "--output o.csv: o.csv is a file"),
        ("o.csv/deeper", "--output o.csv/deeper: .*o.csv is a file"),
        ("x" * 300, "this folder cannot be made"),
    ],
)
def test_a_folder_that_cannot_be_made_is_refused_at_once(find: Find, output: str, message: str) -> None:
    videos("a.mp4")
    Path("o.csv").touch()
    with pytest.raises(ConfigError, match=message):
        find("a.mp4", output=output)


def test_a_folder_that_may_not_be_written_is_refused_at_once(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    videos("a.mp4")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(ConfigError, match="you may not write into"):
        find("a.mp4", output="locked/out")


def test_a_stream_cannot_be_gone_on_with(find: Find) -> None:
    with pytest.raises(ConfigError, match="--resume: rtsp://cam/live is a stream"):
        find("rtsp://cam/live", existing="resume")


# ------------------------------------------------------------------------------------- outputs that exist


@pytest.mark.parametrize("existing", ["refuse", "resume", "overwrite"])
def test_an_input_is_never_an_output(find: Find, existing: str) -> None:
    videos("x.mp4", "x_overlay.mp4")
    with pytest.raises(DataError, match=r"x_overlay\.mp4: is an input, and what x\.mp4 would write"):
        find("x.mp4", "x_overlay.mp4", output=".", overlay=True, existing=existing)
    assert len(find("x.mp4", "x_overlay.mp4", output=".", existing=existing)) == 2


def test_the_overlay_of_somebody_else_stays(find: Find) -> None:
    videos("x.mp4", "out/x_overlay.mp4")
    for existing in ("refuse", "resume"):
        with pytest.raises(DataError, match=r"x_overlay\.mp4: exists already"):
            find("x.mp4", overlay=True, existing=existing)
    assert len(find("x.mp4", overlay=True, existing="overwrite")) == 1


def test_what_is_complete_is_skipped_and_told(find: Find) -> None:
    videos("x.mp4", "y.mp4")
    Path("out").mkdir()
    Path("out/x.csv").touch()
    told: list[str] = []
    assert written(find("x.mp4", "y.mp4", existing="resume", tell=told.append)) == ["out/y.csv"]
    assert told == ["x.mp4: skipped, out/x.csv exists"]


def test_an_interrupted_overwrite_is_gone_on_with(find: Find) -> None:
    videos("x.mp4", "out/x_overlay.mp4")
    Path("out/x.csv").touch()
    part_of(Path("out/x.csv")).touch()
    (job,) = find("x.mp4", overlay=True, existing="resume")
    assert job.resume


def test_rows_without_the_overlay_that_is_wanted_are_not_complete(find: Find) -> None:
    videos("x.mp4")
    Path("out").mkdir()
    Path("out/x.csv").touch()
    with pytest.raises(DataError, match=r"x_overlay\.mp4: is missing, and out/x\.csv exists already"):
        find("x.mp4", overlay=True, existing="resume")
