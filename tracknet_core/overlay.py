"""The video again, with the ball marked: a cross where it is, its confidence, and the trail of where it was.

Places are pixels of the original video, with the centre of the top-left pixel at (0, 0).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.reformatter import Colorspace
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import FrameSource, TrackPoint, UInt8Array
from tracknet_core.drawing import INK, PAPER, PREDICTION, Colour, Point, cross
from tracknet_core.playback import TimedFrame, play
from tracknet_core.video import VideoFrames
from tracknet_core.writers import TrackedFrame, part_of

TRAIL_SECONDS = 0.6

_MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
_TICKS = 90_000  # per second: the clock of MPEG, a multiple of the usual frame rates
_OPTIONS = {"crf": "21", "preset": "veryfast"}


class Trail:
    """Draws the balls of a clip frame by frame, and remembers where they were."""

    def __init__(self) -> None:
        self._past: dict[int, deque[tuple[float, Point]]] = defaultdict(deque)

    def draw(self, picture: UInt8Array, frame: TrackedFrame) -> UInt8Array:
        """Return the picture (H, W, 3) with the balls of its frame and their trails.

        A trail ends :data:`TRAIL_SECONDS` ago, dark and thin; it has a gap where there was no ball.
        """
        for ball in frame.balls:
            self._past[ball.track].append((frame.time, ball.xy))
        image = Image.fromarray(picture)
        canvas = ImageDraw.Draw(image)
        width = max(2.0, picture.shape[0] / 200)
        for past in self._past.values():
            while past and past[0][0] < frame.time - TRAIL_SECONDS:
                past.popleft()
            for (time, start), (following, end) in pairwise(past):
                if following - time < TRAIL_SECONDS / 4:
                    freshness = max(0.0, 1 - (frame.time - following) / TRAIL_SECONDS)
                    canvas.line([start, end], _faded(freshness), round(1 + (width - 1) * freshness))
        for ball in frame.balls:
            _label(canvas, ball, picture.shape[0])
        drawn: UInt8Array = np.array(image)
        for ball in frame.balls:
            drawn = cross(drawn, ball.xy)
        return drawn


def overlay_path(folder: Path, name: str, video: Path | None) -> Path:
    """Return where the overlay of a clip goes: MP4, or Matroska where the sound of the video does not fit into MP4.

    Args:
        folder: the folder of outputs.
        name: name of the clip.
        video: the file that its sound comes from; None if it has none.
    """
    fits = video is None or _audio_codecs(video) <= _MP4_AUDIO
    return folder / f"{name}_overlay{'.mp4' if fits else '.mkv'}"


def drawn(
    frames: Iterable[TrackedFrame], source: FrameSource, path: Path, video: Path | None
) -> Iterator[TrackedFrame]:
    """Write the overlay video of frames as they come, and yield each when it has been drawn.

    The pictures are decoded once more, in step with ``frames``: that needs no memory for those that are on their way
    through the network, and trackers may take as long as they like. Sound is copied as it is. The file grows as
    ``<name>.part``, which is removed if the frames end in an exception.

    Args:
        frames: of the clip, in order, from its first on.
        source: the pictures.
        path: where to; see :func:`overlay_path`.
        video: the file that the sound comes from; None for none.
    """
    part = part_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            form = "mp4" if path.suffix == ".mp4" else "matroska"
            output = stack.enter_context(av.open(str(part), "w", format=form))
            encoder = _Encoder(output, source, video, stack)
            pictures = stack.enter_context(closing(play(source, skip_broken=True)))
            trail = Trail()
            for frame in frames:
                picture = next((shown for shown in pictures if shown.number >= frame.number), None)
                if picture is not None:
                    encoder.add(TimedFrame(frame.number, frame.time, trail.draw(picture.picture, frame)))
                yield frame
            encoder.finish()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Encoder:
    """Pictures and copied sound into a container.

    Args:
        output: the container.
        source: says the size and the rate of the pictures.
        video: the file that the sound comes from, or None.
        stack: closes what is opened here.
    """

    def __init__(self, output: OutputContainer, source: FrameSource, video: Path | None, stack: ExitStack) -> None:
        self._output = output
        width, height = source.size
        self._padding = ((0, height % 2), (0, width % 2), (0, 0))  # 4:2:0 needs even sizes
        self._stream = output.add_stream("libx264", rate=Fraction(source.fps).limit_denominator(1001), options=_OPTIONS)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._colours = Colorspace.DEFAULT
        self._start = source.start if isinstance(source, VideoFrames) else 0.0
        self._copies: dict[int, AudioStream] = {}
        self._sound: Iterator[Packet[Stream]] = iter(())
        self._waiting: Packet[Stream] | None = None
        if video is not None:
            container = stack.enter_context(av.open(str(video)))
            if container.streams.video[0].codec_context.colorspace == Colorspace.ITU709:
                # Colours are coded as they were, and the file says so only where the video does.
                self._colours = self._stream.codec_context.colorspace = Colorspace.ITU709
            if container.streams.audio:
                self._copies = {
                    stream.index: output.add_stream_from_template(stream) for stream in container.streams.audio
                }
                self._sound = container.demux(*container.streams.audio)

    def add(self, frame: TimedFrame) -> None:
        """Add a picture, and the sound before it."""
        self._copy_sound(frame.time)
        picture = av.VideoFrame.from_ndarray(np.pad(frame.picture, self._padding, mode="edge"), "rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=self._colours)
        picture.pts, picture.time_base = round(frame.time * _TICKS), Fraction(1, _TICKS)
        self._output.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Add what is left."""
        self._copy_sound(None)
        self._output.mux(self._stream.encode())

    def _copy_sound(self, until: float | None) -> None:
        """Copy the sound up to a time in seconds from the first picture; all of it if None."""
        while (packet := self._waiting or self._next_sound()) is not None:
            unit = packet.time_base or Fraction(1, _TICKS)
            shift = round(self._start / unit)
            if packet.dts is not None:
                if until is not None and (packet.dts - shift) * unit > until:
                    self._waiting = packet
                    return
                packet.dts -= shift
                packet.pts = packet.dts if packet.pts is None else packet.pts - shift
                packet.stream = self._copies[packet.stream_index]
                self._output.mux(packet)
            self._waiting = None

    def _next_sound(self) -> Packet[Stream] | None:
        try:
            return next(self._sound, None)
        except FFmpegError:  # a video that breaks off: the sound ends there
            return None


def _audio_codecs(video: Path) -> set[str]:
    try:
        with av.open(str(video)) as container:
            return {stream.codec_context.name for stream in container.streams.audio}
    except FFmpegError:
        return set()


def _label(canvas: ImageDraw.ImageDraw, ball: TrackPoint, height: int) -> None:
    """Write the confidence beside a ball, and where it comes from if the network did not see it."""
    font = ImageFont.load_default(max(12, round(height / 40)))
    aside = max(12.0, height / 24)
    text = f"{ball.score:.2f}" + ("" if ball.origin == "detected" else f" {ball.origin}")
    place = (ball.xy[0] + aside, ball.xy[1] - aside)
    canvas.text(place, text, INK, font, anchor="ls", stroke_width=2, stroke_fill=PAPER)


def _faded(freshness: float) -> Colour:
    red, green, blue = (round(p + freshness * (c - p)) for p, c in zip(PAPER, PREDICTION, strict=True))
    return red, green, blue
