"""Pictures into a video: at an even rate, or each at a time of its own beside the sound of another file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.packet import Packet
from av.stream import Stream
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from tracknet_core.contracts import Size, TimedFrame, UInt8Array
from tracknet_core.files import replaced_file
from tracknet_core.video.decoding import open_to_read

_MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})


_TICKS = 90_000  # per second: the clock of MPEG, a multiple of the usual frame rates
_OPTIONS = {"crf": "21", "preset": "veryfast"}


def write_video(
    target: Path | BinaryIO,
    frames: Iterable[UInt8Array],
    *,
    fps: float,
    crf: int = 23,
    preset: str = "veryfast",
    gop: int = 12,
    bitrate: int | None = None,
    filters: str = "",
) -> None:
    """Write frames as an H.264 video (mp4, 4:2:0), one at a time: memory does not grow with the length.

    The same frames give the same bytes on any number of cores. 4:2:0 needs even sizes: an odd width or height grows by
    one pixel at the right or bottom, where the last column or row is repeated; coordinates stay valid.

    Args:
        target: path of the file, written beside and renamed when complete; or a seekable binary file.
        frames: RGB pictures (H, W, 3), all of one size.
        fps: frames per second.
        crf: x264's constant rate factor, 0 (lossless) to 51 (worst).
        preset: x264's trade of time for size, such as ``ultrafast`` or ``medium``.
        gop: greatest distance between key frames, in frames; what a jump into the video costs at most.
        bitrate: bits per second that are aimed at, in place of ``crf``, as broadcasters do; None for ``crf``.
        filters: FFmpeg's filters that the frames pass before they are encoded, as a chain such as
            ``gblur=sigma=1,unsharp=5:5:1.0``; they give as many frames as they take.

    Raises:
        ValueError: no frames, or one that is not uint8 (H, W, 3) of the first one's size.
    """
    options = {"preset": preset, "g": str(gop)}
    if bitrate is None:
        options["crf"] = str(crf)
    else:
        # A buffer of a second: scenes that move much look worse than others, as they do on air.
        options |= {"b": str(bitrate), "maxrate": str(bitrate * 3 // 2), "bufsize": str(bitrate)}
    if not isinstance(target, Path):
        _encode(target, frames, fps, options, filters)
        return
    with replaced_file(target) as part, part.open("wb") as file:
        _encode(file, frames, fps, options, filters)


def _encode(file: BinaryIO, frames: Iterable[UInt8Array], fps: float, options: dict[str, str], filters: str) -> None:
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("write_video: there are no frames to write.")
    if first.ndim != 3:
        raise ValueError(f"write_video: frames are RGB pictures (H, W, 3), not of shape {first.shape}.")
    height, width, _ = first.shape
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    with av.open(file, "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)  # keeps the rates of television, such as 30000/1001, exact
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.codec_context.thread_count = 1  # x264's bytes depend on the number of threads
        filtered = _FilterChain(filters, stream, rate) if filters else None
        for number, picture in enumerate(chain([first], pictures)):
            if picture.dtype != np.uint8 or picture.shape != (height, width, 3):
                raise ValueError(
                    f"write_video: frame {number} is {picture.dtype} of shape {picture.shape}, "
                    f"not uint8 of shape {(height, width, 3)} as the first."
                )
            frame = VideoFrame.from_ndarray(np.pad(picture, padding, mode="edge"), "rgb24")
            frame.pts = number
            container.mux(stream.encode(filtered(frame) if filtered else frame))
        container.mux(stream.encode())


class _FilterChain:
    """FFmpeg's filters, frame by frame.

    Args:
        filters: the chain.
        stream: what the frames are going to be encoded for.
        rate: frames per second.
    """

    def __init__(self, filters: str, stream: VideoStream, rate: Fraction) -> None:
        self._format = stream.pix_fmt or "yuv420p"
        self._clock = 1 / rate
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=stream.width, height=stream.height, format=VideoFormat(self._format), time_base=self._clock
        )
        # One thread: more would start anew for every clip, and the work of a frame is short.
        links = [source, *(self._graph.add(*f"{step}:threads=1".split("=", 1)) for step in filters.split(","))]
        links.append(self._graph.add("buffersink"))
        self._graph.link_nodes(*links).configure()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame as the filters leave it."""
        planar = frame.reformat(format=self._format)
        planar.pts, planar.time_base = frame.pts, self._clock
        self._graph.vpush(planar)
        return self._graph.vpull()


