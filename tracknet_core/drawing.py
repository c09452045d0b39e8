"""Draw where the ball is, and where a network thinks it is, on frames of video.

Frames are RGB arrays (H, W, 3) of uint8; every function returns a new one. Places are (x, y) in pixels of the
frame that is given, with the centre of the top-left pixel at (0, 0), and are drawn to a fraction of a pixel.
Truth is a ring, a prediction a cross; neither covers the ball.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import FloatArray, UInt8Array, rescale

Point = tuple[float, float]
Colour = tuple[int, int, int]

TRUTH: Colour = (64, 226, 255)
HIDDEN: Colour = (255, 150, 26)
PREDICTION: Colour = (146, 255, 74)
INK: Colour = (238, 238, 238)
PAPER: Colour = (24, 26, 30)

_STOPS = (0.0, 0.35, 0.7, 1.0)
_COLOURS = ((64, 0, 110), (214, 32, 86), (255, 150, 26), (255, 250, 170))
HEAT: UInt8Array = np.stack(
    [np.interp(np.linspace(0, 1, 256), _STOPS, channel) for channel in zip(*_COLOURS, strict=True)], axis=1
).astype(np.uint8)
"""(256, 3): dark violet over red and orange to pale yellow; lighter with the value, so it also reads in grey."""


def overlay(
    frame: UInt8Array,
    *,
    heatmap: FloatArray | None = None,
    truth: Point | None = None,
    prediction: Point | None = None,
    zoom: int = 1,
) -> UInt8Array:
    """Return the frame with the heatmap as a glow, a ring around the truth and a cross at the prediction.

    Args:
        frame: (H, W, 3).
        heatmap: (h, w) values of 0..1 that cover the frame; none is drawn if None.
        truth: labelled place of the ball, in pixels of ``frame``.
        prediction: place that a tracker found, in pixels of ``frame``.
        zoom: whole factor by which the picture is enlarged first, so that marks stay thin on a small frame.

    Returns:
        (H * zoom, W * zoom, 3).
    """
    picture = enlarge(frame, zoom)
    if heatmap is not None:
        picture = glow(picture, heatmap)
    if truth is not None:
        picture = ring(picture, (rescale(truth[0], zoom), rescale(truth[1], zoom)))
    if prediction is not None:
        picture = cross(picture, (rescale(prediction[0], zoom), rescale(prediction[1], zoom)))
    return picture


def enlarge(frame: UInt8Array, zoom: int) -> UInt8Array:
    """Return the frame ``zoom`` times as wide and as high."""
    if zoom == 1:
        return frame.copy()
    height, width = frame.shape[:2]
    return np.array(_image(frame).resize((width * zoom, height * zoom), Image.Resampling.BICUBIC))


def dim(frame: UInt8Array, light: float = 0.5) -> UInt8Array:
    """Return the frame in shades of grey, at ``light`` (0..1) of its brightness."""
    grey = _image(frame).convert("L").point([round(level * light) for level in range(256)])
    return np.array(grey.convert("RGB"))


def glow(frame: UInt8Array, heatmap: FloatArray, strength: float = 0.9) -> UInt8Array:
    """Return the frame under a translucent heatmap.

    The higher a value, the more it covers: 0 leaves the pixel alone, 1 covers ``strength`` of it.

    Args:
        frame: (H, W, 3).
        heatmap: (h, w) values of 0..1; stretched over the frame; values outside are clipped.
        strength: opacity of the value 1.
    """
    height, width = frame.shape[:2]
    cells = Image.fromarray((255 * np.clip(heatmap, 0, 1)).round().astype(np.uint8))
    values = cells.resize((width, height), Image.Resampling.BILINEAR)
    opacity = values.point([round(255 * strength * (level / 255) ** 0.75) for level in range(256)])
    values.putpalette(HEAT.tobytes())
    return np.array(Image.composite(values.convert("RGB"), _image(frame), opacity))


def ring(
    frame: UInt8Array,
    centre: Point,
    *,
    half: Point = (0.0, 0.0),
    radius: float | None = None,
    colour: Colour = TRUTH,
    half_width: float | None = None,
) -> UInt8Array:
    """Return the frame with a ring around a true place, or with a line all around a streak.

    Args:
        frame: (H, W, 3).
        centre: the place, in pixels.
        half: from the centre of a streak to one of its ends, in pixels.
        radius: from the place or the streak to the middle of the line, in pixels; in proportion to the frame if None.
        colour: of the line.
        half_width: of the line, in pixels; in proportion to the frame if None.
    """
    around = _mark_radius(frame) if radius is None else radius
    along, down = (np.float32(offset) for offset in half)
    square = along**2 + down**2

    def distance(dx: FloatArray, dy: FloatArray) -> FloatArray:
        if square:  # from the nearest place on the streak
            share: FloatArray = np.clip((dx * along + dy * down) / square, -1, 1, dtype=np.float32)
            dx, dy = dx - share * along, dy - share * down
        return np.abs(np.hypot(dx, dy) - np.float32(around))

    return _stroke(frame, centre, around + math.hypot(*half), distance, colour, half_width=half_width)


def trail(
    frame: UInt8Array, places: Sequence[Point | None], colour: Colour = TRUTH, *, clear: Point | None = None
) -> UInt8Array:
    """Return the frame with a dot at each earlier place, smaller and fainter the longer ago.

    Args:
        frame: (H, W, 3).
        places: from the oldest to the newest, in pixels; None where there was none.
        colour: of the dots.
        clear: the newest place, in pixels, around which a ring has room; a dot there would cover a slow ball.
    """
    picture = frame.copy()
    radius = _mark_radius(frame)
    greatest = 0.35 * radius
    for age, place in zip(range(len(places), 0, -1), places, strict=True):
        if place is not None and (clear is None or math.dist(place, clear) > radius + greatest):
            share = 1 - age / (len(places) + 1)
            picture = _stroke(
                picture, place, 0, np.hypot, colour, half_width=share * greatest, strength=0.3 + 0.5 * share
            )
    return picture


def caption(frame: UInt8Array, text: str) -> UInt8Array:
    """Return the frame with a bar of text under it; (H + bar, W, 3), as high for every text."""
    return legend(frame, [(None, text)])


def cross(frame: UInt8Array, centre: Point, *, colour: Colour = PREDICTION) -> UInt8Array:
    """Return the frame with a cross at a predicted place; its middle is open, its arms reach out of a ring."""
    reach = 1.4 * _mark_radius(frame)
    gap = 0.35 * reach

    def arm(along: FloatArray, across: FloatArray) -> FloatArray:
        beyond = np.maximum(np.maximum(gap - np.abs(along), np.abs(along) - reach), 0)
        return np.hypot(beyond, across)

    def distance(dx: FloatArray, dy: FloatArray) -> FloatArray:
        return np.minimum(arm(dx, dy), arm(dy, dx))

    return _stroke(frame, centre, reach, distance, colour)


def side_by_side(frames: Sequence[UInt8Array], gap: int = 2) -> UInt8Array:
    """Return frames of one height in a row, ``gap`` pixels apart."""
    width = sum(frame.shape[1] + gap for frame in frames) - gap
    row: UInt8Array = np.empty((len(frames[0]), width, 3), dtype=np.uint8)
    row[:] = PAPER
    left = 0
    for frame in frames:
        row[:, left : left + frame.shape[1]] = frame
        left += frame.shape[1] + gap
    return row


def legend(frame: UInt8Array, items: Sequence[tuple[Mark | None, str]]) -> UInt8Array:
    """Return the frame with a bar under it that explains the marks.

    Args:
        frame: (H, W, 3).
        items: what the bar shows, left to right: a mark such as :func:`ring` (or None), and a text.

    Returns:
        (H + bar, W, 3).
    """
    height, width = frame.shape[:2]
    font_size = max(12, round(height / 32))
    bar: UInt8Array = np.empty((2 * font_size, width, 3), dtype=np.uint8)
    bar[:] = PAPER
    font = ImageFont.load_default(font_size)
    left = 0.75 * font_size
    for mark, text in items:
        if mark is not None:
            bar = mark(bar, (left + 0.4 * font_size, font_size - 0.5))
            left += 1.4 * font_size
        picture = Image.fromarray(bar)
        ImageDraw.Draw(picture).text((left, font_size), text, INK, font, anchor="lm")
        bar = np.array(picture)
        left += font.getlength(text) + 1.5 * font_size
    return np.concatenate([frame, bar])


Mark = Callable[[UInt8Array, Point], UInt8Array]
Distance = Callable[[FloatArray, FloatArray], FloatArray]


def _image(frame: UInt8Array) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(frame))


def _mark_radius(frame: UInt8Array) -> float:
    """Return the size of a mark in pixels: in proportion to the frame, but never too small to see."""
    height: int = frame.shape[0]
    return max(8.0, height / 40)


def _stroke(
    frame: UInt8Array,
    centre: Point,
    reach: float,
    distance: Distance,
    colour: Colour,
    *,
    half_width: float | None = None,
    strength: float = 1.0,
) -> UInt8Array:
    """Draw a line with soft edges and a dark rim.

    Args:
        frame: (H, W, 3).
        centre: where the offsets start, in pixels.
        reach: how far from ``centre`` the middle of the line goes, in pixels.
        distance: offsets (dx, dy) from ``centre`` -> distance to the middle of the line, all in pixels.
        colour: of the line.
        half_width: of the line, in pixels; in proportion to the frame if None.
        strength: opacity of the line, 0..1.
    """
    picture = frame.copy()
    if half_width is None:
        half_width = _mark_radius(frame) / 10
    border = reach + half_width + 2
    height, width = frame.shape[:2]
    left, right = (int(np.clip(centre[0] + side, 0, width)) for side in (-border, border + 1))
    top, bottom = (int(np.clip(centre[1] + side, 0, height)) for side in (-border, border + 1))
    dy, dx = np.mgrid[top:bottom, left:right].astype(np.float32)
    away = distance(dx - np.float32(centre[0]), dy - np.float32(centre[1]))
    patch = picture[top:bottom, left:right].astype(np.float32)
    for thickness, opacity, paint in ((half_width + 1, 0.6 * strength, PAPER), (half_width, strength, colour)):
        cover = (opacity * np.clip(thickness + 0.5 - away, 0, 1))[..., np.newaxis]
        patch += cover * (np.array(paint, dtype=np.float32) - patch)
    picture[top:bottom, left:right] = patch.round()
    return picture
