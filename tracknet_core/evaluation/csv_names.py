"""Which CSV file belongs to which clip, by their names.

A file belongs to a clip if one is called like the end of the other, with folders: ``1_01_00.csv``,
``match1/1_01_00.csv``, ``match1_1_01_00.csv`` and ``match1/csv/1_01_00_ball.csv`` all fit ``test/match1/1_01_00``.
Capitals, folders such as ``csv`` and ``video``, a file ``Label.csv`` or ``results.csv`` in the folder of its clip and
the endings ``_ball``, ``_predict`` and ``_pred`` do not count. A file that is called exactly like a clip belongs to no
other. Where several fit a clip, the one with the longest common name is taken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tracknet_core.errors import DataError

_IGNORED = frozenset({"csv", "video", "label", "labels", "results"})  # folders and files that name no clip
_ENDINGS = re.compile("(?<=.)(_ball|_predict|_pred)+$", re.IGNORECASE)


def csv_files(place: Path, option: str) -> list[Path]:
    """Return the CSV files in a folder, sorted; or the one file that ``place`` is.

    Raises:
        DataError: there is no such folder or file.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise DataError(f"{option} {place}: there is no such folder. Give one that holds a CSV file per clip.")
    return [path for path in sorted(place.rglob("*")) if path.suffix.casefold() == ".csv" and path.is_file()]


def names_of(files: Sequence[Path], place: Path) -> dict[str, Path]:
    """Return the files by the names of their clips: those of the files, without what does not count.

    Args:
        files: as :func:`csv_files` gives them.
        place: what it gave them for.
    """
    folder = _folder(place)
    plain = {path: path.relative_to(folder).with_suffix("").as_posix() for path in files}
    short = {path: "/".join(_parts(name)) for path, name in plain.items()}
    chosen = short if len(set(short.values())) == len(short) else plain
    return {name: path for path, name in chosen.items()}


def files_of(place: Path, files: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """Return the file of each clip that has one.

    Args:
        place: the folder of the files, or a single one.
        files: as :func:`csv_files` gives them.
        names: of the clips.

    Raises:
        DataError: none fits a clip, a file fits two clips, or a clip two files.
    """
    folder = _folder(place)
    candidates = {path: _endings(path.relative_to(folder).as_posix()) for path in files}
    clips = {name: _endings(name) for name in names}
    exact: dict[str, list[Path]] = {endings[0]: [] for endings in clips.values()}
    others = {}
    for path, of_file in candidates.items():
        if of_file[0] in exact:
            exact[of_file[0]].append(path)
        else:
            others[path] = of_file
    found: dict[str, Path] = {}
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
        found[name], owner[best] = best, name
    if not found:
        there = _some(path.relative_to(folder).as_posix() for path in candidates)
        raise DataError(
            f"{place}: no CSV file here fits a clip. Files: {there}; clips: {_some(names)}. "
            f"Call a file as its clip: {folder / next(iter(names), 'clip')}.csv."
        )
    return found


def _longest(endings: Sequence[str], files: Mapping[Path, Sequence[str]]) -> list[Path]:
    """Return the files that have the longest name in common with a clip; both by what they may be called."""
    fits: dict[int, list[Path]] = defaultdict(list)
    for path, of_file in files.items():
        common = endings[0] if endings[0] in of_file else of_file[0] if of_file[0] in endings else None
        if common is not None:
            fits[len(common)].append(path)
    return fits[max(fits)] if fits else []


def _folder(place: Path) -> Path:
    return place.parent if place.is_file() else place


def _endings(name: str) -> list[str]:
    """Return the names that a clip or file may be called by, from its full name to its last part, folders joined."""
    parts = _parts(name.casefold().removesuffix(".csv"))
    return ["_".join(parts[start:]) for start in range(len(parts))]


def _parts(name: str) -> list[str]:
    """Return the folders and the name of a clip or file, without what does not count."""
    path = PurePosixPath(name)
    parts = [part for part in path.parts if part.casefold() not in _IGNORED] or [path.name]
    parts[-1] = _ENDINGS.sub("", parts[-1])
    return parts


def _some(names: Iterable[str], most: int = 5) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f", … ({len(listed)})" if len(listed) > most else "") if listed else "none"
