"""From packets to pictures: what the decoders of files and of live streams share, and the index of a file."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, dropwhile
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable

import av
import numpy as np
from av.container import InputContainer
from av.error import ExitError, FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from tracknet_core.contracts import Size, TimedFrame, UInt8Array
from tracknet_core.errors import DataError

# PyAV is strict about texts unless it is told otherwise; from 19 on it is lenient, and cannot be told.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_to_read(source: str | Path | BinaryIO, **options: Any) -> InputContainer:
    """Open a video; a title in another code than UTF-8, which is common in AVI and WMV, does no harm.

    Args:
        source: path, address or bytes.
        options: of ``av.open``.

    Raises:
        DataError: it is a pipe, at which FFmpeg would wait without end.
        FFmpegError: it cannot be opened.
    """
    if isinstance(source, Path) and source.is_fifo():
        raise DataError(f"{source}: a pipe, and frames are read more than once. Write it to a file first.")
    return cast("InputContainer", av.open(source, "r", **_LENIENT, **options))


def demuxed(container: InputContainer, stream: VideoStream, name: str) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a stream.

    Raises:
        DataError: the container cannot be read on; the message begins with ``name``.
    """
    try:
        yield from container.demux(stream)
    except FFmpegError as error:
        raise DataError(f"{name}: broke off, and cannot be read on ({reason_of(error)}).") from error


def reason_of(error: Exception) -> str:
    """Return what is wrong in the words of FFmpeg or of the system, but for a source that it waited for too long."""
    if isinstance(error, ExitError):
        return "nothing comes from there"
    return str(getattr(error, "strerror", None) or error)


