"""Predictions of any program: CSV files, found for each clip by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tracknet_core.clips import clip_names
from tracknet_core.contracts import Clip, Point
from tracknet_core.errors import DataError
from tracknet_core.evaluation.csv_names import csv_files, files_of
from tracknet_core.evaluation.csv_rows import read_balls
from tracknet_core.evaluation.results import Prediction
from tracknet_core.row_file import ends_of_streak

_NETWORK_INPUT = (512, 288)  # pixels; the usual one
FEW = 10  # places that say nothing about their scale


def predictions_of(
    place: Path, clips: Sequence[Clip], first_frame: Literal[0, 1] | None = None
) -> tuple[list[tuple[Clip, Prediction]], list[str]]:
    """Return the clips that ``place`` has predictions for, and what a reader has to know.

    Files belong to clips by their names, as :mod:`.csv_names` says.

    A row says that there is a ball by a visibility above 0; where there is no such column, by coordinates that are
    numbers, not negative, and not 0,0. A frame without a row has no ball, and a file may have no row at all. Where a
    frame has several rows, the surest counts. Places are pixels of the original video, and nothing is scaled.

    Args:
        place: the folder of the CSV files, which may have folders of its own; or a single file.
        clips: of the split that is scored.
        first_frame: number of the first frame; None finds it out.

    Raises:
        DataError: there is no such folder, nothing in it fits a clip, a file fits two clips or a clip two files, or a
            row cannot be understood.
    """
    names = clip_names(clips)
    files = files_of(place, csv_files(place, "--predictions"), names)
    found = [(clips[number], predicted_balls(files[name])) for number, name in enumerate(names) if name in files]
    notes = without_files(place, names, files)
    if first_frame is None:
        first_frame, certain = _first_frame(found)
        if not certain:
            notes.append(
                f"the first frame of the predictions was taken to be number {first_frame}. "
                "Say so with --first-frame 0 or --first-frame 1."
            )
    scored = [(clip, by_frame(clip, balls, first_frame)) for clip, balls in found]
    return scored, [*notes, *hints_of_scale(scored)]


def without_files(place: Path, names: Sequence[str], files: Iterable[str]) -> list[str]:
    """Return a note on the clips that have no predictions, if there are such clips.

    Args:
        place: where the predictions are.
        names: of all clips.
        files: names of the clips that have some.
    """
    there = set(files)
    missing = [name for name in names if name not in there]
    if not missing:
        return []
    listed = ", ".join(missing)
    return [f"{len(missing)} of {len(names)} clips have no predictions in {place} and are not scored: {listed}."]


@dataclass(frozen=True)
class PredictedBall:
    """What a row says.

    Attributes:
        where: file and line.
        line: the line.
        frame: number of the frame, as the program counts.
        xy: place in pixels of the original video; None if there is no ball.
        streak: its length in pixels and its angle in degrees; None if the program does not say.
        score: NaN if the program does not say.
        is_made: whether a tracker made the place up; None if the program does not say.
    """

    where: str
    line: int
    frame: int
    xy: tuple[float, float] | None
    streak: tuple[float, float] | None
    score: float
    is_made: bool | None

    @property
    def points(self) -> Sequence[Point]:
        """The place, or the ends of the streak; none if there is no ball."""
        if self.xy is None:
            return ()
        return (self.xy,) if self.streak is None else ends_of_streak(self.xy, *self.streak)


def predicted_balls(path: Path) -> list[PredictedBall]:
    """Return what the rows of a file say.

    Raises:
        DataError: a row cannot be understood, or says that there is a ball, but not where.
    """
    balls = []
    for row in read_balls(path):
        if row.is_ball and not row.has_place:
            raise DataError(
                f"{row.where}: a ball without a place. Give it one, or set {row.columns['visibility']} to 0."
            )
        xy = row.xy  # read even where there is no ball, so that what is no number is told
        place, streak = (xy, row.streak) if row.is_ball else (None, None)
        balls.append(PredictedBall(row.where, row.row.line, row.frame, place, streak, row.score, row.is_made))
    return balls


def _first_frame(found: Sequence[tuple[Clip, Sequence[PredictedBall]]]) -> tuple[Literal[0, 1], bool]:
    """Return the number of the first frame, the same in all files, and whether it is certain."""
    numbers = [(clip, [ball.frame for ball in balls]) for clip, balls in found if balls]
    if not numbers or any(0 in of_clip for _, of_clip in numbers):
        return 0, True
    beyond = any(max(of_clip) == len(clip) for clip, of_clip in numbers)
    return (1, False) if beyond or all(1 in of_clip for _, of_clip in numbers) else (0, False)


def by_frame(clip: Clip, balls: Iterable[PredictedBall], first_frame: int) -> Prediction:
    """Return what is predicted in each frame of a clip.

    Args:
        clip: the clip.
        balls: the rows.
        first_frame: number of the first frame, as they count.

    Raises:
        DataError: there is no such frame, or a frame has several balls, none of which is said to be surer.
    """
    points: dict[int, Sequence[Point]] = {}
    score = np.full(len(clip), np.nan, np.float32)
    made: dict[int, bool | None] = {}
    seen: dict[int, PredictedBall] = {}
    for ball in balls:
        frame = ball.frame - first_frame
        if not 0 <= frame < len(clip):
            raise DataError(
                f"{ball.where}: there is no frame {ball.frame}: clip '{clip.name}' has {len(clip)} "
                f"frames, {first_frame} to {len(clip) - 1 + first_frame}. Is the first frame another "
                f"(--first-frame {1 - first_frame})? Or are these predictions of another video?"
            )
        before = seen.setdefault(frame, ball)
        if before is not ball:
            if before.xy is not None and ball.xy is not None and math.isnan(before.score + ball.score):
                raise DataError(
                    f"{ball.where}: frame {ball.frame} has a ball already, in line "
                    f"{before.line}. Remove one, or say in a column Confidence which of them is surer."
                )
            if ball.xy is None or (before.xy is not None and before.score >= ball.score):
                continue
            seen[frame] = ball
        if ball.xy is not None:
            points[frame], score[frame], made[frame] = ball.points, ball.score, ball.is_made
    if any(is_made is None for is_made in made.values()):
        return Prediction.of(points, score)
    return Prediction.of(points, score, np.isin(np.arange(len(clip)), [frame for frame in made if made[frame]]))


def hints_of_scale(scored: Sequence[tuple[Clip, Prediction]]) -> list[str]:
    """Return a hint if all places look like those of another picture."""
    places = np.concatenate([prediction.xy[prediction.present] for _, prediction in scored])
    if len(places) < FEW:
        return []
    width, height = (max(sides) for sides in zip(*(clip.frames.size for clip, _ in scored), strict=True))
    of = f"all {len(places)} places lie within"
    cure = f"but the videos have {width}x{height} pixels; nothing was scaled. Give pixels of the original video."
    if np.abs(places).max() <= 1:
        return [f"{of} 0..1, as fractions of width and height do, {cure}"]
    truth = np.concatenate([clip.xy for clip, _ in scored])
    lies_within = (places < _NETWORK_INPUT).all() and not (truth[np.isfinite(truth).all(axis=1)] < _NETWORK_INPUT).all()
    if lies_within and width > _NETWORK_INPUT[0]:
        return [f"{of} 512x288, as pixels of a network's input do, {cure}"]
    return []
