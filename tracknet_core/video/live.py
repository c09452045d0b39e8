"""Frames of cameras and streams, as they come."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cached_property

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from tracknet_core.contracts import LiveSource, Size, TimedFrame
from tracknet_core.errors import DataError
from tracknet_core.video.decoding import (
    Conversion,
    decoded,
    demuxed,
    open_to_read,
    quarter_turns,
    reason_of,
    shown_size,
    to_luma,
    to_rgb,
)

ASSUMED_FPS = 30.0
"""Of a camera that does not say its rate."""

_PATIENCE = 10.0  # seconds that a stream may take to open, and between two frames


class LiveFrames(LiveSource):
    """A camera or a stream: frames as they come, of unknown number, each once.

    Args:
        address: a URL that FFmpeg reads, such as ``rtsp://…``, or the device of a camera, such as ``/dev/video0``.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    @staticmethod
    def is_address(text: str) -> bool:
        """Return whether ``text`` is a URL or the device of a camera."""
        return bool(re.match(r"[a-z][a-z0-9+.-]+://|/dev/video\d", text, re.IGNORECASE))

    @property
    def size(self) -> Size:
        """Width and height of the frames, in pixels, as shown: a rotation noted in the stream is applied.

        Raises:
            DataError: the stream cannot be opened, or holds no frame; ``fps`` and ``play`` raise the same.
        """
        return self._facts[0]

    @property
    def fps(self) -> float:
        """Frames per second, as the stream says; :data:`ASSUMED_FPS` if it does not."""
        return self._facts[1]

    def play(self, size: Size | None = None) -> Generator[TimedFrame, None, None]:
        """Yield the frames until the stream ends; those that cannot be decoded are left out, and have no number.

        Args:
            size: width and height to deliver, in pixels; the original size if None.

        Raises:
            DataError: the stream cannot be opened, or broke off.
        """
        return self._play(size, to_rgb)

    def play_luma(self, size: Size, *, start: int = 0) -> Generator[TimedFrame, None, None]:
        """Yield the frames as :meth:`play` does, each of one colour (H, W, 1): :func:`.decoding.to_luma`.

        Raises:
            ValueError: ``start`` is not 0: what has passed does not come again.
        """
        if start != 0:
            raise ValueError(f"start: {start} is no frame to begin at. Give 0: a stream begins where it is.")
        return self._play(size, to_luma)

    def _play(self, size: Size | None, convert: Conversion) -> Generator[TimedFrame, None, None]:
        original, fps, turns = self._facts
        reformatter = VideoReformatter()
        with self._open() as container:
            started: float | None = None
            number = 0
            for frame in self._decoded(container):
                picture = convert(frame, size or original, turns, reformatter)
                if picture is not None:
                    time = frame.time if frame.time is not None else number / fps
                    started = time if started is None else started
                    yield TimedFrame(number, time - started, picture)
                    number += 1

    @cached_property
    def _facts(self) -> tuple[Size, float, int]:
        with self._open() as container:
            first = next(self._decoded(container), None)
            if first is None:
                raise DataError(f"{self._address}: this stream holds no frame that can be decoded.")
            rate = container.streams.video[0].average_rate
            return shown_size(first), float(rate or ASSUMED_FPS), quarter_turns(first)

    def _decoded(self, container: InputContainer) -> Iterator[VideoFrame]:
        return decoded(demuxed(container, container.streams.video[0], self._address))

    @contextmanager
    def _open(self) -> Iterator[InputContainer]:
        form = "v4l2" if self._address.startswith("/dev/") else None
        try:
            container = open_to_read(self._address, format=form, timeout=_PATIENCE)
        except (FFmpegError, OSError, ValueError) as error:
            raise DataError(
                f"{self._address}: this stream cannot be opened ({reason_of(error)}). Give a URL or a device that "
                "FFmpeg can read."
            ) from error
        with container:
            if not container.streams.video:
                raise DataError(f"{self._address}: there are no pictures in this stream.")
            yield container
