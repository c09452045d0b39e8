"""What a check of a dataset found, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tracknet_core.wording import count

Severity = Literal["error", "suspicion", "warning"]

Kind = Literal[
    "unreadable",  # a split or a clip cannot be opened: files or rows are missing, broken, or contradict each other
    "pictures",  # a frame cannot be decoded
    "frames",  # there are not as many labels as frames
    "labels",  # rows that the reader could not use, or codes that mean nothing
    "place",  # a visible ball without a place, or with one outside of the image
    "sentinel",  # a place that stands for "no ball"
    "time",  # labels that come a constant number of frames late or early
    "scale",  # labels in the pixels of another size
    "drift",  # labels beside the ball
    "duplicate",  # a clip that is in another split too
    "rate",  # a frame rate that varies
]

_SEVERITIES: tuple[Severity, ...] = ("error", "suspicion", "warning")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, or may be.

    Attributes:
        severity: ``error``: certainly wrong; ``suspicion``: training would be wrong if it is true; ``warning``: frames
            are lost or numbers inexact, but what is trained on is right.
        kind: what sort of fault, in a word.
        split: the split.
        clip: name of the clip; None if the fault is that of the whole split.
        message: what is wrong, and the cure.
        frames: numbers of the frames concerned, where they are known.
    """

    severity: Severity
    kind: Kind
    split: str
    clip: str | None
    message: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class SplitStatistics:
    """What the labels of a split say, over the clips that could be opened.

    Attributes:
        clips: clips that could be opened.
        frames: their frames, each one of the following five.
        easy: frames with an easy ball.
        hard: frames with a hard ball.
        occluded: frames with a ball that is hidden.
        absent: frames without a ball.
        unlabelled: frames that nobody said anything usable about.
        without_ball: share of the labelled frames that are absent, 0..1; None if there are none.
        speed_median: median way of the visible ball to the next frame, in pixels of the original video per frame; None
            if there are no two such frames in a row.
        speed_p95: its 95th percentile.
    """

    clips: int
    frames: int
    easy: int
    hard: int
    occluded: int
    absent: int
    unlabelled: int
    without_ball: float | None
    speed_median: float | None
    speed_p95: float | None


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        faults: by split and clip, in the order of the clips; duplicates last.
        statistics: of every split, by name.
    """

    faults: tuple[Fault, ...]
    statistics: Mapping[str, SplitStatistics]

    @property
    def wrong(self) -> bool:
        """Whether training would be wrong: there is an error, or a suspicion that nobody has looked into."""
        return any(fault.severity != "warning" for fault in self.faults)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts, lists and numbers, for JSON."""
        return {
            "wrong": self.wrong,
            "faults": [asdict(fault) | {"frames": list(fault.frames)} for fault in self.faults],
            "statistics": {split: asdict(statistics) for split, statistics in self.statistics.items()},
        }

    def as_text(self) -> str:
        """Return the report for a person: the worst faults first, then a table of the splits, then the sum."""
        faults = sorted(self.faults, key=lambda fault: _SEVERITIES.index(fault.severity))
        counts = Counter(fault.severity for fault in faults)
        found = ", ".join(count(counts[severity], severity) for severity in _SEVERITIES if counts[severity])
        clips = sum(statistics.clips for statistics in self.statistics.values())
        frames = sum(statistics.frames for statistics in self.statistics.values())
        paragraphs = []
        for fault in faults:
            message = fault.message.replace("\n", "\n  ")
            paragraphs.append(f"{fault.severity}: {fault.clip or fault.split} ({fault.kind})\n  {message}")
        paragraphs.append(_table(self.statistics))
        paragraphs.append(f"{count(clips, 'clip')} and {count(frames, 'frame')} checked: {found or 'no faults'}.")
        return "\n\n".join(paragraphs)


def _table(statistics: Mapping[str, SplitStatistics]) -> str:
    """Return the statistics as columns; speeds are in pixels of the original video per frame."""
    header = "split clips frames easy hard occluded absent unlabelled without_ball speed_median speed_p95"
    rows = [[name.replace("_", " ") for name in header.split()]]
    for split, of in statistics.items():
        counts = (of.clips, of.frames, of.easy, of.hard, of.occluded, of.absent, of.unlabelled)
        share = "-" if of.without_ball is None else f"{of.without_ball:.1%}"
        speeds = ["-" if speed is None else f"{speed:.1f} px" for speed in (of.speed_median, of.speed_p95)]
        rows.append([split, *map(str, counts), share, *speeds])
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        "  ".join([split.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
        for split, *cells in rows
    )
