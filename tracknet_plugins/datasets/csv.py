"""Labels of your own: any videos or folders of images with CSV files whose columns the configuration names."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import replace
from functools import partial
from glob import escape
from pathlib import Path
from typing import Literal

import numpy as np

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, Size, Visibility, plain_labels, rescale
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, Row, existing_root, label_frames, read_rows
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files
from tracknet_plugins.datasets.by_match import split_by_match

_LAYOUT = "your videos or folders of images, and a CSV file for each"
_STEM = "{stem}"
_POSITIONS = ("frame", "time", "image")
_COLUMNS: dict[str, str | None] = {"frame": "frame", "x": "x", "y": "y", "visibility": "visibility"}
_LATEST = 1e6  # seconds of a clip: eleven days
_CURE = "Name yours in data.dataset.columns; if these are several columns in one, set data.dataset.separator."
_DELIMITERS = {",": ",", ";": ";", "tab": "\t"}


@datasets.register("csv")
class Csv(Dataset):
    """Reads a CSV file for each video, or folder of images, that a pattern finds.

    For example, videos ``match1/video/a.mp4`` with labels ``match1/csv/a_ball.csv`` are ``videos: "*/video/*.mp4"`` and
    ``labels: "../csv/{stem}_ball.csv"``; folders ``game1/Clip1`` of images that hold their labels are
    ``videos: "game*/Clip*"`` and ``labels: "{stem}/Label.csv"``.

    A clip is called as its video, from ``root`` on and without the suffix: ``match1/video/a``. If ``root`` holds
    folders ``train``, ``val`` or ``test`` with clips, these are the splits, and nothing else is read. Otherwise the
    splits go by match, as in ``tracknet data split``: the clips of one folder, a folder ``video`` being passed over, or
    else each clip. ``val`` is the last fifth of the matches, one at least, the others are ``train``; a single match is
    ``train``. ``data.split`` can say it otherwise.

    A frame without a row is UNLABELLED, unless ``missing_rows`` says that there is no ball. Without a column of
    visibility, a row says that there is no ball by a coordinate that is blank, NaN or negative, or by 0,0; every other
    one is visible. With it, the codes below decide alone, and a visible ball without a place inside the image is
    UNLABELLED.

    Args:
        root: the folder that holds everything.
        videos: pattern of the videos, or of the folders of images, from ``root`` on; ``*`` is any name, ``**`` any
            folders, and capitals count. Hidden files are left out.
        labels: the label file, from the folder that the video is in; ``{stem}`` is the video's name without suffix,
            or the name of the folder of images.
        columns: names of the columns in the header: ``x``, ``y``, ``visibility`` (null if there is none), and where the
            label belongs, which is one of ``frame`` (its number), ``time`` (seconds from the first frame; the nearest
            frame at a constant rate) and ``image`` (the name of an image file). Further columns do no harm.
        separator: what stands between columns; where it is no comma, a decimal comma is understood.
        first_frame: number of the first frame in the column ``frame``. Images count in natural order of their names.
        normalized: whether ``x`` and ``y`` are fractions of width and height, 0..1, and not pixels.
        label_size: width and height in pixels of the pictures that were labelled, if they differ from the video's.
        visible: codes of a ball that is well to be seen. A code is a number or a text; capitals do not count.
        hard: codes of one that is hard to see.
        occluded: codes of one that is in the image, but hidden.
        absent: codes of none in the image; ``""`` stands for a blank cell.
        missing_rows: what a frame without a row says.
        fps: frames per second of images; a video knows its own.

    Raises:
        DataError: there is no such folder, nothing that matches ``videos``, or two clips of one name.
        ValueError: a value is not one of those above.
    """

    def __init__(
        self,
        *,
        root: Path | None = None,
        videos: str = "**/*.mp4",
        labels: str = "{stem}.csv",
        columns: dict[str, str | None] = _COLUMNS,
        separator: Literal[",", ";", "tab"] = ",",
        first_frame: int = 0,
        normalized: bool = False,
        label_size: tuple[int, int] | None = None,
        visible: tuple[bool | int | str, ...] = (1,),
        hard: tuple[bool | int | str, ...] = (2,),
        occluded: tuple[bool | int | str, ...] = (3,),
        absent: tuple[bool | int | str, ...] = (0,),
        missing_rows: Literal["unlabelled", "absent"] = "unlabelled",
        fps: float = 30.0,
    ) -> None:
        _check_relative("videos", videos)
        _check_relative("labels", labels)
        if separator not in _DELIMITERS:
            raise ValueError(f"'separator' is '{separator}'; expected one of {', '.join(_DELIMITERS)}.")
        if missing_rows not in ("unlabelled", "absent"):
            raise ValueError(f"'missing_rows' is '{missing_rows}'; expected 'unlabelled' or 'absent' (no ball).")
        if label_size is not None and (normalized or min(label_size) < 1):
            raise ValueError(
                f"'label_size' is {list(label_size)}; expected width and height in pixels, at least 1, or null, which "
                "fractions (normalized=true) need."
            )
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second of the images, greater than 0.")
        self._columns = _checked_columns(columns)
        self._codes = _codes(visible=visible, hard=hard, occluded=occluded, absent=absent)
        self._separator = separator
        self._first_frame = first_frame
        self._normalized = normalized
        self._label_size = label_size
        self._missing_rows = missing_rows
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        self._videos = self._find_videos(videos)
        self._labels = labels
        self._tables = self._find_tables(labels)
        self._names = split_by_match(self._videos.keys() | self._tables.keys())

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have clips, in the order train, val, test."""
        return tuple(self._names)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, in natural order of their names.

        Opening one raises DataError if its labels or pictures are missing, or contradict each other.

        Raises:
            DataError: the split is not there.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no split '{split}' here, only {', '.join(self.splits)}. "
                f"Make a folder '{split}', or name the clips of each split in data.split."
            )
        return LazyClips({name: partial(self._clip, name) for name in self._names[split]}, source=self._root)

    def _find_videos(self, pattern: str) -> dict[str, Path]:
        """Return each video or folder of images by the name of its clip."""
        try:
            paths = sorted(self._root.glob(pattern))
        except ValueError as error:
            raise ValueError(
                f"'videos' is '{pattern}', which is no pattern ({error}); write such as '**/*.mp4'."
            ) from error
        videos: dict[str, Path] = {}
        for path in paths:
            relative = path.relative_to(self._root)
            if any(part.startswith(".") for part in relative.parts):
                continue
            name = (relative if path.is_dir() else relative.with_suffix("")).as_posix()
            if name in videos:
                raise DataError(
                    f"{path}: {videos[name].name} beside it is called '{name}' as well. Narrow data.dataset.videos, "
                    f"which is '{pattern}', so that it matches one of them."
                )
            videos[name] = path
        if not videos:
            raise DataError(
                f"{self._root}: nothing here matches data.dataset.videos='{pattern}'. It is a pattern from this folder "
                "on, such as '**/*.mp4' for all videos, or '*/frames' for folders of images."
            )
        return videos

    def _find_tables(self, template: str) -> dict[str, Path]:
        """Return where the label file of each clip has to be, also of clips that have nothing but labels."""
        places = {name: posixpath.split(name) for name in self._videos}
        tables = {
            name: self._root / posixpath.normpath(posixpath.join(folder, template.replace(_STEM, stem)))
            for name, (folder, stem) in places.items()
        }
        taken = set(tables.values())
        for folder in {folder for folder, _ in places.values()}:
            found = _files_by_stem(self._root, posixpath.normpath(posixpath.join(folder, template)))
            tables |= {posixpath.join(folder, stem): path for stem, path in found.items() if path not in taken}
        return tables

    def _elsewhere(self, table: Path, source: Path) -> str:
        """Return what to set for a label file of the right name in another folder; nothing if there is none."""
        found = next(iter(sorted(self._root.glob(f"**/{escape(table.name)}"))), None)
        if found is None:
            return ""
        folder = Path(os.path.relpath(found.parent, source.parent)).as_posix()
        return f": there is {found}, which is 'data.dataset.labels=\"{folder}/{posixpath.basename(self._labels)}\"'"

    def _clip(self, name: str) -> Clip:
        table, source = self._tables[name], self._videos.get(name)
        if source is None:
            raise DataError(
                f"{table}: there is no video or folder of images '{name}' for these labels. Add it, move them away, "
                "or set data.dataset.videos and labels."
            )
        if not table.exists():
            raise DataError(
                f"{source}: its label file {table} is not there. Add it, remove the video, or set data.dataset.labels"
                f"{self._elsewhere(table, source)}."
            )
        images = image_files(source) if source.is_dir() else []
        if source.is_dir() and not images:
            raise DataError(f"{source}: there are no images here (jpg, png). Add them, or narrow data.dataset.videos.")
        frames: FrameSource = ImageFrames(images, fps=self._fps) if images else VideoFrames(source)
        numbers = {image.name: number for number, image in enumerate(images)}
        labels = [
            self._label(row, numbers, source, frames)
            for row in read_rows(
                table, list(self._columns.values()), separator=_DELIMITERS[self._separator], cure=_CURE
            )
        ]
        xy, visibility = label_frames(table, labels, source=source, count=len(frames), size=frames.size)
        if self._missing_rows == "absent":
            is_missing = ~np.isin(np.arange(len(frames)), [label.frame for label in labels])
            visibility[is_missing] = Visibility.ABSENT
        return Clip(name, frames, plain_labels(xy, visibility))

    def _label(self, row: Row, numbers: dict[str, int], source: Path, frames: FrameSource) -> Label:
        x, y = self._number(row, "x"), self._number(row, "y")
        visibility = self._visibility(row, x, y)
        x, y = self._pixels(x, y, frames.size)
        return Label(row.line, self._frame(row, numbers, source, frames.fps), visibility, x, y)

    def _frame(self, row: Row, numbers: dict[str, int], source: Path, fps: float) -> int:
        """Return the number of the frame that a row is about, 0-based."""
        if "image" in self._columns:
            name = row.text(self._columns["image"])
            if name not in numbers:
                raise DataError(
                    f"{row.path}:{row.line}: there is no image '{name}' in {source}. Add it, or remove the row."
                )
            return numbers[name]
        if "time" in self._columns:
            seconds = self._number(row, "time")
            if not abs(seconds) <= _LATEST:
                column = self._columns["time"]
                raise DataError(
                    f"{row.path}:{row.line}: {column} is '{row.text(column)}'; expected seconds, {_LATEST:g} at most."
                )
            return round(seconds * fps)
        return row.integer(self._columns["frame"]) - self._first_frame

    def _number(self, row: Row, key: str) -> float:
        column = self._columns[key]
        if self._separator != ",":
            row = replace(row, cells={column: row.text(column).replace(",", ".")})
        return row.number(column)

    def _visibility(self, row: Row, x: float, y: float) -> Visibility:
        column = self._columns.get("visibility")
        if column is None:
            has_place = x >= 0 and y >= 0 and (x, y) != (0, 0)  # NaN compares False
            return Visibility.EASY if has_place else Visibility.ABSENT
        code = _code(row.text(column))
        if code not in self._codes:
            raise DataError(
                f"{row.path}:{row.line}: {column} is '{row.text(column)}'; expected one of {', '.join(self._codes)}. "
                "Add it to data.dataset.visible, hard, occluded or absent."
            )
        return self._codes[code]

    def _pixels(self, x: float, y: float, size: Size) -> tuple[float, float]:
        """Return a place in pixels of the original video."""
        if self._normalized:
            return x * size[0], y * size[1]
        if self._label_size is None:
            return x, y
        return rescale(x, size[0] / self._label_size[0]), rescale(y, size[1] / self._label_size[1])


