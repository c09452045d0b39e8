"""Where the lines, marks and labels of charts go; templates draw them. Units are CSS pixels, colours are classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracknet_core.contracts import FloatArray
from tracknet_core.evaluation.report.worst_frames import verdicts
from tracknet_core.evaluation.results import BoolArray, ClipResult, SweepPoint

Place = tuple[float, float]
Scale = Callable[[float], float]

COLOURS = ("first", "second", "third", "fourth")

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

_CURVE_WIDTH, _CURVE_HEIGHT = 500.0, 280.0
_LEFT, _TOP, _BOTTOM, _RIGHT = 44.0, 14.0, 38.0, 16.0  # of a plot, for the labels of its axes
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of ticks, times a power of ten
_MOST_TICKS = 6

_WAY_HEIGHT = 110.0
_WAY_WIDTH = 1040.0
_FRAME_WIDTH = 2.0  # at least, so that frames of a long clip stay apart; the drawing then scrolls
_TIME_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


@dataclass(frozen=True)
class Line:
    """A path, or many marks in one.

    Attributes:
        d: as SVG writes it.
        style: classes of the page.
    """

    d: str
    style: str


@dataclass(frozen=True)
class Label:
    """A text.

    Attributes:
        x: where it stands.
        y: of its base line.
        text: what it says.
        anchor: which end of it is at ``x``: ``start``, ``middle`` or ``end``.
    """

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Dot:
    """A point that says something under the pointer.

    Attributes:
        x: of its centre.
        y: of its centre.
        colour: a class of the page.
        title: what it says.
    """

    x: float
    y: float
    colour: str
    title: str


@dataclass(frozen=True)
class Chart:
    """A drawing.

    Attributes:
        label: what it shows, for those who cannot see it.
        width: of the drawing.
        height: of the drawing.
        lines: from the lowest to the topmost.
        labels: texts on it.
        dots: over all.
        key: what the colours mean: classes, and what they stand for.
    """

    label: str
    width: float
    height: float
    lines: tuple[Line, ...]
    labels: tuple[Label, ...]
    dots: tuple[Dot, ...] = ()
    key: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Mark:
    """A point of a plane that stands for something.

    Attributes:
        name: of what.
        x: above 0.
        y: on an even axis.
        is_first: whether it is drawn as one of those that matter most.
    """

    name: str
    x: float
    y: float
    is_first: bool


@dataclass(frozen=True)
class Series:
    """A curve.

    Attributes:
        name: of what it shows.
        points: from left to right; one with NaN is left out.
        titles: what each point says about itself, beside its value.
    """

    name: str
    points: Sequence[Place]
    titles: Sequence[str]


def over_threshold(sweeps: Mapping[str, tuple[str, Sequence[SweepPoint]]], marks: Mapping[str, float]) -> Chart:
    """Return curves of figures over the threshold, on an even axis.

    Args:
        sweeps: by the name of a curve, the figure that it shows, and where from.
        marks: thresholds that are worth a line, by what they are.
    """
    series = [
        Series(
            name,
            [(point.threshold, point.figures.get(figure, math.nan)) for point in sweep],
            [f"at {point.threshold:.4g}" for point in sweep],
        )
        for name, (figure, sweep) in sweeps.items()
    ]
    thresholds = [*(point[0] for one in series for point in one.points), *marks.values()]
    return curves(series, "threshold: lowest score that counts", even_ticks(min(thresholds), max(thresholds)), marks)


def over_recall(sweeps: Mapping[str, Sequence[SweepPoint]]) -> Chart:
    """Return precision over recall, a point for each threshold."""
    series = [
        Series(
            name,
            [(point.figures.get("recall", math.nan), point.figures.get("precision", math.nan)) for point in sweep],
            [f"at {point.threshold:.4g}" for point in sweep],
        )
        for name, sweep in sweeps.items()
    ]
    return curves(series, "recall", SHARES)


def even_ticks(low: float, high: float) -> list[float]:
    """Return ticks in even steps of 1, 2, 2.5 or 5 times a power of ten, which ``low`` and ``high`` lie between."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / (_MOST_TICKS - 1)))
    for factor in _STEPS:
        step = factor * power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if max(last, first + 1) - first < _MOST_TICKS:
            break
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def curves(
    series: Sequence[Series], x_label: str, ticks: Sequence[float], marks: Mapping[str, float] | None = None
) -> Chart:
    """Return curves of shares, 0..1 upwards.

    Args:
        series: as many as there are colours, at most.
        x_label: what the horizontal axis is.
        ticks: places on the horizontal axis; the first and the last are its ends.
        marks: places on the horizontal axis that get a line, by what it says.
    """
    right, bottom = _CURVE_WIDTH - _RIGHT, _CURVE_HEIGHT - _BOTTOM
    x = _scale(ticks[0], ticks[-1], _LEFT, right)
    y = _scale(0, 1, bottom, _TOP)
    lines = [Line(f"M{_LEFT:g} {y(share):.1f}H{right:g}", "grid-line") for share in SHARES]
    lines += [Line(f"M{x(at):.1f} {bottom:g}v4", "grid-line") for at in ticks]
    labels = [Label(_LEFT - 6, y(share) + 4, f"{share:g}", "end") for share in SHARES]
    labels += [Label(x(at), bottom + 17, f"{at:.6g}") for at in ticks]
    labels.append(Label((_LEFT + right) / 2, bottom + 33, x_label))
    for number, (said, at) in enumerate((marks or {}).items()):
        lines.append(Line(f"M{x(at):.1f} {_TOP:g}V{bottom:g}", "mark"))
        is_left = x(at) < (_LEFT + right) / 2
        labels.append(
            Label(x(at) + (4 if is_left else -4), _TOP + 10 + 13 * number, said, "start" if is_left else "end")
        )
    dots = []
    for colour, one in zip(COLOURS, series, strict=False):
        placed = [(x(a), y(b), title) for (a, b), title in zip(one.points, one.titles, strict=True) if _is_known(a, b)]
        lines.append(Line(_polyline([place[:2] for place in placed]), f"curve {colour}"))
        values = [b for a, b in one.points if _is_known(a, b)]
        dots += [
            Dot(left, top, colour, f"{one.name} {value:.4f} {title}")
            for (left, top, title), value in zip(placed, values, strict=True)
        ]
    names = [one.name for one in series]
    key = tuple(zip(COLOURS, names, strict=False))
    label = f"{', '.join(names)} over {x_label}"
    return Chart(label, _CURVE_WIDTH, _CURVE_HEIGHT, tuple(lines), tuple(labels), tuple(dots), key)


