"""``load(…).track(…)``: the same balls as the command finds, whatever a video is given as."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracknet_core import Predictor, load, predict
from tracknet_core.contracts import UInt8Array
from tracknet_core.errors import CheckpointError, ConfigError, DataError
from tracknet_core.tracking import album
from tracknet_core.video import VideoFrames, write_video

COUNT = 24


@pytest.fixture
def predictor(recurrent: Path) -> Predictor:
    """A network that finds something in every frame."""
    return load(recurrent, device="cpu")


@pytest.fixture
def pictures() -> UInt8Array:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (COUNT, 6, 8, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)


@pytest.fixture
def video(pictures: UInt8Array, tmp_path: Path) -> Path:
    write_video(tmp_path / "rally.mp4", list(pictures), fps=25, crf=5)
    return tmp_path / "rally.mp4"


def track(predictor: Predictor, video: Any, **options: Any) -> Any:
    return predictor.track(video, tracker="none", progress=False, **options)


def test_the_table_is_that_of_the_command_to_the_byte(recurrent: Path, video: Path, tmp_path: Path) -> None:
    options = ["--device", "cpu", "--tracker", "{name: kalman, max_gap: 3}", "--batch-size", "3"]
    assert predict.main([str(recurrent), str(video), *options, "--output", str(tmp_path / "out")]) == 0

    found = load(str(recurrent), device="cpu").track(
        str(video), tracker={"name": "kalman", "max_gap": 3}, batch_size=3, progress=False
    )

    assert found.to_csv(tmp_path / "table.csv") == tmp_path / "table.csv"
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "out" / "rally.csv").read_bytes()
    assert len(found) == COUNT
    assert (found.fps, found.size, found.name) == (25, (128, 96), str(video))
    np.testing.assert_array_equal(found.frame, np.arange(COUNT))
    np.testing.assert_allclose(found.time, np.arange(COUNT) / 25)


def test_windows_that_overlap_are_those_of_the_command(checkpoint: Path, video: Path, tmp_path: Path) -> None:
    options = ["--device", "cpu", "--tracker", "none", "--step", "1", "--ensemble", "{name: mean}"]
    assert predict.main([str(checkpoint), str(video), *options, "--output", str(tmp_path / "out")]) == 0
    found = track(load(checkpoint, device="cpu"), video, step=1, ensemble={"name": "mean"})
    found.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "out" / "rally.csv").read_bytes()


def test_an_array_a_folder_of_images_and_frames_in_turn_give_the_same(
    predictor: Predictor, pictures: UInt8Array, tmp_path: Path
) -> None:
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")

    of_folder = track(predictor, tmp_path, fps=50)
    of_array = track(predictor, pictures, fps=50)
    of_frames = track(predictor, iter(pictures), fps=50)

    assert of_folder.found.all()
    for other in (of_array, of_frames):
        for name, column in of_folder.columns().items():
            np.testing.assert_array_equal(getattr(other, name), column)
        assert other.fps == 50
        assert other.time[-1] == pytest.approx((COUNT - 1) / 50)


def test_a_source_of_frames_is_a_video_too(predictor: Predictor, video: Path) -> None:
    np.testing.assert_array_equal(track(predictor, VideoFrames(video)).x, track(predictor, video).x)


def test_frames_in_turn_are_let_go(predictor: Predictor) -> None:
    alive: list[weakref.ref[UInt8Array]] = []
    most = 0

    def frames() -> Iterator[UInt8Array]:
        nonlocal most
        for number in range(200):
            frame = np.full((48, 64, 3), number, np.uint8)  # at the size of the network: not even a copy is made
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            most = max(most, sum(ref() is not None for ref in alive[-100:]))

    assert len(track(predictor, frames())) == 200
    assert most < 60


def test_pictures_are_few_however_long_a_clip_is(predictor: Predictor) -> None:
    found = track(predictor, (np.full((48, 64, 3), number, np.uint8) for number in range(100)))
    numbers = [picture.number for picture in found.pictures]
    assert len(numbers) < album.MOST
    assert numbers == list(range(0, 100, numbers[1]))
    assert found.pictures[0].picture.shape == (180, 240, 3)


def test_a_stream_gives_frames_before_it_ends(predictor: Predictor) -> None:
    def camera() -> Iterator[UInt8Array]:
        number = 0
        while True:
            yield np.full((48, 64, 3), number % 256, np.uint8)
            number += 1

    frames = predictor.stream(camera(), tracker="none", batch_size=1)
    assert [frame.number for frame in islice(frames, 5)] == [0, 1, 2, 3, 4]
    frames.close()  # type: ignore[attr-defined]


def test_a_stream_is_not_for_trackers_that_wait_for_its_end(predictor: Predictor, pictures: UInt8Array) -> None:
    with pytest.raises(
        ConfigError, match=r"^--tracker: 'smooth' looks into the future, which a stream does not have\.$"
    ):
        predictor.stream(iter(pictures), tracker="smooth")
    assert len(list(predictor.stream(pictures, tracker="smooth"))) == COUNT  # the end of an array is there already


def test_broken_frames_are_told(predictor: Predictor, pictures: UInt8Array, tmp_path: Path) -> None:
    for number, picture in enumerate(pictures[:6]):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 6 frames cannot be decoded"):
        found = track(predictor, tmp_path)
    assert found.frame.tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ("nowhere.mp4", "no such video"),
        (3, "int is no video"),
        (["a.mp4"], "str, and no array"),
        ([], "there is no frame"),
        (np.zeros((2, 48, 64), np.uint8), r"\(2, 48, 64\)"),
        (np.zeros((2, 48, 64, 3), np.float32), r"float32 \(48, 64, 3\)"),
        (np.zeros((0, 48, 64, 3), np.uint8), r"\(0, 48, 64, 3\)"),
        ([np.zeros((48, 64, 3), np.uint8), np.zeros((50, 64, 3), np.uint8)], "frame 1: 64x50 pixels"),
    ],
)
def test_what_is_no_video_is_told(predictor: Predictor, video: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        track(predictor, video)


def test_several_videos_are_too_many(predictor: Predictor, video: Path) -> None:
    (video.parent / "other.mp4").write_bytes(video.read_bytes())
    with pytest.raises(DataError, match="2 videos"):
        track(predictor, video.parent / "*.mp4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 9}, "step: 9 is out of range"),
        ({"fps": 0}, "fps 0"),
        ({"batch_size": 0}, "batch-size: 0"),
        ({"ensemble": {"name": "nothing"}}, "nothing"),
    ],
)
def test_what_does_not_fit_is_told(checkpoint: Path, pictures: UInt8Array, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        track(load(checkpoint, device="cpu"), pictures, **options)


def test_a_tracker_may_be_given_as_a_mapping_with_its_faults(predictor: Predictor, pictures: UInt8Array) -> None:
    with pytest.raises(ConfigError, match="max_gaps"):
        predictor.track(pictures, tracker={"name": "kalman", "max_gaps": 3})


def test_the_model_that_comes_with_it_needs_no_name() -> None:
    assert repr(load(device="cpu")) == "<Predictor accurate: 9 frames of 1024x576, on cpu>"
    assert load("fast", device="cpu").detector.window.image_size == (640, 352)


def test_what_is_no_network_is_told() -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt"):
        load("nowhere.ckpt")


def test_nothing_is_printed_but_progress(
    predictor: Predictor, pictures: UInt8Array, capsys: pytest.CaptureFixture[str]
) -> None:
    track(predictor, pictures)
    assert capsys.readouterr() == ("", "")