def _check_relative(name: str, pattern: str) -> None:
    if not pattern or Path(pattern).is_absolute():
        raise ValueError(f"'{name}' is '{pattern}'; expected a relative path, such as '**/*.mp4' or '{_STEM}.csv'.")


def _checked_columns(columns: dict[str, str | None]) -> dict[str, str]:
    """Return the columns that there are."""
    named = {key: column for key, column in columns.items() if column is not None}
    is_known = named.keys() <= {*_POSITIONS, "x", "y", "visibility"}
    if not is_known or not {"x", "y"} <= named.keys() or len(named.keys() & {*_POSITIONS}) != 1:
        raise ValueError(
            f"'columns' names {', '.join(columns) or 'nothing'}; expected x, y, one of {', '.join(_POSITIONS)} "
            "(null for the others), and visibility if there is such a column."
        )
    return named


def _codes(**meanings: tuple[bool | int | str, ...]) -> dict[str, Visibility]:
    """Return what each code means."""
    visibilities = {
        "visible": Visibility.EASY,
        "hard": Visibility.HARD,
        "occluded": Visibility.OCCLUDED,
        "absent": Visibility.ABSENT,
    }
    codes: dict[str, Visibility] = {}
    for name, values in meanings.items():
        for code in map(_code, map(str, values)):
            if codes.setdefault(code, visibilities[name]) is not visibilities[name]:
                raise ValueError(
                    f"'{name}' has the code '{code}', which another of {', '.join(visibilities)} has too; expected each"
                    f" once. Set that one as well, such as {name}=[]."
                )
    return codes


def _code(text: str) -> str:
    """Return the one way to write a code: ``1`` for 1.0, ``true`` for True."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.casefold()


def _files_by_stem(root: Path, template: str) -> dict[str, Path]:
    """Return the files that a template finds by what stands for its ``{stem}``; none if it has no such place."""
    if _STEM not in template:
        return {}
    place = re.escape(_STEM)
    expression = re.escape(template).replace(place, "(?P<stem>[^./][^/]*)", 1).replace(place, "(?P=stem)")
    paths = root.glob("*".join(escape(part) for part in template.split(_STEM)))
    found = ((re.fullmatch(expression, path.relative_to(root).as_posix()), path) for path in sorted(paths))
    return {match["stem"]: path for match, path in found if match}
