"""Frames in the order of time, as prediction takes them: out of a file, a folder of images, a camera or a stream.

Where training reads windows of a clip, prediction plays it once from the start to the end. What plays is decoded in a
thread of its own (:func:`ahead`): PyAV and torch both let other threads run while they work.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from queue import Full, Queue
from threading import Event, Thread
from typing import NamedTuple, TypeVar

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.video import (
    ImageSizeError,
    VideoFrames,
    decoded,
    demuxed,
    open_to_read,
    quarter_turns,
    shown_size,
    to_rgb,
)

T = TypeVar("T")

ASSUMED_FPS = 30.0
"""Of a camera that does not say its rate."""

DECODING_NICENESS = 5
"""The threads of a network wait for each other, so one that is interrupted holds up all; decoding can wait its turn."""

_PATIENCE = 10.0  # seconds that a stream may take to open, and between two frames
_POLL = 0.1  # seconds between two looks at whether a thread is still wanted


class TimedFrame(NamedTuple):
    """A frame on its way into the network.

    Attributes:
        number: of the frame in its clip, 0-based.
        time: presentation time, in seconds from the first frame of the clip.
        picture: (H, W, 3) uint8, RGB.
    """

    number: int
    time: float
    picture: UInt8Array


def times_of(source: FrameSource) -> list[float]:
    """Return the presentation time of each frame, in seconds from the first.

    That of a video follows its container, also where the rate varies; other sources have evenly spaced frames.
    """
    if isinstance(source, VideoFrames):
        return source.times
    return [number / source.fps for number in range(len(source))]


def play(
    source: FrameSource, size: Size | None = None, *, start: int = 0, skip_broken: bool = False
) -> Generator[TimedFrame, None, None]:
    """Yield the frames of a clip from ``start`` to the end.

    Args:
        source: the clip.
        size: width and height to deliver, in pixels; the original size if None.
        start: number of the first frame, 0-based.
        skip_broken: leave out frames that cannot be decoded. Numbers and times of the others stay.

    Raises:
        DataError: a frame cannot be decoded, unless broken ones are left out; an image is of another size; or the clip
            cannot be opened.
    """
    times = times_of(source)
    for number, picture in _pictures(source, size, start, skip_broken):
        yield TimedFrame(number, times[number], picture)


def _pictures(
    source: FrameSource, size: Size | None, start: int, skip_broken: bool
) -> Iterator[tuple[int, UInt8Array]]:
    numbers = range(start, len(source))
    if not skip_broken:
        yield from zip(numbers, source.read(numbers, size), strict=True)
    elif isinstance(source, VideoFrames):
        yield from source.play(size, start)
    else:
        for number in numbers:
            try:
                (picture,) = source.read([number], size)
            except ImageSizeError:
                raise
            except DataError:
                continue
            yield number, picture


# --------------------------------------------------------------------------------------- cameras and streams


class LiveFrames:
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

    def play(self, size: Size) -> Generator[TimedFrame, None, None]:
        """Yield the frames, scaled to ``size`` (width and height in pixels), until the stream ends.

        Frames that cannot be decoded are left out, and have no number.

        Raises:
            DataError: the stream cannot be opened, or broke off.
        """
        _, fps, turns = self._facts
        reformatter = VideoReformatter()
        with self._open() as container:
            started: float | None = None
            number = 0
            for frame in self._decoded(container):
                picture = to_rgb(frame, size, turns, reformatter)
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
                f"{self._address}: this stream cannot be opened ({getattr(error, 'strerror', error)}). "
                "Give a URL or a device that FFmpeg can read."
            ) from error
        with container:
            if not container.streams.video:
                raise DataError(f"{self._address}: there are no pictures in this stream.")
            yield container


# ------------------------------------------------------------------------------------------------- threads


def ahead(items: Iterable[T], depth: int, *, niceness: int = 0) -> Generator[T, None, None]:
    """Yield the items, worked out by a thread that is up to ``depth`` of them ahead.

    An exception there is raised here, after the items before it. Closing this generator ends the thread at its next
    item, and waits for that.

    Args:
        items: what the thread iterates over; closed there if it is a generator.
        depth: greatest number of items that wait, which bounds the memory.
        niceness: how far the thread steps back for others, 0 to 19, where the system knows that of threads.
    """
    waiting: Queue[tuple[T] | BaseException | None] = Queue(depth)
    unwanted = Event()

    def hand_over(message: tuple[T] | BaseException | None) -> None:
        while not unwanted.is_set():
            with suppress(Full):
                waiting.put(message, timeout=_POLL)
                return

    def work() -> None:
        if niceness and sys.platform == "linux":  # elsewhere it is that of the whole process
            os.nice(niceness)
        try:
            for item in items:
                hand_over((item,))
                if unwanted.is_set():
                    break
            if isinstance(items, Generator):
                items.close()
            hand_over(None)
        except BaseException as error:  # raised again by the thread that waits for it
            hand_over(error)

    thread = Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while (message := waiting.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message[0]
    finally:
        unwanted.set()
        thread.join()
