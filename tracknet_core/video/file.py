"""Frames out of a video, exact to the frame."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import cast

from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from tracknet_core.contracts import FrameSource, Size, TimedFrame, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.video.ahead import ahead
from tracknet_core.video.decoding import (
    AscendingPackets,
    Conversion,
    FrameIndex,
    demuxed,
    from_key_frame,
    open_to_read,
    quarter_turns,
    scan,
    shown_order,
    shown_size,
    to_luma,
    to_rgb,
)

# Containers whose times are those of decoding, not of presentation.
_UNTIMED = frozenset({"avi"})

# Containers of broadcasts and bare streams: a recording may start anywhere, and what comes before its first key frame
# belongs to frames of which the beginning is missing. In all others a packet before the first key frame is a frame.
_STARTS_ANYWHERE = cast("int", (Flags.ts_discont | Flags.no_timestamps).value)

# A seek empties the decoder, which has read about this many frames ahead: a key frame that is nearer is reached by
# decoding.
_SEEK_COSTS_FRAMES = 2

_DECODED_AHEAD = 8  # frames at the size of the video: 11 MB at 1280 x 720


class VideoFrames(FrameSource):
    """The frames of a video, exact to the frame.

    Nothing is read before it is needed, and no file stays open between reads: sources are cheap to hold by the thousand
    and to send to worker processes. The first use of ``len``, ``size`` or ``fps`` passes over the packets once.

    Sizes and coordinates are those of the picture as shown: a rotation noted in the container is applied. Containers
    without presentation times (AVI, raw streams), or where these do not tell all frames apart (joined recordings), are
    decoded from the start at every read, the one way to be exact.

    Args:
        source: path of the video, or its bytes.
        name: how messages call it; the path by default.
        thread_count: threads of the decoder; 1 suits loaders that run several workers, 0 leaves it to FFmpeg. Unless it
            is 1, frames that are played are scaled beside the decoder, in the thread that plays them.
    """

    def __init__(self, source: Path | bytes, *, name: str | None = None, thread_count: int = 1) -> None:
        self._source = source
        self._name = name or ("video in memory" if isinstance(source, bytes) else str(source))
        self._thread_count = thread_count

    @property
    def size(self) -> Size:
        """Width and height of the frames, in pixels.

        Raises:
            DataError: the file cannot be opened, or holds no frame; ``fps`` and ``len`` raise the same.
        """
        return self._index.size

    @property
    def fps(self) -> float:
        """Frames per second; the average where the rate varies."""
        return self._index.fps

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._index.times)

    def fingerprint(self) -> str:
        """Return path, size and time stamp of the file; a digest of a video in memory.

        Raises:
            DataError: the file is missing.
        """
        if isinstance(self._source, bytes):
            return hashlib.sha256(self._source).hexdigest()
        return state_of([self._source])

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at ``indices``, decoding forwards and each frame once.

        Frames between that nobody asked for are skipped by a seek where a key frame allows it, decoded where later
        ones build on them, and never converted.

        Args:
            indices: frame numbers, 0-based, strictly ascending.
            size: width and height to deliver, in pixels; the original size if None.

        Raises:
            DataError: an index lies outside the video (at once), or a frame cannot be decoded (when its turn comes).
            ValueError: the indices do not ascend.
        """
        check_indices(indices, len(self), self._name)
        return self._decode(indices, size or self.size)

    @property
    def video(self) -> Path | None:
        """The file; None for a video in memory."""
        return None if isinstance(self._source, bytes) else self._source

    @property
    def times(self) -> list[float]:
        """Presentation time of each frame, in seconds from the first; even where the container has no times."""
        index = self._index
        return [float((time - index.times[0]) * index.time_base) for time in index.times]

    @property
    def offset(self) -> float:
        """Time that the container gives to the first frame, in seconds; sound is counted from the same zero."""
        index = self._index
        return float(index.times[0] * index.time_base)

    def play(self, size: Size | None = None, *, start: int = 0) -> Generator[TimedFrame, None, None]:
        """Return the frames from ``start`` to the end, decoded in one go; those that cannot be decoded are left out.

        Args:
            size: width and height to deliver, in pixels; the original size if None.
            start: number of the first frame, 0-based.

        Raises:
            DataError: the file cannot be opened, or cannot be read to its end.
        """
        return self._play(size or self.size, start, to_rgb)

    def play_luma(self, size: Size, *, start: int = 0) -> Generator[TimedFrame, None, None]:
        """Yield the frames as :meth:`play` does, each of one colour (H, W, 1): :func:`.decoding.to_luma`."""
        return self._play(size, start, to_luma)

    def _play(self, size: Size, start: int, convert: Conversion) -> Generator[TimedFrame, None, None]:
        index, times = self._index, self.times
        reformatter = VideoReformatter()
        with ExitStack() as stack:
            container, stream = stack.enter_context(self._open())
            packets = self._packets_from(index.key_before(start), container, stream, stack)
            numbered = index.number(packets)
            if self._thread_count != 1:  # to scale a frame takes a quarter of the time that it takes to decode it
                numbered = stack.enter_context(closing(ahead(numbered, _DECODED_AHEAD)))
            for number, frame in numbered:
                if number >= start:
                    picture = convert(frame, size, index.quarter_turns, reformatter)
                    if picture is not None:
                        yield TimedFrame(number, times[number], picture)

    @cached_property
    def _index(self) -> FrameIndex:
        with self._open() as (container, stream):
            rate = stream.average_rate or stream.guessed_rate
            unit = stream.time_base
            packets = self._packets(container, stream)
            first, frames = scan(packets)
            untimed = container.format.name in _UNTIMED
        if first is None or not frames or not rate:
            raise DataError(f"{self._name}: this video holds no frame that can be decoded.")
        timed = sorted((time, is_key) for time, is_key in frames if time is not None)
        times = [time for time, _ in timed]
        order: list[int] | None = None
        keys = [0]
        if untimed or len(timed) < len(frames) or not unit:
            with self._open() as (container, stream):
                order, count = shown_order(self._packets(container, stream))
            times, unit = list(range(count)), 1 / Fraction(rate)
        elif not packets.joined and all(time < following for time, following in pairwise(times)):
            keys += [number for number, (_, is_key) in enumerate(timed) if number > 0 and is_key]
        return FrameIndex(
            times=times,
            order=order,
            time_base=unit,
            keys=keys,
            size=shown_size(first),
            fps=float(rate),
            quarter_turns=quarter_turns(first),
        )

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        source = io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source
        try:
            container = open_to_read(source)
        except FileNotFoundError as error:
            raise DataError(f"{self._name}: there is no such video.") from error
        except FFmpegError as error:
            raise DataError(f"{self._name}: this is not a video that can be read ({error.strerror}).") from error
        with container:
            if not container.streams.video:
                raise DataError(f"{self._name}: there are no pictures in this file.")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise DataError(f"{self._name}: there is no decoder for the pictures in this file.")
            stream.codec_context.thread_count = self._thread_count
            yield container, stream

    def _decode(self, indices: Sequence[int], size: Size) -> Iterator[UInt8Array]:
        index = self._index
        reformatter = VideoReformatter()
        numbered: Iterator[tuple[int, VideoFrame]] | None = None
        last = 0  # the frame that the decoder gave last
        with ExitStack() as stack:
            container, stream = stack.enter_context(self._open())
            for wanted in indices:
                key = index.key_before(wanted)
                if numbered is None or key - last > _SEEK_COSTS_FRAMES:
                    numbered = index.number(self._packets_from(key, container, stream, stack))
                last, frame = next((item for item in numbered if item[0] >= wanted), (-1, None))
                picture = None
                if frame is not None and last == wanted:
                    picture = to_rgb(frame, size, index.quarter_turns, reformatter)
                if picture is None:
                    raise DataError(f"{self._name}: frame {wanted} cannot be decoded (its data is missing or damaged).")
                yield picture

    def _packets(self, container: InputContainer, stream: VideoStream) -> AscendingPackets:
        """Return all packets, of a container that has just been opened."""
        packets = demuxed(container, stream, self._name)
        if container.format.flags & _STARTS_ANYWHERE:
            packets = from_key_frame(packets)
        return AscendingPackets(packets, stream)

    def _packets_from(
        self, key: int, container: InputContainer, stream: VideoStream, stack: ExitStack
    ) -> Iterable[Packet[VideoStream]]:
        """Return the packets from key frame ``key`` on, or from an earlier key frame.

        Some containers (MPEG-TS) seek by guessing and land too late: then aim earlier, and at last start afresh.
        """
        if key == 0:
            return self._packets(container, stream)
        time, start = self._index.times[key], self._index.times[0]
        second = round(1 / stream.time_base) if stream.time_base else 1
        back = 0
        while time - back >= start:
            try:
                container.seek(time - back, stream=stream)
            except FFmpegError:  # an index that is damaged or missing
                break
            packets = from_key_frame(demuxed(container, stream, self._name))
            landed = next(packets, None)
            if landed is not None and landed.pts is not None and landed.pts <= time:
                return chain([landed], packets)
            back = 2 * back or second
        container, stream = stack.enter_context(self._open())
        return self._packets(container, stream)


def state_of(paths: Sequence[Path]) -> str:
    """Return path, size and time stamp of files.

    Raises:
        DataError: a file is missing.
    """
    try:
        states = [(str(path.absolute()), path.stat()) for path in paths]
    except OSError as error:
        raise DataError(f"{error.filename}: this file cannot be read ({error.strerror}).") from error
    return "\n".join(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states)


def check_indices(indices: Sequence[int], count: int, name: str) -> None:
    """Refuse frame numbers that do not ascend, or lie outside a clip of ``count`` frames that messages call ``name``.

    Raises:
        DataError: there is no such frame.
        ValueError: they do not ascend.
    """
    if any(following <= number for number, following in pairwise(indices)):
        raise ValueError(f"{name}: frame numbers must ascend strictly, not {list(indices)}.")
    for number in (*indices[:1], *indices[-1:]):
        if not 0 <= number < count:
            raise DataError(f"{name}: there is no frame {number}; the frames are 0 to {count - 1}.")
