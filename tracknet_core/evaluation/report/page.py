"""An evaluation, or a comparison of several, as one HTML file that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from tracknet_core.contracts import Clip, Point
from tracknet_core.evaluation.comparison import Comparison, ProtocolComparison
from tracknet_core.evaluation.continuity import visible
from tracknet_core.evaluation.disagreements import Disagreement
from tracknet_core.evaluation.intervals import DRAWS, SHARE
from tracknet_core.evaluation.report.charts import COLOURS, Chart, over_recall, over_threshold, way
from tracknet_core.evaluation.report.pictures import picture
from tracknet_core.evaluation.report.tables import (
    Row,
    Table,
    as_cell,
    clip_trajectories,
    compared,
    compared_misses,
    compared_overview,
    letter,
    miss_classes,
    miss_clips,
    miss_overview,
    overview,
    protocol_table,
    trajectories,
)
from tracknet_core.evaluation.report.worst_frames import Kind, Moment, verdicts, worst_moments
from tracknet_core.evaluation.results import ClipResult, Evaluation, ProtocolResult, SweepPoint

WORST_CLIPS = 10
DRAWN_FRAMES = 30_000
"""Most frames whose trajectories are drawn, worst clips first: some 40 bytes each."""

DIFFERING_CLIPS = 10
"""Most clips of a comparison whose differing frames are listed, those with the most of them first."""

DIFFERING_PICTURES = 4
"""Most pictures of such a clip."""

DIFFERING_ROWS = 20
"""Most rows of such a clip."""

_SWEPT = ("f1", "precision", "recall")

_KINDS: Mapping[Kind, tuple[str, str]] = {
    "far": ("Farthest from the ball", "{:.1f} px off"),
    "missed": ("Missed, in the longest gaps", "in a gap of {:.0f} frames"),
    "false": ("Found without a ball, the surest first", "score {:.3g}"),
}

_TEMPLATES = Environment(
    loader=PackageLoader(__package__, "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class _Shot:
    """A picture, or why there is none.

    Attributes:
        uri: the picture itself; None if the frame cannot be read.
        text: what it shows.
    """

    uri: str | None
    text: str


@dataclass(frozen=True)
class _ClipDifferences:
    """Where two runs differ in a clip.

    Attributes:
        clip: its name.
        frames: how many there are.
        rows: frames, time if it is known, and what became of them in each run; the longest first.
        left_out: how many further rows there would be.
        shots: pictures of the first of them.
    """

    clip: str
    frames: int
    rows: list[tuple[str, str, str, str]]
    left_out: int
    shots: list[_Shot]


@dataclass(frozen=True)
class Section:
    """What a page of a comparison begins with, before the runs are laid side by side.

    Attributes:
        title: of the section.
        notes: what a reader has to know.
        header: what the columns of a table are.
        rows: its cells.
        charts: beneath it.
    """

    title: str
    notes: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    charts: Sequence[Chart] = ()


def report(evaluation: Evaluation) -> str:
    """Return the page of an evaluation; the worst frames are read again from their clips.

    A frame that cannot be read is said to be so in place of its picture.
    """
    ranked = _ranked(evaluation)
    anchors = {clip.name: f"clip-{number}" for number, clip in enumerate(evaluation.clips)}
    drawn = {clip.name for clip in _affordable(ranked)}
    worst_frames = list(_worst_frames(worst_moments(evaluation.clips)))
    protocols = [_Protocol(number, one, evaluation) for number, one in enumerate(evaluation.protocols)]
    return _TEMPLATES.get_template("evaluation.html.jinja").render(
        title=f"Evaluation of {evaluation.name or evaluation.source}",
        evaluation=evaluation,
        contents=[
            ("overview", "Overview"),
            *((protocol.anchor, f"Protocol {protocol.name}") for protocol in protocols),
            *([("misses", "Misses")] if evaluation.misses else []),
            ("worst-clips", "Worst clips"),
            ("worst-frames", "Worst frames"),
            ("trajectories", "Trajectories"),
            *([("conditions", "What the numbers depend on")] if evaluation.conditions else []),
        ],
        overview=overview(evaluation),
        others=[(one.name, _listed(one)) for one in evaluation.protocols if "f1" not in one.figures],
        threshold=evaluation.conditions.get("threshold"),
        protocols=protocols,
        drawn_from=f"{SHARE:.0%} of {DRAWS} draws of the clips",
        misses=miss_overview(evaluation.misses),
        miss_tables=[(name, miss_classes(one), miss_clips(one)) for name, one in evaluation.misses.items()],
        worst_clips=_worst_clips(ranked, {name: anchors[name] for name in drawn}, evaluation),
        worst_frames=worst_frames,
        has_pictures=any(shot.uri is not None for _, shots in worst_frames for shot in shots),
        trajectories=trajectories(evaluation),
        clip_trajectories=clip_trajectories(evaluation),
        drawn_clips=[(anchors[clip.name], clip.name, way(clip)) for clip in evaluation.clips if clip.name in drawn],
    )


def comparison_report(
    comparison: Comparison, clips: Mapping[str, Clip], no_pictures: str = "", opening: Sequence[Section] = ()
) -> str:
    """Return the page of a comparison.

    Args:
        comparison: what was found.
        clips: those whose frames may be looked at, by name; labelled as those that were scored.
        no_pictures: why others have none.
        opening: what comes before all else.
    """
    letters = [letter(number) for number in range(len(comparison.runs))]
    protocols = [_Compared(number, one, letters) for number, one in enumerate(comparison.protocols)]
    return _TEMPLATES.get_template("comparison.html.jinja").render(
        title="Runs side by side",
        comparison=comparison,
        opening=opening,
        contents=[
            *((f"section-{number}", section.title) for number, section in enumerate(opening)),
            ("overview", "Overview"),
            ("conditions", "What differs between the runs"),
            *((protocol.anchor, f"Protocol {protocol.name}") for protocol in protocols),
            *([("frames", "Frames that differ")] if comparison.judge else []),
        ],
        letters=letters,
        runs=list(zip(letters, comparison.names, comparison.runs, strict=True)),
        differs=[(name, *values) for name, values in comparison.differs.items()],
        overview=compared_overview(comparison.protocols),
        protocols=protocols,
        drawn_from=f"{SHARE:.0%} of {DRAWS} draws of the clips, the same clips for every run",
        differences=list(_differences(comparison, letters, clips)),
        no_pictures=no_pictures,
    )


# ------------------------------------------------------------------------------------------------- protocols


class _Protocol:
    """What a page shows of a protocol."""

    def __init__(self, number: int, protocol: ProtocolResult, evaluation: Evaluation) -> None:
        self.anchor = f"protocol-{number}"
        self.name = protocol.name
        self.rule = protocol.rule
        self.figures = _without_ends_of_counts(protocol_table(protocol)).counts_first()
        self.has_intervals = bool(protocol.intervals)
        self.best = protocol.best
        self.f1 = protocol.figures.get("f1")
        self.charts = list(_charts(protocol, evaluation.conditions.get("threshold")))
        self.clips = Table.of(protocol.clips).counts_first()


def _charts(protocol: ProtocolResult, used: str | None) -> Iterator[Chart]:
    """Yield figures over the threshold, and precision over recall."""
    sweep = protocol.sweep
    names = [name for name in _SWEPT if any(name in point.figures for point in sweep)]
    if len(sweep) < 2 or not names:
        return
    marks = {} if protocol.best is None else {f"best {protocol.best.threshold:.4g}": protocol.best.threshold}
    if used is not None:
        marks[f"used {used}"] = float(used)
    yield over_threshold({name: (name, sweep) for name in names}, marks)
    if {"precision", "recall"} <= set(names):
        yield over_recall({"precision over recall, a point for each threshold": sweep})


class _Compared:
    """What a page shows of a protocol that several runs were scored by."""

    def __init__(self, number: int, protocol: ProtocolComparison, letters: Sequence[str]) -> None:
        self.anchor = f"protocol-{number}"
        self.name = protocol.name
        self.rule = protocol.rule
        self.figures = compared(protocol).counts_first()
        self.has_intervals = any(difference.intervals for difference in protocol.differences)
        self.misses = compared_misses(protocol)
        self.changes = (
            [(letters[number], one.gained, one.lost) for number, one in enumerate(protocol.differences, start=1)]
            if protocol.misses
            else []
        )
        self.most_curves = len(COLOURS)
        sweeps = dict(zip(letters[: self.most_curves], protocol.sweeps, strict=False))
        self.charts = list(_compared_charts(sweeps))


def _compared_charts(sweeps: Mapping[str, Sequence[SweepPoint]]) -> Iterator[Chart]:
    """Yield F1 over the threshold, and precision over recall, of all runs in one picture each."""
    swept = {one: sweep for one, sweep in sweeps.items() if sweep and "f1" in sweep[0].figures}
    if swept:
        yield over_threshold({f"F1 of {one}": ("f1", sweep) for one, sweep in swept.items()}, {})
        yield over_recall({f"precision of {one}": sweep for one, sweep in swept.items()})


def _without_ends_of_counts(table: Table) -> Table:
    """Return a table whose counts have no intervals, which would make it wider than a page."""
    rows = [
        Row(row.name, row.figures, {key: ends for key, ends in row.intervals.items() if not table.is_whole(key)})
        for row in table.rows
    ]
    return Table(tuple(rows), table.corner, table.columns)


def _listed(protocol: ProtocolResult) -> str:
    """Return the figures of a protocol in one line."""
    return ", ".join(f"{name} {as_cell(value, isinstance(value, int))}" for name, value in protocol.figures.items())


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


def _worst_clips(ranked: Sequence[ClipResult], anchors: Mapping[str, str], evaluation: Evaluation) -> Table:
    by_f1 = next((protocol for protocol in evaluation.protocols if "f1" in protocol.figures), None)
    rows = []
    for clip in ranked[:WORST_CLIPS]:
        verdict = verdicts(clip)
        apart = verdict.distance[np.isfinite(verdict.distance)]
        figures = {
            **({} if by_f1 is None else {f"f1 {by_f1.name}": by_f1.clips[clip.name]["f1"]}),
            "frames": len(clip),
            "missed": int(verdict.missed.sum()),
            "without a ball": int(verdict.false.sum()),
            "farthest, px": float(apart.max()) if len(apart) else float("nan"),
        }
        rows.append(Row(clip.name, figures, anchor=anchors.get(clip.name, "")))
    return Table(tuple(rows))


def _worst_frames(moments: Sequence[Moment]) -> Iterator[tuple[str, list[_Shot]]]:
    """Yield the kinds of errors that there are, with pictures."""
    for kind, (title, unit) in _KINDS.items():
        shots = [_shot(moment, unit) for moment in moments if moment.kind == kind]
        if shots:
            yield title, shots


def _shot(moment: Moment, unit: str) -> _Shot:
    clip, frame = moment.clip, moment.frame
    truth = clip.xy[frame] if clip.visibility[frame] > 0 else None
    text = f"{clip.name}, frame {frame} ({frame / clip.fps:.2f} s), {unit.format(moment.weight)}"
    return _Shot(picture(clip.frames, frame, truth, clip.prediction.xy[frame]), text)


# --------------------------------------------------------------------------------------------- differing frames


def _differences(
    comparison: Comparison, letters: Sequence[str], clips: Mapping[str, Clip]
) -> Iterator[tuple[str, int, int, list[_ClipDifferences]]]:
    """Yield for each run but the first: its letter, how many frames of how many clips differ, and the worst clips."""
    for number, found in groupby(comparison.disagreements, key=lambda one: one.run):
        by_clip = [(name, list(of_clip)) for name, of_clip in groupby(found, key=lambda one: one.clip)]
        by_clip.sort(key=lambda one: -sum(map(len, one[1])))
        listed = [_of_clip(name, of_clip, clips.get(name)) for name, of_clip in by_clip[:DIFFERING_CLIPS]]
        frames = sum(len(one) for _, of_clip in by_clip for one in of_clip)
        yield letters[number], frames, len(by_clip), listed


def _of_clip(name: str, found: Iterable[Disagreement], clip: Clip | None) -> _ClipDifferences:
    longest = sorted(found, key=lambda one: -len(one))
    return _ClipDifferences(
        clip=name,
        frames=sum(map(len, longest)),
        rows=[_row(one, clip) for one in longest[:DIFFERING_ROWS]],
        left_out=max(0, len(longest) - DIFFERING_ROWS),
        shots=[] if clip is None else [_shot_of_both(one, clip) for one in longest[:DIFFERING_PICTURES]],
    )


def _row(one: Disagreement, clip: Clip | None) -> tuple[str, str, str, str]:
    frames = f"{one.first}" if len(one) == 1 else f"{one.first} to {one.last}"
    time = "" if clip is None else f"{one.first / clip.frames.fps:.2f} s"
    first, other = one.fates
    return frames, time, first.word, other.word


def _shot_of_both(one: Disagreement, clip: Clip) -> _Shot:
    truth = clip.xy[one.frame] if clip.visibility[one.frame] > 0 else None
    first, other = map(_array, one.places)
    text = f"{clip.name}, frame {one.frame}: {one.fates[0].word} by A, {one.fates[1].word} by {letter(one.run)}"
    return _Shot(picture(clip.frames, one.frame, truth, first, other), text)


def _array(place: Point | None) -> Any:
    return None if place is None else np.array(place, np.float32)
