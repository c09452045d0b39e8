"""Frames out of a video or a folder of images, and into a video.

Frame ``n`` is the n-th picture that a viewer sees: its position in the sorted list of presentation times, which one
pass over the packets gives without decoding. That holds for videos with B-frames, with a variable frame rate, and in
containers that seek only roughly, where counting pictures after a seek or multiplying by the frame rate goes wrong.
A frame that is damaged keeps its number, so that those of the others stay.

Pixel coordinates have the centre of the top-left pixel at (0, 0). All resizing here keeps pixel centres
(:func:`tracknet_core.contracts.rescale`) and averages the pixels that it merges.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, chain, dropwhile, pairwise
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
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

# Containers of broadcasts and bare streams: a recording may start anywhere, and what comes before its first key frame
# belongs to frames of which the beginning is missing. In all others a packet before the first key frame is a frame.
_STARTS_ANYWHERE = cast("int", (Flags.ts_discont | Flags.no_timestamps).value)

# EXIF orientations, as what turns the stored image into the shown one; from 5 on it lies on its side.
_ORIENTATION = 0x0112
_ON_ITS_SIDE = 5
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# PyAV is strict about texts unless it is told otherwise; from 19 on it is lenient, and cannot be told.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

# A seek empties the decoder, which has read about this many frames ahead: a key frame that is nearer is reached by
# decoding.
_SEEK_COSTS_FRAMES = 2


class ImageSizeError(DataError):
    """An image of another size than the clip: a folder of several clips, and no broken frame."""


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
    without presentation times (AVI, raw streams), or where these do not tell all frames apart (joined recordings), are
    decoded from the start at every read, the one way to be exact.

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
            DataError: the file cannot be opened, or cannot be read to its end.
        """
        index = self._index
        reformatter = VideoReformatter()
        with ExitStack() as stack:
            container, stream = stack.enter_context(self._open())
            packets = self._packets_from(index.key_before(start), container, stream, stack)
            for number, frame in index.number(packets):
                if number >= start:
                    picture = to_rgb(frame, size or self.size, index.quarter_turns, reformatter)
                    if picture is not None:
                        yield number, picture

    @cached_property
    def _index(self) -> _Index:
        with self._open() as (container, stream):
            rate = stream.average_rate or stream.guessed_rate
            unit = stream.time_base
            packets = self._packets(container, stream)
            first, frames = _scan(packets)
            untimed = container.format.name in _UNTIMED
        if first is None or not frames or not rate:
            raise DataError(f"{self._name}: this video holds no frame that can be decoded.")
        timed = sorted((time, is_key) for time, is_key in frames if time is not None)
        times = [time for time, _ in timed]
        order: list[int] | None = None
        keys = [0]
        if untimed or len(timed) < len(frames) or not unit:
            with self._open() as (container, stream):
                order, count = _shown_order(self._packets(container, stream))
            times, unit = list(range(count)), 1 / Fraction(rate)
        elif not packets.joined and all(time < following for time, following in pairwise(times)):
            keys += [number for number, (_, is_key) in enumerate(timed) if number > 0 and is_key]
        return _Index(
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

    def _packets(self, container: InputContainer, stream: VideoStream) -> _Ascending:
        """Return all packets, of a container that has just been opened."""
        packets = demuxed(container, stream, self._name)
        if container.format.flags & _STARTS_ANYWHERE:
            packets = _from_key_frame(packets)
        return _Ascending(packets, stream)

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
            packets = _from_key_frame(demuxed(container, stream, self._name))
            landed = next(packets, None)
            if landed is not None and landed.pts is not None and landed.pts <= time:
                return chain([landed], packets)
            back = 2 * back or second
        container, stream = stack.enter_context(self._open())
        return self._packets(container, stream)


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
        """Width and height of the first image that can be read, in pixels as shown.

        Raises:
            DataError: no image can be read.
        """
        return self._first[1]

    @cached_property
    def _first(self) -> tuple[Path, Size]:
        def sized(path: Path) -> tuple[Path, Size]:
            with _open_image(path) as image:
                return path, _as_shown(image.size, _orientation(image))

        for path in self._paths:
            with suppress(DataError):
                return sized(path)
        return sized(self._paths[0])  # raises what is wrong with it

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
            orientation = _orientation(image)
            width, height = _as_shown(image.size, orientation)
            if (width, height) != self.size:
                raise ImageSizeError(
                    f"{path}: this image has {width}x{height} pixels, but the first of the clip, "
                    f"{self._first[0].name}, has {self.size[0]}x{self.size[1]}. All images of a clip have one size."
                )
            stored = _as_shown(size, orientation)
            draft = image.draft("RGB", stored)  # reads a JPEG at the smallest fraction that is not below that
            box = draft[1] if draft else None  # where the whole image lies in the reduced one, which is rounded up
            picture = _rgb(image).resize(stored, Image.Resampling.BILINEAR, box=box)
            return np.array(picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture)


@dataclass(frozen=True)
class _Index:
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


class _Ascending:
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


def open_to_read(source: str | Path | BinaryIO, **options: Any) -> InputContainer:
    """Open a video; a title in another code than UTF-8, which is common in AVI and WMV, does no harm.

    Args:
        source: path, address or bytes.
        options: of ``av.open``.

    Raises:
        FFmpegError: it cannot be opened.
    """
    return cast("InputContainer", av.open(source, "r", **_LENIENT, **options))


def demuxed(container: InputContainer, stream: VideoStream, name: str) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a stream.

    Raises:
        DataError: the container cannot be read on; the message begins with ``name``.
    """
    try:
        yield from container.demux(stream)
    except FFmpegError as error:
        raise DataError(f"{name}: broke off, and cannot be read on ({error.strerror}).") from error


def decoded(packets: Iterable[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packets one by one; one that the decoder refuses costs its own pictures alone."""
    for packet in packets:
        yield from _pictures_of(packet) or ()


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
    if frame.is_corrupt:
        return None
    width, height = (size[1], size[0]) if quarter_turns % 2 else size
    try:
        picture = reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA").to_ndarray()
    except MemoryError:
        raise
    except FFmpegError:
        return None
    return np.ascontiguousarray(np.rot90(picture, quarter_turns), dtype=np.uint8)


def _scan(packets: Iterable[Packet[VideoStream]]) -> tuple[VideoFrame | None, list[tuple[int | None, bool]]]:
    """Return the first picture, and of each frame the time and whether it is a key frame, in the order of packets."""
    first: VideoFrame | None = None
    frames: list[tuple[int | None, bool]] = []
    begin: int | None = None
    for packet in packets:
        if first is None:
            first = next(iter(_pictures_of(packet) or ()), None)
        if begin is None:
            begin = packet.pts
        # What is shown before the first key frame builds on data that is not there.
        is_early = packet.pts is not None and begin is not None and packet.pts < begin
        if packet.size and not packet.is_discard and not is_early:
            frames.append((packet.pts, packet.is_keyframe))
    return first, frames


def _shown_order(packets: Iterable[Packet[VideoStream]]) -> tuple[list[int], int]:
    """Decode a video without times, and return the frame that each picture is, and the number of frames.

    A frame is a picture of the decoder, or a packet that it refuses. The latter stands where it was refused, or up to
    a few frames later where pictures are not shown in the order of the packets.
    """
    shown: list[int] = []  # the packet of each picture
    refused: list[int] = []
    for place, packet in enumerate(packets):
        if packet.size:
            packet.pts = place  # which the decoder hands on to the picture
        pictures = _pictures_of(packet)
        if pictures is not None:
            shown += [place if picture.pts is None else picture.pts for picture in pictures]
        elif packet.size:
            refused.append(place)
    numbers = [count + bisect_left(refused, latest) for count, latest in enumerate(accumulate(shown, max))]
    return numbers, len(shown) + len(refused)


def _pictures_of(packet: Packet[VideoStream]) -> list[VideoFrame] | None:
    """Return the pictures that the decoder gives for a packet; None if it refuses the packet."""
    try:
        return packet.decode()
    except MemoryError:
        raise
    except FFmpegError:  # which one tells nothing: each decoder has its own for data that it cannot use
        return None


def _from_key_frame(packets: Iterable[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    """Return the packets from the next key frame on; those before it cannot be decoded."""
    return dropwhile(lambda packet: not packet.is_keyframe, packets)


def _orientation(image: Image.Image) -> int:
    orientation = image.getexif().get(_ORIENTATION)
    return orientation if orientation in _TURNS else 1


def _as_shown(size: Size, orientation: int) -> Size:
    """Return the size as shown of an image with a stored size; and back."""
    return (size[1], size[0]) if orientation >= _ON_ITS_SIDE else size


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


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
