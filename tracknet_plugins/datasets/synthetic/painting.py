"""Brushes: anti-aliased capsules, blurred discs and flat layers, painted onto frames in place.

Pixel coordinates have the centre of the top-left pixel at (0, 0).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tracknet_core.contracts import UInt8Array
from tracknet_plugins.datasets.synthetic.sports import Colour

Array = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom (exclusive), in pixels."""

FINENESS = 3
"""Sub-pixels per pixel, along each axis, of what Pillow draws; averaged afterwards."""


def bounds(points: Array, pad: float, frame: UInt8Array) -> Box | None:
    """Return the box of the points (..., 2) and ``pad`` pixels around, within the frame; None if it is outside."""
    flat = points.reshape(-1, 2)
    left, top = np.floor(flat.min(0) - pad).astype(int)
    right, bottom = np.ceil(flat.max(0) + pad).astype(int) + 1
    height, width = frame.shape[:2]
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def blend(frame: UInt8Array, box: Box, layer: UInt8Array) -> None:
    """Paint a layer over a box of the frame."""
    left, top, right, bottom = box
    under = frame[top:bottom, left:right]
    # 256 - 0 keeps what is under, 256 - 255 leaves nothing of it: the error of a division by 256 is below one level.
    keep = 256 - layer[..., 3].astype(np.uint16)
    for channel in range(3):  # four times as fast as all three at once, whose rows would be of three numbers
        rest = under[..., channel] * keep
        rest >>= 8
        under[..., channel] = layer[..., channel] + rest.astype(np.uint8)


def capsule(draw: ImageDraw.ImageDraw, ends: Array, fill: tuple[int, ...] | int) -> None:
    """Draw one capsule: ``ends`` (6,) is x, y, radius at the start and at the end, in the picture's pixels."""
    x0, y0, r0, x1, y1, r1 = (float(value) for value in ends)
    dx, dy = x1 - x0, y1 - y0
    length = (dx * dx + dy * dy) ** 0.5
    if length > 0.5:
        nx, ny = -dy / length, dx / length
        draw.polygon(
            [
                (x0 + nx * r0, y0 + ny * r0),
                (x1 + nx * r1, y1 + ny * r1),
                (x1 - nx * r1, y1 - ny * r1),
                (x0 - nx * r0, y0 - ny * r0),
            ],
            fill=fill,
        )
        draw.ellipse((x1 - r1, y1 - r1, x1 + r1, y1 + r1), fill=fill)
    draw.ellipse((x0 - r0, y0 - r0, x0 + r0, y0 + r0), fill=fill)


