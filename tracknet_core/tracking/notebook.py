"""A trajectory as a notebook shows it: a few pictures with the ball, and a chart of its way. No file is needed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from tracknet_core.contracts import Array, Size, TimedFrame, rescale
from tracknet_core.drawing import cross

PICTURES = 3

_WIDTH, _HEIGHT, _LEFT, _GAP = 720, 96, 56, 18  # of a panel of the chart, in its own units
_MOST_ROWS = 1500  # that are drawn, of a clip however long
_LINE, _MADE = "#2f8f4e", "#d9822b"  # readable on white and on black


@dataclass(frozen=True)
class Sketch:
    """What is shown of a trajectory.

    Attributes:
        title: of the clip.
        text: what there is to say of it.
        size: width and height of its frames, in pixels.
        frame: (N,) numbers of frames.
        time: (N,) seconds.
        found: (N,) whether there is a ball.
        x: (N,) pixels.
        y: (N,) pixels.
        origin: (N,) ``detected`` where the network saw it.
        track: (N,) which of several balls.
        pictures: a few small frames.
    """

    title: str
    text: str
    size: Size
    frame: Array
    time: Array
    found: Array
    x: Array
    y: Array
    origin: Array
    track: Array
    pictures: Sequence[TimedFrame]


def as_html(sketch: Sketch) -> str:
    """Return what a notebook shows: on light and on dark paper, without files, scripts or a network."""
    head = f"<b>{escape(sketch.title)}</b>: {escape(sketch.text)}"
    pictures = "".join(_figure(sketch, picture) for picture in _chosen(sketch))
    return (
        f'<div style="max-width:{_WIDTH + 20}px;font-family:sans-serif;font-size:13px">'
        f'<div style="margin:4px 0">{head}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:6px">{pictures}</div>{_chart(sketch)}</div>'
    )


def _chosen(sketch: Sketch) -> Sequence[TimedFrame]:
    """Return pictures that are evenly spread, of frames with a ball where there are any."""
    found = set(sketch.frame[sketch.found].tolist())
    with_ball = [picture for picture in sketch.pictures if picture.number in found]
    pictures = with_ball or list(sketch.pictures)
    places = np.linspace(0, len(pictures) - 1, min(PICTURES, len(pictures))).round().astype(int)
    return [pictures[place] for place in places]


def _figure(sketch: Sketch, picture: TimedFrame) -> str:
    """Return a picture with its balls, and when it was."""
    image = picture.picture
    scale = np.array([image.shape[1], image.shape[0]]) / np.array(sketch.size)
    rows = np.flatnonzero((sketch.frame == picture.number) & sketch.found)
    for x, y in zip(sketch.x[rows], sketch.y[rows], strict=True):
        if np.isfinite(x) and np.isfinite(y):
            image = cross(image, tuple(rescale(np.array([x, y]), scale).tolist()))
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=85)
    data = base64.b64encode(file.getvalue()).decode()
    text = f"frame {picture.number}, {picture.time:.2f} s" + ("" if len(rows) else ", no ball")
    return (
        f'<figure style="margin:0"><img width="{image.shape[1]}" height="{image.shape[0]}" alt="{text}" '
        f'style="max-width:100%;border-radius:3px" src="data:image/jpeg;base64,{data}"/>'
        f'<figcaption style="font-size:11px">{text}</figcaption></figure>'
    )


def _chart(sketch: Sketch) -> str:
    """Return x and y over time as SVG."""
    if not sketch.found.any():
        return ""
    width, height = sketch.size
    bottom = 2 * (_HEIGHT + _GAP)
    panels = _panel(sketch, sketch.x, width, "x", 0) + _panel(sketch, sketch.y, height, "y", _HEIGHT + _GAP)
    first, last = sketch.time[0], sketch.time[-1]
    has_made = bool((sketch.found & (sketch.origin != "detected")).any())
    key = f'<tspan fill="{_MADE}"> ● of the tracker</tspan>' * has_made
    return (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 4}" style="width:100%;height:auto;margin-top:6px" role="img" '
        f'aria-label="x and y over time" font-family="sans-serif" font-size="11" fill="currentColor">{panels}'
        f'<text x="{_LEFT}" y="{bottom}">{first:.4g} s</text>'
        f'<text x="{_WIDTH}" y="{bottom}" text-anchor="end">{last:.4g} s</text>'
        f'<text x="{(_LEFT + _WIDTH) / 2}" y="{bottom}" text-anchor="middle">'
        f'<tspan fill="{_LINE}">● of the network</tspan>{key}</text></svg>'
    )


def _panel(sketch: Sketch, values: Array, most: int, name: str, top: int) -> str:
    """Return one coordinate over time, as it goes in the picture: x from the left up, y from the top down."""
    span = max(sketch.time[-1] - sketch.time[0], 1e-9)
    across = _LEFT + (sketch.time - sketch.time[0]) / span * (_WIDTH - _LEFT)
    share = np.clip(values / max(most - 1, 1), 0, 1)
    down = top + _HEIGHT * (share if name == "y" else 1 - share)
    labels = (0, most - 1) if name == "y" else (most - 1, 0)
    parts = [
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT}" height="{_HEIGHT}" fill="none" '
        'stroke="currentColor" stroke-opacity=".25"/>',
        f'<text x="0" y="{top + _HEIGHT / 2 + 4}">{name}, px</text>',
        *(
            f'<text x="{_LEFT - 4}" y="{place}" text-anchor="end">{label}</text>'
            for place, label in ((top + 9, labels[0]), (top + _HEIGHT, labels[1]))
        ),
    ]
    for track in np.unique(sketch.track[sketch.found]):
        rows = np.flatnonzero((sketch.track == track) & np.isfinite(values))
        rows = rows[:: -(-len(rows) // _MOST_ROWS)]
        lines = " ".join(_line(across[run], down[run]) for run in _runs(sketch, rows))
        parts.append(f'<path d="{lines}" fill="none" stroke="{_LINE}" stroke-width="1.5" stroke-linecap="round"/>')
        made = rows[sketch.origin[rows] != "detected"]
        parts += [f'<circle cx="{across[row]:.1f}" cy="{down[row]:.1f}" r="1.4" fill="{_MADE}"/>' for row in made]
    return "".join(parts)


def _runs(sketch: Sketch, rows: Array) -> Iterator[Array]:
    """Yield the rows between gaps."""
    if len(rows):
        steps = np.diff(sketch.frame[rows])
        yield from np.split(rows, np.flatnonzero(steps > max(1, steps.min(initial=1))) + 1)


def _line(across: Array, down: Array) -> str:
    """Return a line; a single place is a dot, by its round ends."""
    places = [f"{x:.1f} {y:.1f}" for x, y in zip(across, down, strict=True)]
    return f"M{' L'.join(places)}" + " h0" * (len(places) == 1)
