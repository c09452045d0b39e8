"""Whatever bytes a video or an image holds, frames of one size come out of it, or one message; and in time."""

from __future__ import annotations

import faulthandler
import io
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.video import ImageFrames, VideoFrames

COUNT = 8
SIZE = (64, 48)

SECONDS = 20.0  # for a few thousand bytes, which take milliseconds

# Container and codec: with times and without, with an index and without, one picture or several in a packet.
VIDEOS = {
    "mp4": "libx264",
    "matroska": "libx264",
    "mpegts": "mpeg2video",
    "avi": "mjpeg",
    "h264": "libx264",
    "flv": "flv",
    "webm": "libvpx",
    "gif": "gif",
}
IMAGES = {"PNG": "RGB", "JPEG": "RGB", "PNG of 16 bits": "I;16", "PNG of a palette": "P"}


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """End the process with a trace where a decoder written in C does not come back."""
    faulthandler.dump_traceback_later(5 * settings().max_examples, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@st.composite
def damaged(draw: Callable[..., Any], content: bytes) -> bytes:
    """Draw bytes that begin as a file does, or nearly so."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(changed)) | st.integers(0, 200))
        length = draw(st.sampled_from([0, 1, 1, 4, 8, 100]))
        block = draw(
            st.binary(max_size=8)
            | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\0\0\x40\0"])
            | st.just(bytes(changed[place // 2 : place // 2 + length]))
        )
        changed[place : place + length] = block
    return bytes(changed[: draw(st.just(len(changed)) | st.integers(0, len(changed)))])


@pytest.mark.parametrize("container", VIDEOS)
@given(data=st.data())
def test_any_bytes_are_frames_or_a_message(container: str, data: st.DataObject) -> None:
    content = data.draw(damaged(video(container)) | st.binary(max_size=100))
    use(VideoFrames(content, name="rally"), "rally")


@pytest.mark.parametrize("kind", IMAGES)
@given(data=st.data())
def test_any_image_is_a_frame_or_a_message(kind: str, tmp_path: Path, data: st.DataObject) -> None:
    paths = [tmp_path / f"{number}.{kind[:3].lower()}" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(data.draw(damaged(image(kind)) | st.binary(max_size=50)) if number == 1 else image(kind))
    use(ImageFrames(paths, fps=25), str(tmp_path))
    use(ImageFrames(paths[1:2], fps=25), str(tmp_path))


@pytest.mark.parametrize("container", VIDEOS)
def test_what_is_damaged_is_a_video(container: str) -> None:
    source = VideoFrames(video(container))
    assert len(list(source.read(range(len(source))))) == COUNT
    assert source.size == SIZE


def use(source: FrameSource, name: str) -> None:
    """Do with a source what predicting and training do."""
    began = time.monotonic()
    try:
        width, height = source.size
        assert width > 0
        assert height > 0
        assert 0 < source.fps < 1e9
        count = len(source)
        assert 0 < count <= 10 * COUNT
        times = source.times
        assert len(times) == count
        assert list(times) == sorted(times)
        assert times[0] == 0
        assert np.isfinite(times).all()
        played = [frame.number for frame in source.play((32, 24))]
        assert played == sorted(set(played))
        assert set(played) <= set(range(count))
        for number, frame in enumerate(source.read(range(count), (32, 24))):
            assert (frame.shape, frame.dtype) == ((24, 32, 3), np.uint8), number
        assert next(iter(source.read([count - 1]))).shape == (height, width, 3)
    except DataError as error:
        require_named(error, name)
    assert time.monotonic() - began < SECONDS


def require_named(error: DataError, name: str) -> None:
    assert name in str(error)
    assert re.search(r"frame \d+|cannot be|not a video|no frame|no pictures|no decoder|broke off|pixels", str(error))


@cache
def video(container: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(VIDEOS[container], rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(VIDEOS[container], "yuv420p")
        stream.codec_context.gop_size = 4
        stream.codec_context.thread_count = 1
        for number in range(COUNT):
            picture = np.full((SIZE[1], SIZE[0], 3), 30 * number, np.uint8)
            picture[number : number + 8, 2 * number : 2 * number + 8] = 255
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


@cache
def image(kind: str) -> bytes:
    file = io.BytesIO()
    picture = Image.new(IMAGES[kind], SIZE)
    picture.paste(200, (10, 10, 18, 18))
    picture.save(file, kind[:4].strip())
    return file.getvalue()
