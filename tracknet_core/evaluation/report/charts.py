"""Curves and trajectories as SVG. Units of the drawings are CSS pixels; colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np

from tracknet_core.contracts import FloatArray
from tracknet_core.evaluation.report.markup import element
from tracknet_core.evaluation.report.worst_frames import verdicts
from tracknet_core.evaluation.results import BoolArray, ClipResult

Point = tuple[float, float]
Scale = Callable[[float], float]

COLOURS = ("first", "second", "third")

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

_CURVE_WIDTH, _CURVE_HEIGHT = 430.0, 260.0
_LEFT, _TOP, _BOTTOM = 44.0, 10.0, 38.0  # of a plot, for the labels of its axes

_WAY_HEIGHT = 110.0
_WAY_WIDTH = 1040.0
_FRAME_WIDTH = 2.0  # at least, so that frames of a long clip stay apart; the drawing then scrolls
_TIME_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


def curves(
    series: Mapping[str, Sequence[Point]], x_label: str, ticks: Sequence[tuple[float, str]], titles: Sequence[str] = ()
) -> Element:
    """Return curves of shares, 0..1 upwards.

    Args:
        series: points by name, from left to right; one with NaN is left out.
        x_label: what the horizontal axis is.
        ticks: places on the horizontal axis, with their labels; the first and the last are its ends.
        titles: what the points say about themselves, beside their values.
    """
    low, high = ticks[0][0], ticks[-1][0]
    right, bottom = _CURVE_WIDTH - 12, _CURVE_HEIGHT - _BOTTOM
    x = _scale(low, high, _LEFT, right)
    y = _scale(0, 1, bottom, _TOP)
    drawn = [
        *(_horizontal(y(share), _LEFT, right, f"{share:g}") for share in _SHARES),
        *(element("text", label, x=x(at), y=bottom + 16, text_anchor="middle") for at, label in ticks),
        element("text", x_label, x=(_LEFT + right) / 2, y=bottom + 32, text_anchor="middle"),
    ]
    for colour, (name, points) in zip(COLOURS, series.items(), strict=False):
        defined = [point for point in points if all(map(math.isfinite, point))]
        drawn.append(element("path", d=_polyline([(x(a), y(b)) for a, b in defined]), class_=f"curve {colour}"))
        for number, (a, b) in enumerate(points):
            if math.isfinite(a) and math.isfinite(b):
                said = " ".join([name, f"{b:.4f}", *titles[number : number + 1]])
                dot = element("circle", element("title", said), cx=x(a), cy=y(b), r=3, fill="currentColor")
                drawn.append(element("g", dot, class_=colour))
    return _svg(_CURVE_WIDTH, _CURVE_HEIGHT, drawn, f"{', '.join(series)} over {x_label}")


def key(names: Iterable[tuple[str, str]]) -> Element:
    """Return what the colours mean: (colour, meaning)."""
    return element("p", *(element("span", name, class_=f"key {colour}") for colour, name in names))


def way(clip: ClipResult) -> Element:
    """Return x and y of the ball over the time of a clip: the truth, what was found, and what was missed."""
    frames = len(clip)
    width = max(_WAY_WIDTH, _LEFT + frames * _FRAME_WIDTH)
    right = width - 12
    time = _scale(0, max(frames - 1, 1), _LEFT, right)
    verdict = verdicts(clip)
    truth = np.where(np.isin(clip.visibility, (0, -1))[:, None], np.float32(np.nan), clip.xy)
    drawn: list[Element] = []
    for axis, name in enumerate("xy"):
        top = _TOP + axis * (_WAY_HEIGHT + 16)
        # As in the picture: y grows downwards.
        ends = (top + _WAY_HEIGHT, top) if axis == 0 else (top, top + _WAY_HEIGHT)
        place = _scale(0, clip.size[axis], *ends)
        drawn += [
            _horizontal(place(share * clip.size[axis]), _LEFT, right, f"{share * clip.size[axis]:g}")
            for share in (0.0, 0.5, 1.0)
        ]
        drawn.append(element("text", f"{name} (px)", x=_LEFT + 4, y=top + 12))
        found = clip.prediction.xy[:, axis]
        drawn += [
            element("path", d=_line(truth[:, axis], time, place), class_="truth"),
            element("path", d=_marks(found, ~verdict.false, time, place, "h0"), class_="dots first"),
            element("path", d=_marks(found, verdict.false, time, place, "h0"), class_="dots second"),
            element(
                "path",
                d=_marks(truth[:, axis], verdict.missed, time, place, "m-3-3l6 6m0-6l-6 6"),
                class_="crosses bad",
            ),
        ]
    height = _TOP + 2 * _WAY_HEIGHT + 16 + 36
    seconds = (frames - 1) / clip.fps
    step = next((step for step in _TIME_STEPS if width / max(seconds / step, 1) >= 60), _TIME_STEPS[-1])
    for number in range(int(seconds / step) + 1):
        at = time(number * step * clip.fps)
        drawn.append(element("text", f"{number * step:g}", x=at, y=height - 20, text_anchor="middle"))
    drawn.append(element("text", "time (s)", x=(_LEFT + min(right, _WAY_WIDTH)) / 2, y=height - 4))
    return element("div", _svg(width, height, drawn, f"place of the ball over time, {clip.name}"), class_="wide")


def _line(values: FloatArray, time: Scale, place: Scale) -> str:
    """Return a path through (N,) places in frames in a row; it breaks where there is none."""
    parts = []
    drawing = False
    for frame, value in enumerate(values.tolist()):
        if math.isfinite(value):
            parts.append(f"{'L' if drawing else 'M'}{time(frame):.1f} {place(value):.1f}")
        drawing = math.isfinite(value)
    return "".join(parts)


def _marks(values: FloatArray, chosen: BoolArray, time: Scale, place: Scale, mark: str) -> str:
    """Return a path with a mark at each chosen one of (N,) places: some ten bytes each, where an element has sixty."""
    frames = np.flatnonzero(chosen & np.isfinite(values)).tolist()
    return "".join(f"M{time(frame):.1f} {place(float(values[frame])):.1f}{mark}" for frame in frames)


def _polyline(points: Sequence[Point]) -> str:
    return "".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))


def _horizontal(y: float, left: float, right: float, label: str) -> Element:
    return element(
        "g",
        element("path", d=f"M{left:g} {y:.1f}H{right:g}", class_="grid-line"),
        element("text", label, x=left - 6, y=y + 4, text_anchor="end"),
    )


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    share = (end - start) / ((high - low) or 1.0)
    return lambda value: start + (value - low) * share


def _svg(width: float, height: float, children: Iterable[Element], label: str) -> Element:
    view = f"0 0 {width:g} {height:g}"
    return element("svg", *children, width=width, height=height, viewBox=view, role="img", aria_label=label)