def decoded(packets: Iterable[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packets one by one; one that the decoder refuses costs its own pictures alone."""
    for packet in packets:
        yield from pictures_of(packet) or ()


def pictures_of(packet: Packet[VideoStream]) -> list[VideoFrame] | None:
    """Return the pictures that the decoder gives for a packet; None if it refuses the packet."""
    try:
        return packet.decode()
    except MemoryError:
        raise
    except FFmpegError:  # which one tells nothing: each decoder has its own for data that it cannot use
        return None


def quarter_turns(frame: VideoFrame) -> int:
    """Return the counter-clockwise quarter turns from the stored picture to the shown one."""
    return round(frame.rotation / 90) % 4


def shown_size(frame: VideoFrame) -> Size:
    """Return the width and height of a picture as it is shown, in pixels."""
    return (frame.height, frame.width) if quarter_turns(frame) % 2 else (frame.width, frame.height)


def to_rgb(frame: VideoFrame, size: Size, quarter_turns: int, reformatter: VideoReformatter) -> UInt8Array | None:
    """Resize, convert and turn in one step of swscale. AREA, since FAST_BILINEAR moves the ball by half a pixel.

    Args:
        frame: the picture as stored.
        size: width and height to deliver, in pixels.
        quarter_turns: counter-clockwise turns to the shown picture.
        reformatter: what converts the frames before and after this one, too.

    Returns:
        RGB picture as shown, uint8 (H, W, 3); None if it is broken: the decoder had to guess parts of it, or its
        format makes no sense.
    """
    return _resized(frame, size, quarter_turns, reformatter, "rgb24")


def to_luma(frame: VideoFrame, size: Size, quarter_turns: int, reformatter: VideoReformatter) -> UInt8Array | None:
    """Resize and turn the luma of a picture, at 0..255, without a look at its colours.

    What :func:`to_rgb` gives has a luma that is a level or so lower, as swscale rounds colours down, and other by a few
    levels where colours lie outside of what RGB can show.

    Args:
        frame: the picture as stored.
        size: width and height to deliver, in pixels.
        quarter_turns: counter-clockwise turns to the shown picture.
        reformatter: what converts the frames before and after this one, too.

    Returns:
        Picture as shown, uint8 (H, W, 1); None if it is broken.
    """
    picture = _resized(frame, size, quarter_turns, reformatter, "gray")
    return None if picture is None else picture[..., np.newaxis]


def _resized(
    frame: VideoFrame, size: Size, quarter_turns: int, reformatter: VideoReformatter, form: str
) -> UInt8Array | None:
    if frame.is_corrupt:
        return None
    width, height = (size[1], size[0]) if quarter_turns % 2 else size
    try:
        picture = reformatter.reformat(frame, width, height, form, interpolation="AREA").to_ndarray()
    except MemoryError:
        raise
    except FFmpegError:
        return None
    return np.ascontiguousarray(np.rot90(picture, quarter_turns), dtype=np.uint8)


@runtime_checkable
class LumaSource(Protocol):
    """What a source of frames may be beside: one that gives their luma without the work of their colours."""

    def play_luma(self, size: Size, *, start: int = 0) -> Generator[TimedFrame, None, None]:
        """Yield the frames as ``play`` does, each picture (H, W, 1) uint8.

        Args:
            size: width and height to deliver, in pixels.
            start: number of the first frame, 0-based; 0 for a live source.
        """


Conversion = Callable[[VideoFrame, Size, int, VideoReformatter], UInt8Array | None]
""":func:`to_rgb` or :func:`to_luma`."""


@dataclass(frozen=True)
class FrameIndex:
    """What one pass over the packets of a video tells.

    Attributes:
        times: presentation time of each frame, ascending, equal where the container says so; the frame's number if the
            container has no times.
        order: where the container has no times, the frame that each picture of the decoder is, in its order; else None.
        time_base: seconds per unit of ``times``.
        keys: numbers of the frames where decoding can start: 0, reached from the start of the file, and, where times
            tell frames apart, the key frames.
        size: width and height as shown.
        fps: frames per second.
        quarter_turns: counter-clockwise quarter turns from the stored picture to the shown one.
    """

    times: list[int]
    order: list[int] | None
    time_base: Fraction
    keys: list[int]
    size: Size
    fps: float
    quarter_turns: int

    def key_before(self, number: int) -> int:
        """Return the last key frame at or before frame ``number``."""
        return self.keys[bisect_right(self.keys, number) - 1]

    def number(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[tuple[int, VideoFrame]]:
        """Decode packets, and return each frame with its number, in ascending order.

        Pictures that belong to no frame are left out.
        """
        pictures = decoded(packets)
        return self._by_time(pictures) if self.order is None else zip(self.order, pictures, strict=False)

    def _by_time(self, pictures: Iterable[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        next_number = 0
        for picture in pictures:
            if picture.pts is not None:
                # Of frames at one time, the decoder gives the first one first. What comes late comes out of damage.
                number = max(bisect_left(self.times, picture.pts), next_number)
                if number < len(self.times) and self.times[number] == picture.pts:
                    yield number, picture
                    next_number = number + 1


class AscendingPackets:
    """Packets, whose times go on ascending where the next of several recordings in one file begins.

    Joined recordings (``cat a.ts b.ts``) each count from their own start. Decoding times never go back within one.

    Args:
        packets: from the start of the file.
        stream: says the interval between two frames.

    Attributes:
        joined: whether a second recording has been met.
    """

    def __init__(self, packets: Iterable[Packet[VideoStream]], stream: VideoStream) -> None:
        self._packets = packets
        rate, unit = stream.average_rate or stream.guessed_rate, stream.time_base
        self._interval = max(1, round(1 / (rate * unit))) if rate and unit else 1
        self.joined = False

    def __iter__(self) -> Iterator[Packet[VideoStream]]:
        offset = 0
        latest = last_decoding = -math.inf
        for packet in self._packets:
            if packet.pts is not None:
                decoding = last_decoding if packet.dts is None else packet.dts
                if packet.is_keyframe and decoding < last_decoding and packet.pts + offset < latest:
                    offset = int(latest) + self._interval - packet.pts
                    self.joined = True
                last_decoding = decoding
                packet.pts += offset
                latest = max(latest, packet.pts)
            yield packet


def scan(packets: Iterable[Packet[VideoStream]]) -> tuple[VideoFrame | None, list[tuple[int | None, bool]]]:
    """Return the first picture, and of each frame the time and whether it is a key frame, in the order of packets."""
    first: VideoFrame | None = None
    frames: list[tuple[int | None, bool]] = []
    begin: int | None = None
    for packet in packets:
        if first is None:
            first = next(iter(pictures_of(packet) or ()), None)
        if begin is None:
            begin = packet.pts
        # What is shown before the first key frame builds on data that is not there.
        is_early = packet.pts is not None and begin is not None and packet.pts < begin
        if packet.size and not packet.is_discard and not is_early:
            frames.append((packet.pts, packet.is_keyframe))
    return first, frames


def shown_order(packets: Iterable[Packet[VideoStream]]) -> tuple[list[int], int]:
    """Decode a video without times, and return the frame that each picture is, and the number of frames.

    A frame is a picture of the decoder, or a packet that it refuses. The latter stands where it was refused, or up to
    a few frames later where pictures are not shown in the order of the packets.
    """
    shown: list[int] = []  # the packet of each picture
    refused: list[int] = []
    for place, packet in enumerate(packets):
        if packet.size:
            packet.pts = place  # which the decoder hands on to the picture
        pictures = pictures_of(packet)
        if pictures is not None:
            shown += [place if picture.pts is None else picture.pts for picture in pictures]
        elif packet.size:
            refused.append(place)
    numbers = [count + bisect_left(refused, latest) for count, latest in enumerate(accumulate(shown, max))]
    return numbers, len(shown) + len(refused)


def from_key_frame(packets: Iterable[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    """Return the packets from the next key frame on; those before it cannot be decoded."""
    return dropwhile(lambda packet: not packet.is_keyframe, packets)
