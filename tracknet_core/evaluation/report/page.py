"""An evaluation, or a comparison of several, as one HTML file that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from xml.etree.ElementTree import Element

import numpy as np

from tracknet_core.evaluation.comparison import Comparison, ProtocolComparison
from tracknet_core.evaluation.intervals import DRAWS, SHARE
from tracknet_core.evaluation.report.charts import COLOURS, curves, key, way
from tracknet_core.evaluation.report.markup import Node, element, page, table
from tracknet_core.evaluation.report.text import as_cell, is_count, letter
from tracknet_core.evaluation.report.worst_frames import Kind, Moment, picture_of, verdicts, worst_moments
from tracknet_core.evaluation.results import ClipResult, Evaluation, Figures, ProtocolResult, SweepPoint
from tracknet_core.evaluation.trajectory import visible

WORST_CLIPS = 10
DRAWN_FRAMES = 30_000
"""Most frames whose trajectories are drawn, worst clips first: some 40 bytes each."""

_SWEPT = ("f1", "precision", "recall")
_SWEEP_TICKS = 5

_KINDS: Mapping[Kind, tuple[str, str]] = {
    "far": ("Farthest from the ball", "{:.1f} px off"),
    "missed": ("Missed, in the longest gaps", "in a gap of {:.0f} frames"),
    "false": ("Found without a ball, the surest first", "score {:.3g}"),
}


def report(evaluation: Evaluation) -> str:
    """Return the page of an evaluation; the worst frames are read again from their clips.

    A frame that cannot be read is said to be so in place of its picture.
    """
    ranked = _ranked(evaluation)
    anchors = {clip.name: f"clip-{number}" for number, clip in enumerate(evaluation.clips)}
    drawn = _affordable(ranked)
    children = [
        element("h1", f"Evaluation of {evaluation.name or evaluation.source}"),
        element("p", f"{evaluation.extent}."),
        *(element("p", f"Note: {note}") for note in evaluation.notes),
        *(part for protocol in evaluation.protocols for part in _protocol(protocol)),
        *_worst_clips(ranked, {clip.name: anchors[clip.name] for clip in drawn}, evaluation.protocols),
        *_worst_frames(evaluation.clips),
        *_trajectories(evaluation, drawn, anchors),
        *_conditions(evaluation.conditions),
    ]
    return page(f"Evaluation of {evaluation.name or evaluation.source}", children)


def comparison_report(comparison: Comparison) -> str:
    """Return the page of a comparison."""
    runs = zip(comparison.runs, comparison.names, strict=True)
    letters = [letter(number) for number in range(len(comparison.runs))]
    children = [
        element("h1", "Runs side by side"),
        element("p", f"Over the {len(comparison.clips)} clips that all runs share."),
        *(element("p", f"Note: {note}") for note in comparison.notes),
        table(["", "file", "name"], [[one, *run] for one, run in zip(letters, runs, strict=True)]),
        element("h2", "What differs between the runs"),
        table(["", *letters], [[name, *values] for name, values in comparison.differs.items()]),
        *(part for protocol in comparison.protocols for part in _compared(protocol)),
    ]
    return page("Runs side by side", children)


def _conditions(conditions: Mapping[str, str]) -> Iterator[Element]:
    if conditions:
        yield element("h2", "What the numbers depend on")
        yield table(["", "value"], [[name, element("td", value, class_="long")] for name, value in conditions.items()])


# ------------------------------------------------------------------------------------------------- protocols


def _protocol(protocol: ProtocolResult) -> Iterator[Element]:
    yield element("h2", f"Protocol {protocol.name}")
    yield element("p", protocol.rule, class_="rule")
    rows = {"all": protocol.figures, **{f"visibility {name}": figures for name, figures in protocol.classes.items()}}
    yield _figures_table(rows, {"all": protocol.intervals})
    if protocol.intervals:
        yield element("p", f"Beneath a figure: {SHARE:.0%} of {DRAWS} draws of the clips.", class_="rule")
    charts = _charts(protocol.sweep)
    if charts:
        yield element("div", *charts, class_="pair")
    yield element("details", element("summary", "Clip by clip"), _figures_table(protocol.clips, {}))


def _charts(sweep: Sequence[SweepPoint]) -> list[Element]:
    """Return figures over the threshold, and precision over recall."""
    names = [name for name in _SWEPT if any(name in point.figures for point in sweep)]
    if len(sweep) < 2 or not names:
        return []
    series = {
        name: [(float(number), point.figures.get(name, math.nan)) for number, point in enumerate(sweep)]
        for name in names
    }
    # By rank: scores crowd together near the highest, and so would the points.
    last = len(sweep) - 1
    ranks = sorted({round(last * number / (_SWEEP_TICKS - 1)) for number in range(_SWEEP_TICKS)})
    ticks = [(float(rank), f"{sweep[rank].threshold:.4g}") for rank in ranks]
    titles = [f"at {point.threshold:.4g}" for point in sweep]
    over_threshold = element(
        "figure",
        key(zip(COLOURS, names, strict=False)),
        curves(series, "lowest score that counts (equally many balls between ticks)", ticks, titles),
    )
    if not {"precision", "recall"} <= set(names):
        return [over_threshold]
    pairs = [(point.figures.get("recall", math.nan), point.figures.get("precision", math.nan)) for point in sweep]
    shares = [(share, f"{share:g}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    over_recall = element(
        "figure",
        key([(COLOURS[0], "precision over recall, one point for each threshold")]),
        curves({"precision": pairs}, "recall", shares, titles),
    )
    return [over_threshold, over_recall]


def _figures_table(rows: Mapping[str, Figures], intervals: Mapping[str, Mapping[str, tuple[float, float]]]) -> Element:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    whole = {column: is_count([row[column] for row in rows.values() if column in row]) for column in columns}

    def cells(name: str, row: Figures) -> Iterator[Element]:
        for column in columns:
            made = element("td", as_cell(row.get(column, math.nan), whole[column]))
            if column in intervals.get(name, {}):
                made.append(element("small", _interval(intervals[name][column], whole[column])))
            yield made

    return table(["", *columns], [[name, *cells(name, row)] for name, row in rows.items()])


def _interval(ends: tuple[float, float], whole: bool) -> str:
    return " … ".join(as_cell(end, whole) for end in ends)


def _compared(protocol: ProtocolComparison) -> Iterator[Element]:
    yield element("h2", f"Protocol {protocol.name}")
    yield element("p", protocol.rule, class_="rule")
    columns = list(dict.fromkeys(name for row in protocol.figures for name in row))
    whole = {name: is_count([row[name] for row in protocol.figures if name in row]) for name in columns}
    rows: list[list[Node]] = [
        [letter(number), *(as_cell(row.get(name, math.nan), whole[name]) for name in columns)]
        for number, row in enumerate(protocol.figures)
    ]
    for number, difference in enumerate(protocol.differences, start=1):
        cells: list[Node] = []
        for name in columns:
            value = difference.figures.get(name, math.nan)
            sign = "+" if value > 0 else ""
            cell = element("td", sign + as_cell(value, whole[name]))
            if name in difference.intervals:
                low, high = difference.intervals[name]
                cell.append(element("small", _interval((low, high), whole[name])))
                if low > 0 or high < 0:
                    cell.set("class", "sure")
            cells.append(cell)
        rows.append([f"{letter(number)} - A", *cells])
    yield table(["", *columns], rows)
    if any(difference.intervals for difference in protocol.differences):
        yield element(
            "p",
            f"Beneath a difference: {SHARE:.0%} of {DRAWS} draws of the clips, the same clips for every run. Bold: "
            "zero is not among them.",
            class_="rule",
        )


# ----------------------------------------------------------------------------------------- clips and frames


def _ranked(evaluation: Evaluation) -> list[ClipResult]:
    """Return the clips, the worst first: by F1 where a protocol has it, else by the share of missed balls."""
    by_f1 = next((one.clips for one in evaluation.protocols if "f1" in one.figures), None)

    def quality(clip: ClipResult) -> float:
        if by_f1 is None:
            balls = int(visible(clip.visibility).sum())
            return 1 - int(verdicts(clip).missed.sum()) / balls if balls else 1.0
        # Without a ball, and without a prediction, there is no F1: nothing went wrong.
        return float(np.nan_to_num(by_f1[clip.name]["f1"], nan=1.0))

    return sorted(evaluation.clips, key=quality)


def _affordable(ranked: Sequence[ClipResult]) -> list[ClipResult]:
    """Return the worst clips, as many as make a file of a few megabytes; one at least."""
    total = np.cumsum([len(clip) for clip in ranked])
    return list(ranked[: max(1, int((total <= DRAWN_FRAMES).sum()))])


def _worst_clips(
    ranked: Sequence[ClipResult], anchors: Mapping[str, str], protocols: Sequence[ProtocolResult]
) -> Iterator[Element]:
    yield element("h2", "Worst clips")
    swept = [protocol for protocol in protocols if "f1" in protocol.figures]
    header = ["", *(f"f1 {protocol.name}" for protocol in swept), "frames", "missed", "without a ball", "farthest"]
    rows: list[list[Node]] = []
    for clip in ranked[:WORST_CLIPS]:
        verdict = verdicts(clip)
        apart = verdict.distance[np.isfinite(verdict.distance)]
        anchor = anchors.get(clip.name)
        rows.append(
            [
                clip.name if anchor is None else element("a", clip.name, href=f"#{anchor}"),
                *(as_cell(protocol.clips[clip.name]["f1"], whole=False) for protocol in swept),
                str(len(clip)),
                str(int(verdict.missed.sum())),
                str(int(verdict.false.sum())),
                f"{apart.max():.1f} px" if len(apart) else "-",
            ]
        )
    yield table(header, rows)


def _worst_frames(clips: Sequence[ClipResult]) -> Iterator[Element]:
    moments = worst_moments(clips)
    yield element("h2", "Worst frames")
    yield element(
        "p",
        "A ring is the truth, a cross the prediction. One frame at most of a second of a clip, without any protocol's "
        "rule; pixels are those of the original video.",
        class_="rule",
    )
    for kind, (title, unit) in _KINDS.items():
        of_kind = [moment for moment in moments if moment.kind == kind]
        if of_kind:
            yield element("h3", title)
            yield element("div", *(_picture(moment, unit) for moment in of_kind), class_="grid")
    if not moments:
        yield element("p", "There are none: no ball was looked for, and none was found.")


def _picture(moment: Moment, unit: str) -> Element:
    clip, frame = moment.clip, moment.frame
    text = f"{clip.name}, frame {frame} ({frame / clip.fps:.2f} s), {unit.format(moment.weight)}"
    uri = picture_of(moment)
    shown = element("p", "This frame cannot be read.") if uri is None else element("img", src=uri, alt=text)
    return element("figure", shown, element("figcaption", text))


def _trajectories(evaluation: Evaluation, drawn: Iterable[ClipResult], anchors: Mapping[str, str]) -> Iterator[Element]:
    yield element("h2", "Trajectories")
    yield element(
        "p",
        "Fragments are runs of frames with a ball; the longest gap is in frames; a jump is a step of more than a tenth "
        "of the width; jitter is the median bend in pixels.",
        class_="rule",
    )
    yield _figures_table({"predicted": asdict(evaluation.trajectory), "true": asdict(evaluation.true_trajectory)}, {})
    by_clip = {clip.name: asdict(clip.trajectory) for clip in evaluation.clips}
    yield element("details", element("summary", "Clip by clip"), _figures_table(by_clip, {}))
    yield key([("faint", "truth"), ("first", "prediction"), ("second", "prediction without a ball"), ("bad", "missed")])
    names = {clip.name for clip in drawn}
    if len(names) < len(evaluation.clips):
        yield element("p", f"Drawn are the worst {len(names)} of {len(evaluation.clips)} clips.")
    for clip in evaluation.clips:
        if clip.name in names:
            yield element("h3", clip.name, id=anchors[clip.name])
            yield way(clip)
