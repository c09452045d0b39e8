"""The video again, with the ball marked: a cross where it is, its confidence, and the trail of where it was.

Places are pixels of the original video, with the centre of the top-left pixel at (0, 0).
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain, pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import ClipFacts, Output, TimedFrame, TrackedFrame, TrackPoint, UInt8Array, Writer
from tracknet_core.drawing import INK, PAPER, PREDICTION, Colour, Point, cross
from tracknet_core.files import replaced_file
from tracknet_core.registry import writers
from tracknet_core.video import VideoEncoder, suffix_for_sound

TRAIL_SECONDS = 0.6


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
        if clip.source.is_live:
            raise ValueError(f"{clip.name} is a stream, whose pictures come once. Record it to a file first.")
        self._frames = clip.source
        self.paths = (clip.path(f"_overlay{suffix_for_sound(clip.source.video)}"),)

    @contextmanager
    def open(self, run: Mapping[str, str], *, resume: bool) -> Iterator[Output]:
        """Begin the video; it gets its name when it is complete, and none if the block ends in an exception."""
        (path,) = self.paths
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            replaced_file(path) as part,
            VideoEncoder(
                part,
                form="mp4" if path.suffix == ".mp4" else "matroska",
                size=self._frames.size,
                fps=self._frames.fps,
                original=self._frames.video,
                offset=self._frames.offset,
            ) as encoder,
            closing(self._frames.play()) as pictures,
        ):
            yield _Drawn(pictures, encoder)


class _Drawn(Output):
    """Draws each frame that it is given on its picture.

    Args:
        pictures: of the clip, in order.
        encoder: where they go.
    """

    def __init__(self, pictures: Iterator[TimedFrame], encoder: VideoEncoder) -> None:
        self._pictures = pictures
        self._encoder = encoder
        self._trail = Trail()

    def write(self, frame: TrackedFrame) -> None:
        """Draw a frame; one without a picture is left out."""
        picture = next((shown for shown in self._pictures if shown.number >= frame.number), None)
        if picture is not None:
            self._encoder.add(TimedFrame(frame.number, frame.time, self._trail.draw(picture.picture, frame)))


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
