"""The video again, with the ball marked: a cross where it is, its confidence, and the trail of where it was.

Places are pixels of the original video, with the centre of the top-left pixel at (0, 0).
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from itertools import chain, pairwise
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

from tracknet_core.contracts import ClipFacts, FrameSource, Output, TrackedFrame, TrackPoint, UInt8Array, Writer
from tracknet_core.drawing import INK, PAPER, PREDICTION, Colour, Point, cross
from tracknet_core.files import replaced_file
from tracknet_core.registry import writers
from tracknet_core.video import VideoFrames, open_to_read
from tracknet_core.video.live import TimedFrame, play

TRAIL_SECONDS = 0.6

_MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
_TICKS = 90_000  # per second: the clock of MPEG, a multiple of the usual frame rates
_OPTIONS = {"crf": "21", "preset": "veryfast"}


class Trail:
    """Draws the balls of a clip frame by frame, and remembers where they were."""

    def __init__(self) -> None:
        self._past: dict[int, deque[tuple[TrackedFrame, Point]]] = defaultdict(deque)

    def draw(self, picture: UInt8Array, frame: TrackedFrame) -> UInt8Array:
        """Return the picture (H, W, 3) with the balls of its frame and their trails.

        A streak is a line between its ends. A trail ends :data:`TRAIL_SECONDS` ago, dark and thin; it has a gap where
        there was no ball, or no frame. A ball whose place is not finite is not drawn.
        """
        balls = [ball for ball in frame.balls if all(map(math.isfinite, chain(*ball.points)))]
        for ball in balls:
            self._past[ball.track].append((frame, ball.xy))
        image = Image.fromarray(picture)
        canvas = ImageDraw.Draw(image)
        width = max(2.0, picture.shape[0] / 200)
        for track, past in list(self._past.items()):
            while past and past[0][0].time < frame.time - TRAIL_SECONDS:
                past.popleft()
            if not past:
                del self._past[track]
            for (before, start), (after, end) in pairwise(past):
                if after.number == before.number + 1:
                    freshness = max(0.0, 1 - (frame.time - after.time) / TRAIL_SECONDS)
                    canvas.line([start, end], _faded(freshness), round(1 + (width - 1) * freshness))
        for ball in balls:
            if len(ball.points) > 1:
                canvas.line(ball.points, PREDICTION, round(width))
            _label(canvas, ball, picture.shape[0])
        drawn: UInt8Array = np.array(image)
        for ball in balls:
            drawn = cross(drawn, ball.xy)
        return drawn


@writers.register("overlay")
class Overlay(Writer):
    """The video again, with the balls and their trails, and its sound as it is.

    MP4, or Matroska where the sound of the video does not fit into MP4. The pictures are decoded once more, in step
    with the tracked frames: that needs no memory for those that are on their way through the network, and trackers may
    take as long as they like. An interrupted run leaves nothing.

    Args:
        clip: what is written of.

    Raises:
        ValueError: it is a stream.
    """

    def __init__(self, *, clip: ClipFacts) -> None:
        if clip.frames is None:
            raise ValueError(f"{clip.name} is a stream, whose pictures come once. Record it to a file first.")
        self._frames = clip.frames
        self._video = clip.video
        fits = clip.video is None or _audio_codecs(clip.video) <= _MP4_AUDIO
        self.paths = (clip.path(f"_overlay{'.mp4' if fits else '.mkv'}"),)

    @contextmanager
    def open(self, run: Mapping[str, str], *, resume: bool) -> Iterator[Output]:
        """Begin the video; it gets its name when it is complete, and none if the block ends in an exception."""
        (path,) = self.paths
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as part, ExitStack() as stack:
            form = "mp4" if path.suffix == ".mp4" else "matroska"
            output = stack.enter_context(av.open(str(part), "w", format=form))
            encoder = _Encoder(output, self._frames, self._video, stack)
            pictures = stack.enter_context(closing(play(self._frames, skip_broken=True)))
            yield _Drawn(pictures, encoder)
            encoder.finish()


class _Drawn(Output):
    """Draws each frame that it is given on its picture.

    Args:
        pictures: of the clip, in order.
        encoder: where they go.
    """

    def __init__(self, pictures: Iterator[TimedFrame], encoder: _Encoder) -> None:
        self._pictures = pictures
        self._encoder = encoder
        self._trail = Trail()

    def write(self, frame: TrackedFrame) -> None:
        """Draw a frame; one without a picture is left out."""
        picture = next((shown for shown in self._pictures if shown.number >= frame.number), None)
        if picture is not None:
            self._encoder.add(TimedFrame(frame.number, frame.time, self._trail.draw(picture.picture, frame)))


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
        # Only a hint for the encoder, since each picture has its own time; a container need not tell the truth.
        rate = Fraction(min(max(source.fps, 1), 1000)).limit_denominator(1001)
        self._stream = output.add_stream("libx264", rate=rate, options=_OPTIONS)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._colours = Colorspace.DEFAULT
        start = source.start if isinstance(source, VideoFrames) else 0.0
        self._last = -1  # time of the picture before, in ticks
        self._copies: dict[int, _Copy] = {}
        self._sound: Iterator[Packet[Stream]] = iter(())
        self._waiting: Packet[Stream] | None = None
        if video is not None:
            container = stack.enter_context(open_to_read(video))
            if container.streams.video[0].codec_context.colorspace == Colorspace.ITU709:
                # Colours are coded as they were, and the file says so only where the video does.
                self._colours = self._stream.codec_context.colorspace = Colorspace.ITU709
            if container.streams.audio:
                self._copies = {
                    stream.index: _Copy(output.add_stream_from_template(stream), start)
                    for stream in container.streams.audio
                }
                self._sound = container.demux(*container.streams.audio)

    def add(self, frame: TimedFrame) -> None:
        """Add a picture, and the sound before it."""
        self._copy_sound(frame.time)
        picture = av.VideoFrame.from_ndarray(np.pad(frame.picture, self._padding, mode="edge"), "rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=self._colours)
        self._last = max(round(frame.time * _TICKS), self._last + 1)  # of frames at one time, each is shown
        picture.pts, picture.time_base = self._last, Fraction(1, _TICKS)
        self._output.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Add what is left."""
        self._copy_sound(None)
        self._output.mux(self._stream.encode())

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
        start: time of the first picture in the source, in seconds.
    """

    def __init__(self, stream: AudioStream, start: float) -> None:
        self._stream = stream
        self._start = start
        self._shift: int | None = None
        self._last = -math.inf

    def redirect(self, packet: Packet[Stream], decoding: int) -> None:
        """Point a packet of the source, which is decoded at ``decoding`` there, to the output."""
        if self._shift is None:
            self._shift = -round(self._start / (packet.time_base or Fraction(1, _TICKS)))
        if decoding + self._shift <= self._last:
            self._shift = int(self._last) + max(1, packet.duration or 0) - decoding
        presentation = decoding if packet.pts is None else packet.pts
        packet.dts, packet.pts = decoding + self._shift, presentation + self._shift
        packet.stream = self._stream
        self._last = packet.dts


def _audio_codecs(video: Path) -> set[str]:
    try:
        with open_to_read(video) as container:
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