def plane(marks: Sequence[Mark], x_label: str, y_label: str) -> Chart:
    """Return marks with their names, on a logarithmic axis to the right, and a line through those that matter most.

    Args:
        marks: at least one.
        x_label: what the horizontal axis is.
        y_label: what the vertical axis is.
    """
    right, bottom = _CURVE_WIDTH - _RIGHT, _CURVE_HEIGHT - _BOTTOM
    x_ticks = _even_factors(min(mark.x for mark in marks), max(mark.x for mark in marks))
    y_ticks = even_ticks(min(mark.y for mark in marks), max(mark.y for mark in marks))
    to_right = _scale(math.log(x_ticks[0]), math.log(x_ticks[-1]), _LEFT, right)
    y = _scale(y_ticks[0], y_ticks[-1], bottom, _TOP)
    placed = [(to_right(math.log(mark.x)), y(mark.y), mark) for mark in sorted(marks, key=lambda mark: mark.x)]
    lines = [Line(f"M{_LEFT:g} {y(at):.1f}H{right:g}", "grid-line") for at in y_ticks]
    lines += [Line(f"M{to_right(math.log(at)):.1f} {bottom:g}v4", "grid-line") for at in x_ticks]
    lines.append(Line(_polyline([(left, top) for left, top, mark in placed if mark.is_first]), "curve first"))
    labels = [Label(_LEFT - 6, y(at) + 4, f"{at:.6g}", "end") for at in y_ticks]
    labels += [Label(to_right(math.log(at)), bottom + 17, f"{at:.6g}") for at in x_ticks]
    labels += [Label((_LEFT + right) / 2, bottom + 33, x_label), Label(_LEFT + 4, _TOP - 3, y_label, "start")]
    for left, top, mark in placed:
        is_left = left < (_LEFT + right) / 2
        labels.append(Label(left + (6 if is_left else -6), top - 4, mark.name, "start" if is_left else "end"))
    dots = [
        Dot(left, top, "first" if mark.is_first else "second", f"{mark.name}: {mark.x:.4g}, {mark.y:.4f}")
        for left, top, mark in placed
    ]
    label = f"{y_label} over {x_label}"
    return Chart(label, _CURVE_WIDTH, _CURVE_HEIGHT, tuple(lines), tuple(labels), tuple(dots))


