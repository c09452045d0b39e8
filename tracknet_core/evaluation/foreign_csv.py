"""Predictions of any program: CSV files, found for each clip by name."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from tracknet_core.contracts import Clip, clip_names
from tracknet_core.errors import DataError
from tracknet_core.evaluation.results import Prediction
from tracknet_core.labels import Row, read_table

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "frame": ("frame", "frame_num", "frame_number", "file name"),
    "visibility": ("visibility", "visible", "ball"),
    "x": ("x", "x-coordinate"),
    "y": ("y", "y-coordinate"),
    "confidence": ("confidence", "score"),
}
"""Names that a column may have in the header; capitals and the order do not count, further columns do no harm."""

_IMAGE = "file name"  # holds the name of an image file, such as 0012.jpg
_NEEDED = ("frame", "x", "y")

_IGNORED = frozenset({"csv", "video", "label", "labels"})  # folders and files of datasets that name no clip
_ENDINGS = re.compile("(?<=.)(_ball|_predict|_pred)+$")

_NETWORK_INPUT = (512, 288)  # pixels; the usual one
_GREATEST = 1e30  # of a number in a file, so that float32 holds it
_FEW = 10  # places that say nothing about their scale


def predictions_of(
    folder: Path, clips: Sequence[Clip], first_frame: Literal[0, 1] | None = None
) -> tuple[list[tuple[Clip, Prediction]], list[str]]:
    """Return the clips that ``folder`` has predictions for, and what a reader has to know.

    A file belongs to a clip if one is called like the end of the other, with folders: ``1_01_00.csv``,
    ``match1/1_01_00.csv``, ``match1_1_01_00.csv`` and ``match1/csv/1_01_00_ball.csv`` all fit ``test/match1/1_01_00``.
    Capitals, folders ``csv`` and ``video``, a file ``Label.csv`` or ``Labels.csv`` in the folder of its clip and the
    endings ``_ball``, ``_predict`` and ``_pred`` do not count. A file that is called exactly like a clip belongs to no
    other. Where several fit a clip, the one with the longest common name is taken.

    A row says that there is a ball by a visibility above 0; where there is no such column, by coordinates that are
    numbers, not negative, and not 0,0. A frame without a row has no ball, and a file may have no row at all. Where a
    frame has several rows, the surest counts. Places are pixels of the original video, and nothing is scaled.

    Args:
        folder: the CSV files, in folders or not.
        clips: of the split that is scored.
        first_frame: number of the first frame; None finds it out.

    Raises:
        DataError: there is no such folder, nothing in it fits a clip, a file fits two clips or a clip two files, or a
            row cannot be understood.
    """
    if not folder.is_dir():
        raise DataError(f"--predictions {folder}: there is no such folder. Give one that holds a CSV file per clip.")
    names = clip_names(clips)
    files = _files(folder, names)
    notes = []
    missing = [name for name in names if name not in files]
    if missing:
        notes.append(
            f"{len(missing)} of {len(names)} clips have no predictions in {folder} and are not scored: "
            f"{', '.join(missing)}."
        )
    found = [(clips[number], _read(files[name])) for number, name in enumerate(names) if name in files]
    if first_frame is None:
        first_frame, certain = _first_frame(found)
        if not certain:
            notes.append(
                f"the first frame of the predictions was taken to be number {first_frame}. "
                "Say so with --first-frame 0 or --first-frame 1."
            )
    scored = [(clip, _prediction(clip, balls, first_frame)) for clip, balls in found]
    hint = _hint_of_scale(scored)
    return scored, [*notes, *([hint] if hint else [])]


# ------------------------------------------------------------------------------------------------ finding files


def _files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Return the file of each clip that has one."""
    candidates = {
        path: _endings(path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.suffix.casefold() == ".csv" and path.is_file()
    }
    clips = {name: _endings(name) for name in names}
    exact: dict[str, list[Path]] = {endings[0]: [] for endings in clips.values()}
    others = {}
    for path, of_file in candidates.items():
        if of_file[0] in exact:
            exact[of_file[0]].append(path)
        else:
            others[path] = of_file
    files: dict[str, Path] = {}
    owner: dict[Path, str] = {}
    for name, endings in clips.items():
        fitting = exact[endings[0]] or _longest(endings, others)
        if not fitting:
            continue
        best = fitting[0]
        if len(fitting) > 1:
            raise DataError(f"{best} and {fitting[1]} both fit the clip '{name}'. Leave one of them in {folder}.")
        if best in owner:
            raise DataError(
                f"{best} fits the clips '{owner[best]}' and '{name}'. Call it after one of them, with its folder: "
                f"{folder / name}.csv."
            )
        files[name], owner[best] = best, name
    if not files:
        there = _some(path.relative_to(folder).as_posix() for path in candidates)
        raise DataError(
            f"{folder}: no CSV file here fits a clip. Files: {there}; clips: {_some(names)}. "
            f"Call a file as its clip: {folder / next(iter(names), 'clip')}.csv."
        )
    return files


def _longest(endings: Sequence[str], files: Mapping[Path, Sequence[str]]) -> list[Path]:
    """Return the files that have the longest name in common with a clip; both by what they may be called."""
    fits: dict[int, list[Path]] = defaultdict(list)
    for path, of_file in files.items():
        common = endings[0] if endings[0] in of_file else of_file[0] if of_file[0] in endings else None
        if common is not None:
            fits[len(common)].append(path)
    return fits[max(fits)] if fits else []


def _endings(name: str) -> list[str]:
    """Return the names that a clip or file may be called by, from its full name to its last part, folders joined."""
    path = PurePosixPath(name.casefold().removesuffix(".csv"))
    parts = [part for part in path.parts if part not in _IGNORED] or [path.name]
    parts[-1] = _ENDINGS.sub("", parts[-1])
    return ["_".join(parts[start:]) for start in range(len(parts))]


def _some(names: Iterable[str], most: int = 5) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f", … ({len(listed)})" if len(listed) > most else "") if listed else "none"