class VideoEncoder:
    """Writes an H.264 video of pictures, each at a time of its own, and copies the sound of the original beside them.

    A context manager: what is left is written when its block ends without an error. 4:2:0 needs even sizes: an odd
    width or height grows by one pixel at the right or bottom.

    Args:
        path: the file, which is replaced.
        form: of the container, MP4 or Matroska; see :func:`suffix_for_sound`.
        size: width and height of the pictures, in pixels.
        fps: frames per second; only a hint for the encoder.
        original: the video that the pictures come from: its sound is copied as it is, as far as it can be read, and its
            colours are kept. None for neither.
        offset: time that the original gives to the first picture, in seconds.

    Raises:
        FFmpegError: the file cannot be written, or the original cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        form: Literal["mp4", "matroska"],
        size: Size,
        fps: float,
        original: Path | None = None,
        offset: float = 0.0,
    ) -> None:
        width, height = size
        self._padding = ((0, height % 2), (0, width % 2), (0, 0))
        self._last = -1  # time of the picture before, in ticks
        self._colours = Colorspace.DEFAULT
        self._copies: dict[int, _Copy] = {}
        self._sound: Iterator[Packet[Stream]] = iter(())
        self._waiting: Packet[Stream] | None = None
        with ExitStack() as stack:
            self._output = stack.enter_context(av.open(str(path), "w", format=form))
            # A container need not tell the truth about its rate, and each picture has its own time.
            rate = Fraction(min(max(fps, 1), 1000)).limit_denominator(1001)
            self._stream = self._output.add_stream("libx264", rate=rate, options=_OPTIONS)
            self._stream.width, self._stream.height = width + width % 2, height + height % 2
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, _TICKS)
            if original is not None:
                self._follow(stack.enter_context(open_to_read(original)), offset)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._open:
            if error is None:
                self._copy_sound(None)
                self._output.mux(self._stream.encode())

    def add(self, frame: TimedFrame) -> None:
        """Add a picture (H, W, 3), and the sound before it; of frames at one time, each is shown."""
        self._copy_sound(frame.time)
        picture = VideoFrame.from_ndarray(np.pad(frame.picture, self._padding, mode="edge"), "rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=self._colours)
        self._last = max(round(frame.time * _TICKS), self._last + 1)
        picture.pts, picture.time_base = self._last, Fraction(1, _TICKS)
        self._output.mux(self._stream.encode(picture))

    def _follow(self, original: InputContainer, offset: float) -> None:
        """Take over the colours and the sound of a video."""
        if original.streams.video[0].codec_context.colorspace == Colorspace.ITU709:
            # Colours are coded as they were, and the file says so only where the video does.
            self._colours = self._stream.codec_context.colorspace = Colorspace.ITU709
        if original.streams.audio:
            self._copies = {
                stream.index: _Copy(self._output.add_stream_from_template(stream), offset)
                for stream in original.streams.audio
            }
            self._sound = original.demux(*original.streams.audio)

    def _copy_sound(self, until: float | None) -> None:
        """Copy the sound up to a time in seconds from the first picture; all of it if None."""
        while (packet := self._waiting or self._next_sound()) is not None:
            if until is not None and packet.dts is not None and packet.dts * (packet.time_base or 0) > until:
                self._waiting = packet
                return
            self._output.mux(packet)
            self._waiting = None

    def _next_sound(self) -> Packet[Stream] | None:
        try:
            for packet in self._sound:
                if packet.dts is not None:
                    self._copies[packet.stream_index].redirect(packet, packet.dts)
                    return packet
        except FFmpegError:  # a video that breaks off: the sound ends there
            pass
        return None


class _Copy:
    """Where a stream of sound is copied to, and the times that it has there.

    They count from the first picture, and go on where the next of several joined recordings begins anew.

    Args:
        stream: of the output.
        offset: time of the first picture in the source, in seconds.
    """

    def __init__(self, stream: AudioStream, offset: float) -> None:
        self._stream = stream
        self._offset = offset
        self._shift: int | None = None
        self._last = -math.inf

    def redirect(self, packet: Packet[Stream], decoding: int) -> None:
        """Point a packet of the source, which is decoded at ``decoding`` there, to the output."""
        if self._shift is None:
            self._shift = -round(self._offset / (packet.time_base or Fraction(1, _TICKS)))
        if decoding + self._shift <= self._last:
            self._shift = int(self._last) + max(1, packet.duration or 0) - decoding
        presentation = decoding if packet.pts is None else packet.pts
        packet.dts, packet.pts = decoding + self._shift, presentation + self._shift
        packet.stream = self._stream
        self._last = packet.dts


def suffix_for_sound(original: Path | None) -> Literal[".mp4", ".mkv"]:
    """Return the suffix of a file that the sound of a video fits into: MP4 where it can be, else Matroska.

    Args:
        original: the video; None if there is no sound to copy.
    """
    if original is None:
        return ".mp4"
    try:
        with open_to_read(original) as container:
            codecs = {stream.codec_context.name for stream in container.streams.audio}
    except FFmpegError:
        return ".mp4"
    return ".mp4" if codecs <= _MP4_AUDIO else ".mkv"
