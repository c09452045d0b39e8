"""How large the ball is in the picture, estimated from what moves at its label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import Clip, FloatArray, UInt8Array, Visibility

REACH = 40
"""Pixels from the label to the edge of the patch that is looked at; what reaches the edge is no ball."""

_NEAR = 4  # pixels; labels are that exact
_FAINTEST = 20  # grey levels between the ball and what was there before and after
_LEAST_STEP = 8  # pixels; a slower ball overlaps itself in the neighbouring frames

BoolArray = npt.NDArray[np.bool_]


def ball_areas(clip: Clip, limit: int) -> list[int]:
    """Return the area of the ball, with its blur, in pixels of the original video, for some frames of a clip.

    What differs from both neighbouring frames by more than half of the greatest difference near the label, and hangs
    together with it, is the ball. A frame gives no area where the ball moves less than its own size, or stands out too
    little, or where the blob reaches the edge of the patch (a player, a racket).

    Args:
        clip: the clip.
        limit: most frames to look at, spread over the clip.
    """
    candidates = _moving(clip)
    chosen = candidates[np.unique(np.linspace(0, len(candidates) - 1, min(limit, len(candidates))).round().astype(int))]
    wanted = sorted({int(i) + offset for i in chosen for offset in (-1, 0, 1)})
    grey: dict[int, FloatArray] = {}
    areas = []
    for number, frame in zip(wanted, clip.frames.read(wanted), strict=True):
        grey = {i: picture for i, picture in grey.items() if i >= number - 2}
        grey[number] = _grey(frame)
        if number - 1 in chosen and number - 2 in grey and number - 1 in grey:
            place = clip.xy[number - 1]
            blob = blob_at(grey[number - 1], (grey[number - 2], grey[number]), float(place[0]), float(place[1]))
            area = 0 if blob is None else int(blob.sum())
            if 0 < area <= _slower_step(clip, number - 1) ** 2:
                areas.append(area)
    return areas


def blob_at(picture: FloatArray, neighbours: Sequence[FloatArray], x: float, y: float) -> BoolArray | None:
    """Return the pixels around (x, y) that belong to the blob there, or None if there is none.

    Args:
        picture: (H, W) grey levels.
        neighbours: the frames before and after, of the same shape.
        x: pixels.
        y: pixels.

    Returns:
        (2 REACH + 1, 2 REACH + 1), whose middle is the pixel at (x, y); False beyond the picture.
    """
    difference = np.minimum(*(np.abs(picture - other) for other in neighbours))
    column, row = round(x), round(y)
    patch = np.pad(difference, REACH)[row : row + 2 * REACH + 1, column : column + 2 * REACH + 1]
    near = patch[REACH - _NEAR : REACH + _NEAR + 1, REACH - _NEAR : REACH + _NEAR + 1]
    if patch.shape != (2 * REACH + 1, 2 * REACH + 1) or near.max() < _FAINTEST:
        return None
    peak = np.unravel_index(near.argmax(), near.shape)
    blob = _connected(patch > near.max() / 2, (int(peak[0]) + REACH - _NEAR, int(peak[1]) + REACH - _NEAR))
    touches = blob[0].any() or blob[-1].any() or blob[:, 0].any() or blob[:, -1].any()
    return None if touches else blob


def _connected(mask: BoolArray, seed: tuple[int, int]) -> BoolArray:
    """Return the part of ``mask`` that hangs together with ``seed``, over edges and corners."""
    blob = np.zeros_like(mask)
    blob[seed] = True
    while True:
        padded = np.pad(blob, 1)
        columns = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
        grown = (columns[:-2] | columns[1:-1] | columns[2:]) & mask
        if (grown == blob).all():
            return blob
        blob = grown


def _moving(clip: Clip) -> npt.NDArray[np.intp]:
    """Return the frames whose ball is visible, as in both neighbours, and far from where it was and will be."""
    visible = np.isin(clip.visibility, [code for code in Visibility if code.is_visible])
    inner = np.arange(1, max(1, len(clip) - 1))
    near = [
        i
        for i in inner[visible[inner - 1] & visible[inner] & visible[inner + 1]]
        if _slower_step(clip, i) >= _LEAST_STEP
    ]
    return np.array(near, dtype=np.intp)


def _slower_step(clip: Clip, number: int) -> float:
    steps = clip.xy[number - 1 : number + 2][1:] - clip.xy[number - 1 : number + 1]
    return float(np.hypot(steps[:, 0], steps[:, 1]).min())


def _grey(frame: UInt8Array) -> FloatArray:
    return np.asarray(frame @ np.array([0.299, 0.587, 0.114], dtype=np.float32), dtype=np.float32)
