"""What an evaluation found, as plain data: a report can be drawn from it without running anything again.

Pixels are those of the original video throughout.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray, FrameSource, IntArray, Point, Size
from tracknet_core.row_file import PLACE_DECIMALS
from tracknet_core.wording import count

BoolArray = npt.NDArray[np.bool_]

Figures = Mapping[str, float]
"""Figures by name, as a protocol gives them; NaN where one is not defined, and an ``int`` where it is a count."""


@dataclass(frozen=True)
class Prediction:
    """The ball in each frame of a clip.

    Attributes:
        points: (N, Q, 2) points in pixels, its place or the ends of its streak; NaN where no ball was found.
        score: (N,) confidence, higher is surer; NaN where no ball was found, or the program does not say.
        made: (N,) whether a tracker made the place up, where the network had found nothing; None if nobody says.
        candidates: of each of the N frames the (D, 2) places that the network had found, before a tracker chose among
            them; None if nobody says.
    """

    points: FloatArray
    score: FloatArray
    made: BoolArray | None = None
    candidates: Sequence[FloatArray] | None = None

    @classmethod
    def of(
        cls,
        points: Mapping[int, Sequence[Point]],
        score: FloatArray,
        made: BoolArray | None = None,
        candidates: Sequence[FloatArray] | None = None,
    ) -> Prediction:
        """Return the balls of some frames, by number: one point each, or the ends of streaks.

        Args:
            points: in pixels; a plain ball beside streaks is one whose ends are in one place.
            score: (N,) of all frames.
            made: (N,) of all frames.
            candidates: of all N frames.
        """
        most = max(map(len, points.values()), default=1)
        array = np.full((len(score), most, 2), np.nan, np.float32)
        for number, ball in points.items():
            array[number] = ball
        return cls(array, score, made, candidates)

    @cached_property
    def xy(self) -> FloatArray:
        """(N, 2) places in pixels, each the mean of its points; NaN where no ball was found."""
        xy: FloatArray = self.points.mean(axis=1)
        return xy

    @property
    def present(self) -> BoolArray:
        """(N,) whether a ball was found."""
        return np.asarray(np.isfinite(self.xy).all(axis=1))

    @property
    def is_scored(self) -> bool:
        """Whether every ball has a score."""
        return bool(np.isfinite(self.score[self.present]).all())

    def above(self, threshold: float) -> Prediction:
        """Return the same without the balls whose score is below ``threshold``."""
        kept = self.score >= threshold
        return replace(
            self,
            points=np.where(kept[:, None, None], self.points, np.float32(np.nan)),
            score=np.where(kept, self.score, np.float32(np.nan)),
        )


@dataclass(frozen=True)
class Continuity:
    """How whole and how smooth the way of a ball is; see :func:`tracknet_core.evaluation.continuity.continuity`.

    Attributes:
        fragments: unbroken runs of frames with a ball.
        longest_gap: most frames in a row in which the truth shows a ball (visibility 1 or 2), but none was found.
        jumps: steps from one frame to the next that are longer than a tenth of the width of the video.
        jitter: median length of the second difference of places in three frames in a row, in pixels; NaN without any.
    """

    fragments: int
    longest_gap: int
    jumps: int
    jitter: float


@dataclass(frozen=True)
class ClipResult:
    """One clip: its truth, and what was predicted.

    Attributes:
        name: of the clip.
        frames: where its pictures come from.
        size: width and height of the video, in pixels.
        fps: frames per second.
        points: (N, Q, 2) true points; NaN where unknown.
        visibility: (N,) codes of :class:`~tracknet_core.contracts.Visibility`.
        prediction: what was predicted.
        trajectory: of the prediction.
        true_trajectory: of the truth where the ball is visible, to compare with.
    """

    name: str
    frames: FrameSource
    size: Size
    fps: float
    points: FloatArray
    visibility: IntArray
    prediction: Prediction
    trajectory: Continuity
    true_trajectory: Continuity

    @cached_property
    def xy(self) -> FloatArray:
        """(N, 2) true places, each the mean of its points; NaN where unknown."""
        xy: FloatArray = self.points.mean(axis=1)
        return xy

    def __len__(self) -> int:
        """Return N, the number of frames."""
        return len(self.visibility)

    def digest(self) -> str:
        """Return a text that is the same for the same labels, and another for others."""
        return digest_of_labels(self.xy, self.visibility)


def digest_of_labels(xy: FloatArray, visibility: IntArray) -> str:
    """Return a text that is the same for the same labels, and another for others: (N, 2) places and (N,) codes."""
    places = np.where(np.isnan(xy), np.nan, xy).astype("<f4")  # one NaN of the many that there are
    return hashlib.sha256(places.tobytes() + visibility.astype("<i8").tobytes()).hexdigest()


@dataclass(frozen=True)
class SweepPoint:
    """Figures of the predictions whose score is at least ``threshold``."""

    threshold: float
    figures: Figures


class Fate(StrEnum):
    """What became of a frame under a protocol: a letter, so that those of a clip are one text."""

    FOUND = "+"  # a ball, and it was found
    NOT_FOUND = "n"  # a ball that the network did not see
    ELSEWHERE = "e"  # a ball that the network saw somewhere else
    DROPPED = "d"  # a ball that the network had found, but that the tracker or a threshold left out
    FILLED = "f"  # a ball that the network did not see, and for which a tracker made up a wrong place
    FALSE_ALARM = "x"  # no ball, and one was found
    NOTHING = "."  # no ball, and none was found
    UNCOUNTED = "-"  # the protocol does not count it

    @property
    def word(self) -> str:
        """What it is called, such as ``not found``."""
        return self.name.lower().replace("_", " ")

    @property
    def is_right(self) -> bool:
        """Whether there is nothing to complain about."""
        return self in (Fate.FOUND, Fate.NOTHING)


@dataclass(frozen=True)
class Misses:
    """What became of balls, in numbers of frames.

    What cannot be told of predictions in files is None: a ball that a tracker dropped is then in ``not_found`` or in
    ``elsewhere``, and one for which it made up a place in ``elsewhere``.

    Attributes:
        balls: all; the sum of what follows.
        found: by the rule of the protocol.
        not_found: the network did not see them, and no place is given.
        elsewhere: the network saw them somewhere else.
        dropped: the network had found them, but the tracker or a threshold left them out.
        filled: the network did not see them, and the tracker made up a wrong place.
    """

    balls: int
    found: int
    not_found: int
    elsewhere: int
    dropped: int | None
    filled: int | None

    @property
    def figures(self) -> Figures:
        """The numbers by what they are called; NaN where one is not known."""
        values = {name.replace("_", " "): value for name, value in asdict(self).items()}
        return {name: math.nan if value is None else value for name, value in values.items()}


@dataclass(frozen=True)
class MissTable:
    """What became of the balls of a protocol that counts frames.

    Attributes:
        overall: over all clips.
        visibility: over the frames of each class of visibility, by its name such as ``easy``.
        speed: over the frames of each class of speed, in pixels of the original video per frame.
        clips: of each clip, by name.
        fates: (N,) letters of :class:`Fate` for each clip, one a frame.
    """

    overall: Misses
    visibility: Mapping[str, Misses]
    speed: Mapping[str, Misses]
    clips: Mapping[str, Misses]
    fates: Mapping[str, str]


@dataclass(frozen=True)
class ProtocolResult:
    """What a protocol says.

    Attributes:
        name: of the protocol.
        rule: its rule in a sentence.
        figures: over all clips.
        clips: of each clip alone, by name.
        classes: over the frames of each class of visibility alone, by its name such as ``easy``.
        intervals: lowest and highest value of each figure in 95 of 100 draws of the clips; empty for a single clip.
        sweep: over all clips, for scores from the lowest on; empty where there are no scores.
        best: where the sweep has the highest F1, the lowest threshold of several; None without scores or F1.
        component: the protocol as a configuration writes it, ``{"name": …, parameter: value}``.
        states: what the protocol counted in each clip, by name, as numbers and lists; runs are compared by these.
    """

    name: str
    rule: str
    figures: Figures
    clips: Mapping[str, Figures]
    classes: Mapping[str, Figures]
    intervals: Mapping[str, tuple[float, float]]
    sweep: tuple[SweepPoint, ...]
    best: SweepPoint | None
    component: Mapping[str, Any]
    states: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Everything that an evaluation found.

    Attributes:
        source: the checkpoint, or the folder of predictions.
        split: the split that was scored.
        clips: the clips that were scored, in order.
        protocols: the rules, in the order in which they were asked for.
        trajectory: over all clips.
        true_trajectory: the same of the truth.
        misses: what became of the balls, by the names of the protocols that count frames.
        notes: what a reader has to know, such as clips without predictions.
        name: what this evaluation is called beside others.
        conditions: what the numbers depend on, by name.
    """

    source: str
    split: str
    clips: tuple[ClipResult, ...]
    protocols: tuple[ProtocolResult, ...]
    trajectory: Continuity
    true_trajectory: Continuity
    misses: Mapping[str, MissTable] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Evaluation {self.name or self.source}: {self.extent}>"

    @property
    def figures(self) -> dict[str, Figures]:
        """The figures of each protocol over all clips, by its name."""
        return {protocol.name: protocol.figures for protocol in self.protocols}

    @property
    def extent(self) -> str:
        """How much was scored, in words."""
        return f"{count(len(self.clips), 'clip')} of '{self.split}', {sum(map(len, self.clips))} frames"

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers for JSON; NaN is None.

        Of each frame there is the place, and a letter of :class:`Fate` for each protocol that counts frames.
        """
        plain = {
            "name": self.name,
            "source": self.source,
            "split": self.split,
            "notes": list(self.notes),
            "conditions": self.conditions,
            "protocols": {protocol.name: asdict(protocol) for protocol in self.protocols},
            "trajectory": {"predicted": asdict(self.trajectory), "true": asdict(self.true_trajectory)},
            "misses": {name: _without_fates(table) for name, table in self.misses.items()},
            "frames": {
                clip.name: {
                    "x": _rounded(clip.prediction.xy[:, 0]),
                    "y": _rounded(clip.prediction.xy[:, 1]),
                    "fates": {name: table.fates[clip.name] for name, table in self.misses.items()},
                }
                for clip in self.clips
            },
            "clips": {
                clip.name: {
                    "frames": len(clip),
                    "labels": clip.digest(),
                    "size": clip.size,
                    "fps": clip.fps,
                    "trajectory": {"predicted": asdict(clip.trajectory), "true": asdict(clip.true_trajectory)},
                }
                for clip in self.clips
            },
        }
        result: dict[str, Any] = as_plain(plain)
        return result


def _without_fates(table: MissTable) -> dict[str, Any]:
    plain = asdict(table)
    del plain["fates"]
    return plain


def _rounded(places: FloatArray) -> list[float]:
    return [round(place, PLACE_DECIMALS) for place in places.tolist()]


def as_plain(value: Any) -> Any:
    """Return dicts, lists and numbers as JSON can hold them: numbers that are not finite become None."""
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
