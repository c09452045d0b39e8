"""A truth in CSV files, without any picture: clips whose frames nobody can look at, for predictions beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from tracknet_core.contracts import ArrayLabels, Clip, FloatArray, FrameSource, IntArray, Size, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.evaluation.csv_names import csv_files, files_of, names_of
from tracknet_core.evaluation.csv_rows import BallRow, read_balls
from tracknet_core.evaluation.foreign_csv import (
    FEW,
    PredictedBall,
    by_frame,
    hints_of_scale,
    predicted_balls,
    without_files,
)
from tracknet_core.evaluation.request import TrueFiles
from tracknet_core.evaluation.results import Prediction
from tracknet_core.labels import Label, label_frames, streak_labels
from tracknet_core.row_file import ends_of_streak

FirstFrame = Literal[0, 1]

_FPS = 25.0  # nobody says; times in a report are of this
_CODES = {int(code): code for code in Visibility if code is not Visibility.UNLABELLED}


def scored_by_files(
    predictions: Path, truth: TrueFiles, first_frame: FirstFrame | None = None
) -> tuple[list[tuple[Clip, Prediction]], list[str]]:
    """Return the clips that ``truth`` has, with what is predicted, and what a reader has to know.

    Each file of ``truth`` is a clip, called like it. Predictions belong to clips by their names, as :mod:`.csv_names`
    says; a single file of both belongs together. Columns of the truth have the names of those of predictions. Places
    are pixels of the video; where all of one side lie within 0..1, they are fractions of its width and height, as some
    tools write. Visibility has the codes of :class:`Visibility`; where there is no such column, a place is a ball that
    is easy to see. Lengths and angles make streaks of a clip's balls.

    A frame without a row of predictions has no ball. One without a row of the truth has no label, and is not scored.
    Both count frames alike, unless one begins with 0 and the other ends one later in every clip.

    Args:
        predictions: the folder of the CSV files, or a single one.
        truth: where the ball is.
        first_frame: number of the first frame in the predictions; None finds it out.

    Raises:
        DataError: as :func:`.predictions_of` raises it, for both; or a file of the truth has no row.
    """
    true_files = names_of(csv_files(truth.place, "--truth"), truth.place)
    if not true_files:
        raise DataError(
            f"--truth {truth.place}: there is no CSV file here. Give a folder with one per clip, or a file."
        )
    files = _predicted_files(predictions, true_files)
    rows = {name: _rows(true_files[name]) for name in files}
    truths = {name: [_label(row) for row in rows[name]] for name in files}
    streaks = {name: {row.frame: row.streak for row in rows[name] if row.streak is not None} for name in files}
    balls = {name: predicted_balls(path) for name, path in files.items()}
    notes = without_files(predictions, list(true_files), files)
    width, height = truth.size
    if _are_fractions([(label.x, label.y) for labels in truths.values() for label in labels if label.visibility > 0]):
        notes.append(f"the places of the truth are fractions, and were multiplied by {width} and {height}.")
        truths = {name: [replace(one, x=one.x * width, y=one.y * height) for one in truths[name]] for name in truths}
        streaks = {name: {} for name in files}  # of another scale along x than along y
    if _are_fractions([ball.xy for of_clip in balls.values() for ball in of_clip if ball.xy is not None]):
        notes.append(f"the places of the predictions are fractions, and were multiplied by {width} and {height}.")
        balls = {name: [_multiplied(ball, truth.size) for ball in balls[name]] for name in balls}
    first_true, first_found, certain = _first_frames(truths, balls, first_frame)
    if not certain:
        notes.append(
            f"the first frame was taken to be number {first_found} in the predictions, and {first_true} in the truth. "
            "Say so with --first-frame 0 or --first-frame 1."
        )
    scored = []
    with_row = 0
    for name in files:
        labels = [replace(label, frame=label.frame - first_true) for label in truths[name]]
        predicted = {ball.frame - first_found for ball in balls[name]}
        frames = NoPictures(name, max(predicted.union(label.frame for label in labels)) + 1, truth.size)
        path = true_files[name]
        xy, visibility = label_frames(path, labels, source=path, count=len(frames), size=truth.size)
        ends = {number - first_true: streak for number, streak in streaks[name].items()}
        clip = Clip(name, frames, _frame_labels(xy, visibility, ends))
        scored.append((clip, by_frame(clip, balls[name], first_found)))
        with_row += int((clip.visibility[list(predicted)] != Visibility.UNLABELLED).sum())
    return scored, [*notes, *_without_rows([clip for clip, _ in scored], with_row), *hints_of_scale(scored)]


def _are_fractions(places: Sequence[tuple[float, float]]) -> bool:
    """Return whether places of balls are fractions of width and height; NaN says nothing."""
    known = [place for place in places if all(map(math.isfinite, place))]
    return len(known) >= FEW and max(map(max, known)) <= 1


def _multiplied(ball: PredictedBall, size: Size) -> PredictedBall:
    return ball if ball.xy is None else replace(ball, xy=(ball.xy[0] * size[0], ball.xy[1] * size[1]), streak=None)


class NoPictures(FrameSource):
    """Frames of which nothing is known but their number and size.

    Args:
        name: of the clip, for messages.
        count: how many there are.
        size: width and height, in pixels.
    """

    fps = _FPS

    def __init__(self, name: str, count: int, size: Size) -> None:
        self._name = name
        self._count = count
        self._size = size

    @property
    def size(self) -> Size:
        """Width and height of the frames, in pixels."""
        return self._size

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._count

    def fingerprint(self) -> None:
        """Return None: there is nothing to keep in a cache."""

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[NoReturn]:
        """Refuse: there are no pictures.

        Raises:
            DataError: always.
        """
        raise DataError(f"{self._name}: there are no pictures beside a --truth.")


def _without_rows(clips: Sequence[Clip], with_row: int) -> list[str]:
    """Return notes on the frames that lack a row.

    Args:
        clips: all that are scored.
        with_row: how many frames with a label have a row in the predictions.
    """
    frames = sum(map(len, clips))
    labelled = sum(int((clip.visibility != Visibility.UNLABELLED).sum()) for clip in clips)
    notes = []
    if with_row < labelled:
        notes.append(
            f"{labelled - with_row} of {labelled} frames with a label have no row in the predictions, and count as "
            "without a ball there."
        )
    if labelled < frames:
        notes.append(f"{frames - labelled} of {frames} frames have no label in the truth, and are not scored.")
    return notes


def _predicted_files(place: Path, true_files: Mapping[str, Path]) -> dict[str, Path]:
    """Return the file of each clip that has one."""
    if place.is_file() and len(true_files) == 1:
        return dict.fromkeys(true_files, place)
    return files_of(place, csv_files(place, "--predictions"), list(true_files))


def _rows(path: Path) -> list[BallRow]:
    rows = read_balls(path)
    if not rows:
        raise DataError(f"{path}: there is no row under the header. Label the clip, or leave the file out.")
    return rows


def _label(row: BallRow) -> Label:
    """Return what a row of the truth says, frames being numbered as in the file."""
    return Label(row.row.line, row.frame, _visibility(row), *row.xy)


def _frame_labels(xy: FloatArray, visibility: IntArray, streaks: Mapping[int, tuple[float, float]]) -> ArrayLabels:
    """Return the labels of a clip: plain balls or, where a length and an angle are said of any, streaks."""
    if not streaks:
        return plain_labels(xy, visibility)
    half = np.zeros_like(xy)
    for number, streak in streaks.items():
        half[number] = ends_of_streak((0, 0), *streak)[1]
    return streak_labels(xy, half, visibility)


def _visibility(row: BallRow) -> Visibility:
    column = row.columns["visibility"]
    if column is None:
        return Visibility.EASY if row.is_ball else Visibility.ABSENT
    return row.row.visibility(column, _CODES)


def _first_frames(
    truths: Mapping[str, Sequence[Label]], balls: Mapping[str, Sequence[PredictedBall]], asked: FirstFrame | None
) -> tuple[FirstFrame, FirstFrame, bool]:
    """Return the number of the first frame in the truth and in the predictions, and whether both are certain."""
    true = {name: [label.frame for label in labels] for name, labels in truths.items()}
    found = {name: [ball.frame for ball in of_clip] for name, of_clip in balls.items() if of_clip}
    true_has_0, found_has_0 = (any(0 in one for one in numbers.values()) for numbers in (true, found))
    first_true: FirstFrame = 0
    first_found: FirstFrame = 0
    if true_has_0:
        if asked == 1 or (asked is None and not found_has_0 and _ends_later(found, true)):
            first_found = 1
    elif found_has_0 or asked == 0:
        first_true = 1 if _ends_later(true, found) else 0
    else:
        first_found, first_true = 1, 0 if _ends_later(found, true) else 1
    certain = asked is not None or not found or (true_has_0 == found_has_0 and first_true == first_found)
    return first_true, first_found, certain


def _ends_later(one: Mapping[str, Sequence[int]], other: Mapping[str, Sequence[int]]) -> bool:
    """Return whether every clip ends one frame later in ``one``."""
    shared = one.keys() & other.keys()
    return bool(shared) and all(max(one[name]) == max(other[name]) + 1 for name in shared)
