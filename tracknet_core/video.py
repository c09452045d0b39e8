"""Frames out of a video or a folder of images, and into a video.

Frame ``n`` is the n-th picture that a viewer sees: its position in the sorted list of presentation times, which one
pass over the packets gives without decoding. That holds for videos with B-frames, with a variable frame rate, and in
containers that seek only roughly, where counting pictures after a seek or multiplying by the frame rate goes wrong.

Pixel coordinates have the centre of the top-left pixel at (0, 0). All resizing here keeps pixel centres
(:func:`tracknet_core.contracts.rescale`) and averages the pixels that it merges.
"""

from __future__ import annotations

import hashlib
import io
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, dropwhile, pairwise
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from tracknet_core.contracts import Size, UInt8Array
from tracknet_core.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

# Containers whose times are those of decoding, not of presentation.
_UNTIMED = frozenset({"avi"})

# A seek empties the decoder, which has read about this many frames ahead: a key frame that is nearer is reached by
# decoding.
_SEEK_COSTS_FRAMES = 2


def write_video(
    target: Path | BinaryIO,
    frames: Iterable[UInt8Array],
    *,
    fps: float,
    crf: int = 23,
    preset: str = "veryfast",
    gop: int = 12,
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

    Raises:
        ValueError: no frames, or one that is not uint8 (H, W, 3) of the first one's size.
    """
    options = {"crf": str(crf), "preset": preset, "g": str(gop)}
    if not isinstance(target, Path):
        _encode(target, frames, fps, options)
        return
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            _encode(file, frames, fps, options)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts paths by name as people count: ``match2`` before ``match10``."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts if part]


def image_files(folder: Path) -> list[Path]:
    """Return the images (jpg, png) in ``folder``, in natural order; hidden files are left out."""
    paths = (path for path in folder.glob("[!.]*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(paths, key=natural_order)


class VideoFrames:
    """The frames of a video, exact to the frame; a :class:`~tracknet_core.contracts.FrameSource`.

    Nothing is read before it is needed, and no file stays open between reads: sources are cheap to hold by the thousand
    and to send to worker processes. The first use of ``len``, ``size`` or ``fps`` passes over the packets once.

    Sizes and coordinates are those of the picture as shown: a rotation noted in the container is applied. Containers
    without presentation times (AVI, raw streams) are decoded from the start at every read, the one way to be exact.

    Args:
        source: path of the video, or its bytes.
        name: how messages call it; the path by default.
        thread_count: threads of the decoder; 1 suits loaders that run several workers, 0 leaves it to FFmpeg.
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
        return _state([self._source])

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at ``indices``, decoding forwards and each frame once.

        Frames between that nobody asked for are skipped by a seek where a key frame allows it, decoded where later
        ones build on them, and never converted.

        Args:
            indices: frame numbers, 0-based, strictly ascending.
            size: width and height to deliver, in pixels; the original size if None.

        Returns:
            RGB pictures, uint8 (H, W, 3).

        Raises:
            DataError: an index lies outside the video (at once), or a frame cannot be decoded (when its turn comes).
            ValueError: the indices do not ascend.
        """
        _check_indices(indices, len(self), self._name)
        return self._decode(indices, size or self.size)

    @property
    def path(self) -> Path | None:
        """The file; None for a video in memory."""
        return None if isinstance(self._source, bytes) else self._source

    @property
    def times(self) -> list[float]:
        """Presentation time of each frame, in seconds from the first; even where the container has no times."""
        index = self._index
        return [float((time - index.times[0]) * index.time_base) for time in index.times]

    @property
    def start(self) -> float:
        """Time that the container gives to the first frame, in seconds; sound is counted from the same zero."""
        index = self._index
        return float(index.times[0] * index.time_base)

    def play(self, size: Size | None = None, start: int = 0) -> Iterator[tuple[int, UInt8Array]]:
        """Yield the frames from ``start`` to the end, each with its number; those that cannot be decoded are left out.

        Args:
            size: width and height to deliver, in pixels; the original size if None.
            start: number of the first frame, 0-based.

        Yields:
            Number of the frame, and its RGB picture, uint8 (H, W, 3).

        Raises:
            DataError: the file cannot be opened.
        """
        index = self._index
        reformatter = VideoReformatter()
        with ExitStack() as stack:
            container, stream = stack.enter_context(self._open())
            packets = self._packets_from(index.key_before(start), container, stream, stack)
            for number, frame in index.number_pictures(_decodable(packets)):
                if number >= start and not frame.is_corrupt:
                    yield number, _to_rgb(frame, size or self.size, index.quarter_turns, reformatter)

    @cached_property
    def _index(self) -> _Index:
        try:
            with self._open() as (container, stream):
                first, packets = _scan(container, stream)
                timed = container.format.name not in _UNTIMED and None not in packets
                rate = stream.average_rate or stream.guessed_rate
                unit = stream.time_base
            if timed:
                times = sorted(time for time in packets if time is not None)
                keys = [0, *(number for number, time in enumerate(times) if number > 0 and packets[time])]
            else:
                with self._open() as (container, stream):
                    pictures = (picture for packet in _from_key_frame(container, stream) for picture in packet.decode())
                    times = list(range(sum(1 for _ in pictures)))
                keys = [0]
        except FFmpegError as error:
            raise DataError(f"{self._name}: this video cannot be decoded ({error.strerror}).") from error
        if first is None or not times or not rate:
            raise DataError(f"{self._name}: this video holds no frame that can be decoded.")
        turns = round(first.rotation / 90) % 4
        size = (first.height, first.width) if turns % 2 else (first.width, first.height)
        return _Index(
            times=times,
            timed=timed,
            time_base=unit if timed and unit else 1 / Fraction(rate),
            keys=keys,
            size=size,
            fps=float(rate),
            quarter_turns=turns,
        )

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        try:
            container = av.open(io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source, "r")
        except FileNotFoundError as error:
            raise DataError(f"{self._name}: there is no such video.") from error
        except FFmpegError as error:
            raise DataError(f"{self._name}: this is not a video that can be read ({error.strerror}).") from error
        with container:
            if not container.streams.video:
                raise DataError(f"{self._name}: there are no pictures in this file.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = self._thread_count
            yield container, stream

    def _decode(self, indices: Sequence[int], size: Size) -> Iterator[UInt8Array]:
        index = self._index
        reformatter = VideoReformatter()
        decoded: Iterator[tuple[int, VideoFrame]] | None = None
        last = 0  # the frame that the decoder gave last
        with ExitStack() as stack:
            container, stream = stack.enter_context(self._open())
            for wanted in indices:
                key = index.key_before(wanted)
                try:
                    if decoded is None or key - last > _SEEK_COSTS_FRAMES:
                        decoded = index.number(self._packets_from(key, container, stream, stack))
                    last, frame = next((item for item in decoded if item[0] >= wanted), (-1, None))
                except FFmpegError as error:
                    raise DataError(f"{self._name}: frame {wanted} cannot be decoded ({error.strerror}).") from error
                if frame is None or last != wanted or frame.is_corrupt:
                    raise DataError(f"{self._name}: frame {wanted} cannot be decoded (its data is missing or damaged).")
                yield _to_rgb(frame, size, index.quarter_turns, reformatter)

    def _packets_from(
        self, key: int, container: InputContainer, stream: VideoStream, stack: ExitStack
    ) -> Iterator[Packet[VideoStream]]:
        """Return the packets from key frame ``key`` on, or from an earlier key frame.

        Some containers (MPEG-TS) seek by guessing and land too late: then aim earlier, and at last start afresh.
        """
        if key == 0:
            return _from_key_frame(container, stream)
        time, start = self._index.times[key], self._index.times[0]
        second = round(1 / stream.time_base) if stream.time_base else 1
        back = 0
        while time - back >= start:
            container.seek(time - back, stream=stream)
            packets = _from_key_frame(container, stream)
            landed = next(packets, None)
            if landed is not None and landed.pts is not None and landed.pts <= time:
                return chain([landed], packets)
            back = 2 * back or second
        container, stream = stack.enter_context(self._open())
        return _from_key_frame(container, stream)


class ImageFrames:
    """The frames of a clip stored as images; a :class:`~tracknet_core.contracts.FrameSource`.

    A JPEG that is to be reduced is decoded at a fraction of its size (libjpeg's scaled DCT) before it is resized: twice
    as fast, and the ball stays within 0.01 px.

    Args:
        paths: the images, in the order of the frames; all of one size.
        fps: frames per second.

    Raises:
        ValueError: no images.
    """

    def __init__(self, paths: Sequence[Path], *, fps: float) -> None:
        if not paths:
            raise ValueError("ImageFrames: 'paths' is empty; a clip has at least one image.")
        self._paths = tuple(paths)
        self._fps = fps

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    @cached_property
    def size(self) -> Size:
        """Width and height of the first image, in pixels.

        Raises:
            DataError: the image cannot be read.
        """
        with _open_image(self._paths[0]) as image:
            return image.size

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._paths)

    def fingerprint(self) -> str:
        """Return path, size and time stamp of every image.

        Raises:
            DataError: an image is missing.
        """
        return _state(self._paths)

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at ``indices``.

        Args:
            indices: frame numbers, 0-based, strictly ascending.
            size: width and height to deliver, in pixels; the original size if None.

        Returns:
            RGB pictures, uint8 (H, W, 3).

        Raises:
            DataError: an index lies outside the clip (at once); an image cannot be read, or differs in size from the
                first (when its turn comes).
            ValueError: the indices do not ascend.
        """
        _check_indices(indices, len(self), str(self._paths[0].parent))
        return (self._load(self._paths[number], size or self.size) for number in indices)

    def _load(self, path: Path, size: Size) -> UInt8Array:
        with _open_image(path) as image:
            if image.size != self.size:
                raise DataError(
                    f"{path}: this image has {image.width}x{image.height} pixels, but the first of the clip, "
                    f"{self._paths[0].name}, has {self.size[0]}x{self.size[1]}. All images of a clip have one size."
                )
            draft = image.draft("RGB", size)  # reads a JPEG at the smallest fraction that is not below `size`
            box = draft[1] if draft else None  # where the whole image lies in the reduced one, which is rounded up
            return np.array(image.convert("RGB").resize(size, Image.Resampling.BILINEAR, box=box))


@dataclass(frozen=True)
class _Index:
    """What one pass over the packets of a video tells.

    Attributes:
        times: presentation time of each frame, ascending; the frame's number if the container has no times.
        timed: whether the container has times.
        time_base: seconds per unit of ``times``.
        keys: numbers of the frames where decoding can start: 0, reached from the start of the file, and the key frames.
        size: width and height as shown.
        fps: frames per second.
        quarter_turns: counter-clockwise quarter turns from the stored picture to the shown one.
    """

    times: list[int]
    timed: bool
    time_base: Fraction
    keys: list[int]
    size: Size
    fps: float
    quarter_turns: int

    def key_before(self, number: int) -> int:
        """Return the last key frame at or before frame ``number``."""
        return self.keys[bisect_right(self.keys, number) - 1]

    def number(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[tuple[int, VideoFrame]]:
        """Decode packets, and yield each frame with its number; pictures that belong to no frame are left out."""
        return self.number_pictures(frame for packet in packets for frame in packet.decode())

    def number_pictures(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        """Yield each decoded picture with its number; pictures that belong to no frame are left out."""
        if not self.timed:
            yield from enumerate(frames)
            return
        for frame in frames:
            if frame.pts is not None:
                number = bisect_left(self.times, frame.pts)
                if number < len(self.times) and self.times[number] == frame.pts:
                    yield number, frame


def _scan(container: InputContainer, stream: VideoStream) -> tuple[VideoFrame | None, dict[int | None, bool]]:
    """Return the first picture, and the presentation times of all packets, each with whether it is a key frame."""
    first: VideoFrame | None = None
    packets: dict[int | None, bool] = {}
    begin: int | None = None
    for packet in _from_key_frame(container, stream):
        if first is None:
            first = next(iter(packet.decode()), None)
        if begin is None:
            begin = packet.pts
        # What is shown before the first key frame builds on data that is not there.
        is_early = packet.pts is not None and begin is not None and packet.pts < begin
        if packet.size and not packet.is_discard and not is_early:
            packets[packet.pts] = packet.is_keyframe
    return first, packets


def _from_key_frame(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Return the packets from the next key frame on; those before it cannot be decoded."""
    return dropwhile(lambda packet: not packet.is_keyframe, container.demux(stream))


def _decodable(packets: Iterable[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packets one by one; one that is broken costs its own pictures alone, a file that breaks off ends there."""
    coming = iter(packets)
    while True:
        try:
            packet = next(coming, None)
            pictures = [] if packet is None else packet.decode()
        except InvalidDataError:
            continue
        if packet is None:
            return
        yield from pictures


def _to_rgb(frame: VideoFrame, size: Size, quarter_turns: int, reformatter: VideoReformatter) -> UInt8Array:
    """Resize, convert and turn in one step of swscale. AREA, since FAST_BILINEAR moves the ball by half a pixel."""
    width, height = (size[1], size[0]) if quarter_turns % 2 else size
    picture = reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, quarter_turns), dtype=np.uint8)


@contextmanager
def _open_image(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such image.") from error
    except (OSError, SyntaxError, ValueError) as error:  # SyntaxError is what Pillow raises for a broken PNG
        raise DataError(f"{path}: this image cannot be read ({error}).") from error


def _state(paths: Sequence[Path]) -> str:
    try:
        states = [(str(path.absolute()), path.stat()) for path in paths]
    except OSError as error:
        raise DataError(f"{error.filename}: this file cannot be read ({error.strerror}).") from error
    return "\n".join(f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states)


def _check_indices(indices: Sequence[int], count: int, name: str) -> None:
    if any(following <= number for number, following in pairwise(indices)):
        raise ValueError(f"{name}: frame numbers must ascend strictly, not {list(indices)}.")
    for number in (*indices[:1], *indices[-1:]):
        if not 0 <= number < count:
            raise DataError(f"{name}: there is no frame {number}; the frames are 0 to {count - 1}.")


def _encode(file: BinaryIO, frames: Iterable[UInt8Array], fps: float, options: dict[str, str]) -> None:
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("write_video: there are no frames to write.")
    if first.ndim != 3:
        raise ValueError(f"write_video: frames are RGB pictures (H, W, 3), not of shape {first.shape}.")
    height, width, _ = first.shape
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    with av.open(file, "w", format="mp4") as container:
        # 1001 keeps the rates of television, such as 30000/1001, exact.
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.codec_context.thread_count = 1  # x264's bytes depend on the number of threads
        for number, picture in enumerate(chain([first], pictures)):
            if picture.dtype != np.uint8 or picture.shape != (height, width, 3):
                raise ValueError(
                    f"write_video: frame {number} is {picture.dtype} of shape {picture.shape}, "
                    f"not uint8 of shape {(height, width, 3)} as the first."
                )
            frame = VideoFrame.from_ndarray(np.pad(picture, padding, mode="edge"), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
