"""Videos that are written: the same bytes every time, and whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from tracknet_core.video import VideoFrames, write_video

STEP = 6  # grey levels between two frames


def grey_frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [np.full((height, width, 3), STEP * number, np.uint8) for number in range(count)]


def noise_frames(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(count)]


def test_the_same_frames_give_the_same_bytes_in_a_file_and_in_memory(tmp_path: Path) -> None:
    buffers = [io.BytesIO(), io.BytesIO()]
    for target in (tmp_path / "rally.mp4", *buffers):
        write_video(target, noise_frames(20), fps=25)
    assert buffers[0].getvalue() == buffers[1].getvalue() == (tmp_path / "rally.mp4").read_bytes()


def test_key_frames_are_at_most_a_gop_apart(tmp_path: Path) -> None:
    path = tmp_path / "rally.mp4"
    write_video(path, grey_frames(40), fps=30, gop=8)
    with av.open(str(path)) as container:
        keys = [packet.is_keyframe for packet in container.demux(container.streams.video[0]) if packet.pts is not None]
    assert np.diff(np.flatnonzero([*keys, True])).max() <= 8


def test_a_bitrate_is_kept_to() -> None:
    sizes = []
    for bitrate in (100_000, 400_000):
        stream = io.BytesIO()
        write_video(stream, noise_frames(60), fps=30, gop=60, bitrate=bitrate)
        sizes.append(8 * len(stream.getvalue()) / 2)  # of two seconds
    assert sizes[0] == pytest.approx(100_000, rel=0.6)
    assert sizes[1] == pytest.approx(400_000, rel=0.4)


def test_filters_change_every_frame_and_neither_their_number_nor_their_order() -> None:
    plain, blurred = io.BytesIO(), io.BytesIO()
    frames = grey_frames(8)
    for frame in frames:
        frame[20:28, 20:28] = 255
    write_video(plain, frames, fps=25, crf=4)
    write_video(blurred, frames, fps=25, crf=4, filters="gblur=sigma=2:planes=1,unsharp=3:3:0.2:3:3:0")
    read = [np.stack(list(VideoFrames(part.getvalue(), name="x").read(range(8)))) for part in (plain, blurred)]
    assert (read[1][:, 24, 24].mean(-1) < read[0][:, 24, 24].mean(-1) - 3).all()
    np.testing.assert_allclose(read[1][:, 2, 2].mean(-1), STEP * np.arange(8), atol=3)


def test_an_odd_size_grows_by_one_pixel_at_the_right_and_bottom(tmp_path: Path) -> None:
    frame = np.full((47, 63, 3), 40, np.uint8)
    frame[20:30, 30:40] = 200
    write_video(tmp_path / "odd.mp4", [frame], fps=30, crf=1)
    source = VideoFrames(tmp_path / "odd.mp4")
    assert source.size == (64, 48)
    (found,) = source.read([0])
    np.testing.assert_allclose(found[:47, :63].astype(int), frame, atol=8)
    np.testing.assert_allclose(found[47].astype(int), 40, atol=8)


def test_a_failure_leaves_the_old_video_and_no_other_file(video: Path) -> None:
    before = video.read_bytes()

    def failing():
        yield from grey_frames(3)
        raise RuntimeError("the renderer broke")

    with pytest.raises(RuntimeError, match="the renderer broke"):
        write_video(video, failing(), fps=30)
    assert video.read_bytes() == before
    assert [path.name for path in video.parent.iterdir()] == ["rally.mp4"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([np.zeros((48, 64), np.uint8)], r"not of shape \(48, 64\)"),
        ([np.zeros((48, 64, 3), np.float32)], "frame 0 is float32"),
        (
            [np.zeros((48, 64, 3), np.uint8), np.zeros((48, 60, 3), np.uint8)],
            r"frame 1 is uint8 of shape \(48, 60, 3\)",
        ),
    ],
)
def test_frames_that_are_no_pictures_of_one_size_are_refused(frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_video(io.BytesIO(), frames, fps=30)