# ----------------------------------------------------------------------------------------------- reading rows


@dataclass(frozen=True)
class _Ball:
    """What a row says.

    Attributes:
        row: the row.
        frame: number of the frame, as the program counts.
        xy: place in pixels of the original video; None if there is no ball.
        score: NaN if the program does not say.
    """

    row: Row
    frame: int
    xy: tuple[float, float] | None
    score: float


def _read(path: Path) -> list[_Ball]:
    header, rows = read_table(path)
    by_name = {column.casefold(): column for column in header}
    columns = {
        what: next((by_name[name] for name in names if name in by_name), None) for what, names in COLUMNS.items()
    }
    missing = [what for what in _NEEDED if columns[what] is None]
    if missing:
        accepted = "; ".join(f"{what}: {', '.join(COLUMNS[what])}" for what in missing)
        raise DataError(
            f"{path}: the header lacks a column. Found: {', '.join(header) or 'none'}. It accepts, for {accepted}."
        )
    return [_ball(row, columns) for row in rows]


def _ball(row: Row, columns: Mapping[str, str | None]) -> _Ball:
    def number(what: str) -> float:
        column = columns[what]
        value = math.nan if column is None else row.number(column)
        if math.isfinite(value) and abs(value) > _GREATEST:
            raise DataError(f"{row.path}:{row.line}: {column} is '{value:g}'; expected a number below {_GREATEST:.0e}.")
        return value

    x, y = number("x"), number("y")
    has_place = math.isfinite(x) and math.isfinite(y)
    if columns["visibility"] is None:
        is_ball = has_place and x >= 0 and y >= 0 and (x, y) != (0, 0)
    else:
        is_ball = number("visibility") > 0
        if is_ball and not has_place:
            raise DataError(
                f"{row.path}:{row.line}: a ball without a place. Give it one, or set {columns['visibility']} to 0."
            )
    return _Ball(row, _frame(row, columns["frame"] or ""), (x, y) if is_ball else None, number("confidence"))


def _frame(row: Row, column: str) -> int:
    if column.casefold() != _IMAGE:
        return row.integer(column)
    stem = PurePosixPath(row.text(column)).stem
    if not stem.isdecimal():
        raise DataError(
            f"{row.path}:{row.line}: {column} is '{row.text(column)}'; expected a number, such as 0012.jpg."
        )
    return int(stem)


# ---------------------------------------------------------------------------------------- from rows to frames


def _first_frame(found: Sequence[tuple[Clip, Sequence[_Ball]]]) -> tuple[Literal[0, 1], bool]:
    """Return the number of the first frame, the same in all files, and whether it is certain."""
    numbers = [(clip, [ball.frame for ball in balls]) for clip, balls in found if balls]
    if not numbers or any(0 in of_clip for _, of_clip in numbers):
        return 0, True
    beyond = any(max(of_clip) == len(clip) for clip, of_clip in numbers)
    return (1, False) if beyond or all(1 in of_clip for _, of_clip in numbers) else (0, False)


def _prediction(clip: Clip, balls: Iterable[_Ball], first_frame: int) -> Prediction:
    xy = np.full((len(clip), 2), np.nan, np.float32)
    score = np.full(len(clip), np.nan, np.float32)
    seen: dict[int, _Ball] = {}
    for ball in balls:
        frame = ball.frame - first_frame
        if not 0 <= frame < len(clip):
            raise DataError(
                f"{ball.row.path}:{ball.row.line}: there is no frame {ball.frame}: clip '{clip.name}' has {len(clip)} "
                f"frames, {first_frame} to {len(clip) - 1 + first_frame}. Is the first frame another "
                f"(--first-frame {1 - first_frame})? Or are these predictions of another video?"
            )
        before = seen.setdefault(frame, ball)
        if before is not ball:
            if before.xy is not None and ball.xy is not None and math.isnan(before.score + ball.score):
                raise DataError(
                    f"{ball.row.path}:{ball.row.line}: frame {ball.frame} has a ball already, in line "
                    f"{before.row.line}. Remove one, or say in a column Confidence which of them is surer."
                )
            if ball.xy is None or (before.xy is not None and before.score >= ball.score):
                continue
            seen[frame] = ball
        if ball.xy is not None:
            xy[frame], score[frame] = ball.xy, ball.score
    return Prediction(xy, score)


def _hint_of_scale(scored: Sequence[tuple[Clip, Prediction]]) -> str | None:
    """Return a hint if all places look like those of another picture."""
    places = np.concatenate([prediction.xy[prediction.present] for _, prediction in scored])
    if len(places) < _FEW:
        return None
    width, height = (max(sides) for sides in zip(*(clip.frames.size for clip, _ in scored), strict=True))
    of = f"all {len(places)} places lie within"
    cure = f"but the videos have {width}x{height} pixels; nothing was scaled. Give pixels of the original video."
    if np.abs(places).max() <= 1:
        return f"{of} 0..1, as fractions of width and height do, {cure}"
    truth = np.concatenate([clip.xy for clip, _ in scored])
    lies_within = (places < _NETWORK_INPUT).all() and not (truth[np.isfinite(truth).all(axis=1)] < _NETWORK_INPUT).all()
    if lies_within and width > _NETWORK_INPUT[0]:
        return f"{of} 512x288, as pixels of a network's input do, {cure}"
    return None