def _even_factors(low: float, high: float) -> list[float]:
    """Return ticks of 1, 2 or 5 times a power of ten, which ``low`` and ``high``, above 0, lie between."""
    power = 10.0 ** math.floor(math.log10(low))
    ticks = [power * factor for factor in (1.0, 2.0, 5.0)]
    while ticks[-1] < high:
        ticks.append(ticks[-3] * 10)
    first = max(number for number, tick in enumerate(ticks) if tick <= low * (1 + 1e-9))
    ticks = ticks[first:]
    return ticks if len(ticks) > 1 else [*ticks, ticks[0] * 2]


def way(clip: ClipResult) -> Chart:
    """Return x and y of the ball over the time of a clip: the truth, what was found, and what was missed."""
    width = max(_WAY_WIDTH, _LEFT + len(clip) * _FRAME_WIDTH)
    right = width - 12
    height = _TOP + 2 * _WAY_HEIGHT + 16 + 36
    time = _scale(0, max(len(clip) - 1, 1), _LEFT, right)
    verdict = verdicts(clip)
    truth = np.where(np.isin(clip.visibility, (0, -1))[:, None], np.float32(np.nan), clip.xy)
    lines, labels = [], []
    for axis, name in enumerate("xy"):
        top = _TOP + axis * (_WAY_HEIGHT + 16)
        # As in the picture: y grows downwards.
        ends = (top + _WAY_HEIGHT, top) if axis == 0 else (top, top + _WAY_HEIGHT)
        place = _scale(0, clip.size[axis], *ends)
        found = clip.prediction.xy[:, axis]
        for value in (share * clip.size[axis] for share in (0.0, 0.5, 1.0)):
            lines.append(Line(f"M{_LEFT:g} {place(value):.1f}H{right:g}", "grid-line"))
            labels.append(Label(_LEFT - 6, place(value) + 4, f"{value:g}", "end"))
        labels.append(Label(_LEFT + 4, top + 12, f"{name} (px)", "start"))
        lines += [
            Line(_line(truth[:, axis], time, place), "truth"),
            Line(_marks(found, ~verdict.false, time, place, "h0"), "dots first"),
            Line(_marks(found, verdict.false, time, place, "h0"), "dots second"),
            Line(_marks(truth[:, axis], verdict.missed, time, place, "m-3-3l6 6m0-6l-6 6"), "crosses bad"),
        ]
    labels += [Label(time(second * clip.fps), height - 20, f"{second:g}") for second in _seconds(clip, width)]
    labels.append(Label((_LEFT + min(right, _WAY_WIDTH)) / 2, height - 4, "time (s)"))
    return Chart(f"place of the ball over time, {clip.name}", width, height, tuple(lines), tuple(labels))


def _seconds(clip: ClipResult, width: float) -> Iterator[float]:
    """Yield the times of a clip that get a label."""
    seconds = (len(clip) - 1) / clip.fps
    step = next((step for step in _TIME_STEPS if width / max(seconds / step, 1) >= 60), _TIME_STEPS[-1])
    yield from (number * step for number in range(int(seconds / step) + 1))


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


def _polyline(points: Iterable[Place]) -> str:
    return "".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))


def _is_known(x: float, y: float) -> bool:
    return math.isfinite(x) and math.isfinite(y)


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    share = (end - start) / ((high - low) or 1.0)
    return lambda value: start + (value - low) * share
