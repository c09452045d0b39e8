"""Frames in the order of time, with their numbers and times; threads that work ahead."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource, TimedFrame
from tracknet_core.errors import DataError
from tracknet_core.video import ImageFrames, ImageSizeError, LiveFrames, VideoFrames, write_video

STEP = 6


def grey_frames(count: int) -> list[np.ndarray]:
    return [np.full((48, 64, 3), STEP * number, np.uint8) for number in range(count)]


def shown(picture: np.ndarray) -> int:
    return round(float(picture.mean()) / STEP)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """40 grey frames at 25 fps, with B-frames, a key frame every 12."""
    path = tmp_path / "rally.mp4"
    write_video(path, grey_frames(40), fps=25)
    return path


@pytest.fixture
def break_frame() -> Callable[[Path, int], None]:
    """Overwrite the data of one frame of a video of key frames alone."""

    def overwrite(path: Path, number: int) -> None:
        with av.open(str(path)) as container:
            packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda packet: packet.pts)
        content = bytearray(path.read_bytes())
        where = content.index(bytes(packets[number]))
        content[where : where + packets[number].size] = b"\xff" * packets[number].size
        path.write_bytes(content)

    return overwrite


@pytest.fixture
def broken(tmp_path: Path, break_frame: Callable[[Path, int], None]) -> Path:
    """12 grey frames, of which the fifth is damaged."""
    path = tmp_path / "broken.mp4"
    write_video(path, grey_frames(12), fps=25, gop=1)
    break_frame(path, 5)
    return path


def test_a_clip_plays_every_frame_with_its_number_and_time(video: Path) -> None:
    frames = list(VideoFrames(video).play((32, 24)))
    assert [frame.number for frame in frames] == list(range(40))
    assert [shown(frame.picture) for frame in frames] == list(range(40))
    assert frames[0].picture.shape == (24, 32, 3)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(40) / 25, atol=1e-6)


@pytest.mark.parametrize("play", [VideoFrames.play, FrameSource.play])
@pytest.mark.parametrize("start", [0, 1, 13, 39])
def test_a_clip_plays_from_a_frame_on(video: Path, start: int, play: Callable[..., Iterator[TimedFrame]]) -> None:
    frames = list(play(VideoFrames(video), start=start))
    assert [frame.number for frame in frames] == list(range(start, 40))
    assert [shown(frame.picture) for frame in frames] == list(range(start, 40))


def test_times_follow_a_varying_rate(tmp_path: Path) -> None:
    path = tmp_path / "varying.mkv"
    ticks = [3 * number + (number % 3 == 1) for number in range(12)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90)
        for picture, tick in zip(grey_frames(12), ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    np.testing.assert_allclose(VideoFrames(path).times, np.array(ticks) / 90, atol=1e-3)  # Matroska counts in ms


@pytest.mark.parametrize("play", [VideoFrames.play, FrameSource.play])
def test_a_broken_frame_is_left_out_and_the_others_keep_their_numbers(
    broken: Path, play: Callable[..., Iterator[TimedFrame]]
) -> None:
    frames = list(play(VideoFrames(broken)))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert [shown(frame.picture) for frame in frames] == [frame.number for frame in frames]


def test_a_broken_frame_is_an_error_where_every_frame_counts(broken: Path) -> None:
    with pytest.raises(DataError, match="frame 5"):
        list(VideoFrames(broken).read(range(12)))


def test_a_broken_image_is_left_out(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path, picture in zip(paths, grey_frames(4), strict=True):
        Image.fromarray(picture).save(path)
    paths[2].write_bytes(b"no image")
    source = ImageFrames(paths, fps=10)
    frames = list(source.play())
    assert [(frame.number, frame.time) for frame in frames] == [(0, 0.0), (1, 0.1), (3, 0.3)]
    with pytest.raises(DataError, match=r"2\.png"):
        list(source.read(range(4)))


def test_an_image_of_another_size_is_no_broken_frame(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path, picture in zip(paths, grey_frames(4), strict=True):
        Image.fromarray(picture).save(path)
    Image.new("RGB", (32, 48)).save(paths[2])
    with pytest.raises(ImageSizeError, match=r"2\.png: this image has 32x48 pixels"):
        list(ImageFrames(paths, fps=10).play())


# --------------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("text", ["rtsp://camera/1", "http://a.b/c.m3u8", "udp://@:1234", "/dev/video0"])
def test_urls_and_devices_are_live(text: str) -> None:
    assert LiveFrames.is_address(text)


@pytest.mark.parametrize("text", ["rally.mp4", "/path/to/rally.mp4", "C:\\rally.mp4", "games/*.mp4"])
def test_files_are_not_live(text: str) -> None:
    assert not LiveFrames.is_address(text)


def test_a_stream_plays_until_it_ends(video: Path) -> None:
    source = LiveFrames(video.as_uri().replace("file://", "file:"))
    assert (source.size, source.fps) == ((64, 48), 25.0)
    frames = list(source.play((32, 24)))
    assert [shown(frame.picture) for frame in frames] == list(range(40))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(40) / 25, atol=1e-6)


def test_a_stream_leaves_out_a_broken_frame(broken: Path) -> None:
    frames = list(LiveFrames(f"file:{broken}").play((32, 24)))
    assert [frame.number for frame in frames] == list(range(11))
    assert [shown(frame.picture) for frame in frames] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_a_stream_is_shown_upright(video: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:8, :8] = 255  # top left as stored: top right when turned clockwise
    write_video(video, [picture] * 3, fps=25)
    content = bytearray(video.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2: (x, y) -> (-y, x)
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    video.write_bytes(content)
    source = LiveFrames(f"file:{video}")
    assert source.size == (48, 64)
    (first, *_) = source.play((24, 32))
    np.testing.assert_array_equal(first.picture, next(VideoFrames(video).read([0], (24, 32))))


def test_a_stream_without_a_frame_is_named(tmp_path: Path, break_frame: Callable[[Path, int], None]) -> None:
    path = tmp_path / "nothing.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey_frames(2)[1], "rgb24")))
        container.mux(stream.encode())
    break_frame(path, 0)
    with pytest.raises(DataError, match=r"nothing\.mkv: this stream holds no frame that can be decoded"):
        _ = LiveFrames(f"file:{path}").size


def test_a_stream_that_does_not_open_is_named() -> None:
    with pytest.raises(DataError, match=r"^udx://nowhere: this stream cannot be opened"):
        _ = LiveFrames("udx://nowhere").size


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_a_stream_that_falls_silent_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr("tracknet_core.video.live._PATIENCE", 0.3)
    path = tmp_path / "live.ts"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in grey_frames(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    connections: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):  # the server is closed
            while True:
                connections.append(server.accept()[0])
                connections[-1].sendall(content[: int(share * len(content))])

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        source = LiveFrames(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(DataError, match="nothing comes from there"):
            list(source.play())
        server.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()
