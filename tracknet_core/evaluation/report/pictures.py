"""Parts of frames with marks on them, as a page holds them."""

from __future__ import annotations

import base64
import io
from functools import partial

import numpy as np
from PIL import Image

from tracknet_core.contracts import FloatArray, FrameSource, UInt8Array, rescale
from tracknet_core.drawing import HIDDEN, Colour, Mark, cross, ring
from tracknet_core.errors import DataError

_VIEW = (160, 120)  # pixels of the original video that a picture shows at least
_WIDTH = 480  # of a picture, in its own pixels
_MARGIN = 1.4  # of the way between places, so that the marks fit in
_QUALITY = 85  # of JPEG

PREDICTION: Colour = (255, 70, 205)
"""Seen on courts, which are mostly green, blue or brown."""

OTHER = HIDDEN
"""Of the prediction of another run."""


def picture(
    frames: FrameSource,
    number: int,
    truth: FloatArray | None,
    prediction: FloatArray | None,
    other: FloatArray | None = None,
) -> str | None:
    """Return the part of a frame around some places as a data URI; None if the frame cannot be read.

    Args:
        frames: of the clip.
        number: of the frame.
        truth: (2,) in pixels of the original video; NaN or None without one.
        prediction: (2,), likewise.
        other: (2,), another prediction.
    """
    try:
        [frame] = frames.read([number])
    except DataError:
        return None
    file = io.BytesIO()
    Image.fromarray(closeup(frame, truth, prediction, other)).save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def closeup(
    frame: UInt8Array, truth: FloatArray | None, prediction: FloatArray | None, other: FloatArray | None = None
) -> UInt8Array:
    """Return the part of a frame that holds all places, enlarged, with a ring, a cross, and a cross of another colour.

    Args:
        frame: (H, W, 3).
        truth: (2,) in pixels of ``frame``; NaN counts as None.
        prediction: (2,) in pixels of ``frame``.
        other: (2,) in pixels of ``frame``.

    Returns:
        (h, 480, 3), h in proportion to the part.
    """
    marks: tuple[tuple[FloatArray | None, Mark], ...] = (
        (truth, ring),
        (prediction, partial(cross, colour=PREDICTION)),
        (other, partial(cross, colour=OTHER)),
    )
    known = [(place, mark) for place, mark in marks if place is not None and np.isfinite(place).all()]
    places = np.array([place for place, _ in known])
    height, width = frame.shape[:2]
    low, high = (places.min(axis=0), places.max(axis=0)) if known else (np.zeros(2), np.array([width, height]))
    growth = max(1.0, *(_MARGIN * (high - low) / _VIEW))
    view = np.minimum(np.ceil(np.array(_VIEW) * growth), (width, height)).astype(int)
    left, top = np.clip(np.round((low + high - view) / 2), 0, np.array([width, height]) - view).astype(int)
    scale = _WIDTH / view[0]
    part = Image.fromarray(np.ascontiguousarray(frame[top : top + view[1], left : left + view[0]]))
    drawn: UInt8Array = np.array(part.resize((_WIDTH, max(1, round(view[1] * scale))), Image.Resampling.BICUBIC))
    for place, mark in known:
        x, y = rescale(place - (left, top), scale).tolist()
        drawn = mark(drawn, (x, y))
    return drawn