def canvas(box: Box) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty picture of a box, in sub-pixels, and its pen; colours are RGB times opacity, and opacity."""
    # Pillow's RGBA would be multiplied by its opacity and divided again for every average; CMYK is four plain channels.
    image = Image.new("CMYK", ((box[2] - box[0]) * FINENESS, (box[3] - box[1]) * FINENESS))
    return image, ImageDraw.Draw(image)


def refine(points: Array, box: Box) -> Array:
    """Return points (..., 2) in the sub-pixels of a box."""
    return np.asarray((points - box[:2] + 0.5) * FINENESS - 0.5)


def capsules(draw: ImageDraw.ImageDraw, box: Box, parts: Array, fills: Sequence[Colour]) -> None:
    """Draw opaque capsules (P, 6), in pixels, on the canvas of a box."""
    for ends, fill in zip(_fine(parts, box), fills, strict=True):
        capsule(draw, ends, (*fill, 255))


def layer(image: Image.Image) -> UInt8Array:
    """Return a canvas in pixels (h, w, 4): colours multiplied by the opacity, and the opacity."""
    return np.asarray(image.reduce(FINENESS))


def mean(layers: Sequence[UInt8Array]) -> UInt8Array:
    """Return the mean of layers (h, w, 4), as an open shutter adds them up; the array may be changed."""
    if len(layers) == 1:
        return layers[0].copy()
    total = layers[0].astype(np.uint16)
    for layer in layers[1:]:
        total += layer
    return (total // len(layers)).astype(np.uint8)


def shade(frame: UInt8Array, parts: Array, strength: float) -> None:
    """Darken what lies under the capsules (P, 6), such as a cast shadow, by ``strength`` of 0..1."""
    box = bounds(parts[:, [0, 1, 3, 4]], float(parts[:, [2, 5]].max()), frame)
    if box is None:
        return
    left, top, right, bottom = box
    image = Image.new("L", ((right - left) * FINENESS, (bottom - top) * FINENESS))
    draw = ImageDraw.Draw(image)
    for ends in _fine(parts, box):
        capsule(draw, ends, round(256 * strength))
    light = 256 - np.asarray(image.reduce(FINENESS)).astype(np.uint16)
    under = frame[top:bottom, left:right]
    for channel in range(3):
        under[..., channel] = under[..., channel] * light >> 8


def _fine(parts: Array, box: Box) -> Array:
    return np.column_stack(
        [refine(parts[:, :2], box), parts[:, 2] * FINENESS, refine(parts[:, 3:5], box), parts[:, 5] * FINENESS]
    )


def sweep(
    frame: UInt8Array, starts: Array, ends: Array, radii: tuple[float, float], colour: Colour, opacity: float = 1.0
) -> None:
    """Paint a tapered capsule as an open shutter sees it: the mean over its places at S moments.

    Args:
        frame: painted in place.
        starts: (S, 2) one end at moments evenly spaced over the exposure, in pixels.
        ends: (S, 2) the other end.
        radii: at the start and at the end, in pixels.
        colour: RGB.
        opacity: of the capsule, 0..1.
    """
    box = bounds(np.concatenate([starts, ends]), max(radii) + 1, frame)
    if box is None:
        return
    left, top, right, bottom = box
    columns = np.arange(left, right, dtype=np.float32) - starts[:, 0, None].astype(np.float32)
    rows = np.arange(top, bottom, dtype=np.float32) - starts[:, 1, None].astype(np.float32)
    along = (ends - starts).astype(np.float32)
    squared = np.maximum((along**2).sum(1), 1e-6)
    share = (columns * along[:, :1] / squared[:, None])[:, None, :] + (rows * along[:, 1:] / squared[:, None])[
        ..., None
    ]
    np.clip(share, 0, 1, out=share)
    x = columns[:, None, :] - share * along[:, 0, None, None]
    y = rows[:, :, None] - share * along[:, 1, None, None]
    cover = np.clip(radii[0] + share * (radii[1] - radii[0]) + 0.5 - np.sqrt(x * x + y * y), 0, 1).mean(0) * opacity
    under = frame[top:bottom, left:right]
    under[...] = under + (np.array(colour, dtype=np.float32) - under) * cover[..., None] + 0.5


def streak(
    frame: UInt8Array, samples: Array, radius: float, colour: Colour, opacity: float = 1.0, squash: float = 1.0
) -> None:
    """Paint a disc as an open shutter sees it: the mean of discs at ``samples`` (S, 2), in pixels.

    Args:
        frame: painted in place.
        samples: centres at moments evenly spaced over the exposure.
        radius: in pixels.
        colour: RGB.
        opacity: of the disc, 0..1.
        squash: height of the disc as a share of its width.
    """
    box = bounds(samples, radius + 1, frame)
    if box is None:
        return
    left, top, right, bottom = box
    columns = np.arange(left, right, dtype=np.float32) - samples[:, 0, None].astype(np.float32)
    rows = (np.arange(top, bottom, dtype=np.float32) - samples[:, 1, None].astype(np.float32)) / squash
    distance = np.sqrt(columns[:, None, :] ** 2 + rows[:, :, None] ** 2)
    cover = np.clip(radius + 0.5 - distance, 0, 1).mean(0) * opacity
    under = frame[top:bottom, left:right]
    under[...] = under + (np.array(colour, dtype=np.float32) - under) * cover[..., None] + 0.5
