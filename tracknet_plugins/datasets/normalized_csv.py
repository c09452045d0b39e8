"""Videos or images with a CSV beside them whose coordinates are fractions: what several small labelling tools write."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, Size, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, Row, existing_root, label_frames, read_rows
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files
from tracknet_plugins.datasets.by_match import split_by_match

_LAYOUT = "videos (mp4, mov, avi, mkv, m4v) or folders of images, each with a CSV of the same name beside it"
_VIDEOS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v"})
_APART = frozenset({"video", "videos", "frames", "images", "label", "labels", "csv", "csvs"})
_HEADERS = {"frame_num": "visible", "Frame": "Ball"}  # the column of the frame, and that of the code
_CODES = {
    "flag": {0: Visibility.ABSENT, 1: Visibility.EASY},
    # TrackNet's labelling tool by M. Subocz; motion is a ball that is blurred, and 3 one that is not in play.
    "enum": {0: Visibility.EASY, 1: Visibility.OCCLUDED, 2: Visibility.HARD, 3: Visibility.UNLABELLED},
}


@datasets.register("normalized_csv")
class NormalizedCsv(Dataset):
    """Reads videos, or folders of images, and the CSV files beside them, x and y being fractions of width and height.

    The header tells the variants apart, in any order of the columns: ``frame_num,x,y,visible`` and
    ``frame_num,visible,x,y``, or ``Frame,Ball,x,y``. Frames count from 0, images in the natural order of their names. A
    frame without a row is UNLABELLED.
    The tools divide the pixel that was clicked by width or height, so the product is that pixel again.

    The CSV of ``a.mp4``, or of the folder ``a`` of images, is ``a.csv`` or ``a.mp4.csv``, in the same folder or, where
    the videos are in a folder ``videos``, the images in ``frames`` or ``images``, in its neighbour ``labels``, ``csvs``
    or ``csv``. A clip is called as its video, from ``root`` on, without such a folder and the suffix: ``match1/a``. A
    video goes before images of its name, and images without a CSV are no clip.

    If ``root`` holds folders ``train``, ``val`` or ``test`` with clips, these are the splits, and nothing else is read.
    Otherwise the splits go by match, the clips of a folder, as in ``tracknet data split``: ``val`` is the last fifth of
    the matches in natural order, one at least, the others are ``train``; a single match is ``train``.

    Args:
        root: the folder that holds everything.
        visible: what the column ``visible`` (or ``Ball``) holds. ``flag``: 1 for a ball, 0 for none. ``enum``: 0 for a
            visible ball, 1 for an occluded one, 2 for one blurred by motion (here: HARD), 3 for one that is not in play
            (here: UNLABELLED); there, a ball is absent if both of x and y are 0, or if one is negative.
        fps: frames per second of images; a video knows its own.

    Raises:
        DataError: there is no such folder, no CSV or nothing to see in it, or two files of one name.
        ValueError: ``visible`` is not one of the values above, or ``fps`` is not positive.
    """

    def __init__(
        self, *, root: Path | None = None, visible: Literal["flag", "enum"] = "flag", fps: float = 30.0
    ) -> None:
        if visible not in _CODES:
            raise ValueError(
                f"'visible' is '{visible}'; expected 'flag' (1 is a ball, 0 is none) or 'enum' (0 visible, 1 occluded, "
                "2 motion)."
            )
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second of the images, greater than 0.")
        self._visible = visible
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        self._tables = _files_by_name(self._root, frozenset({".csv"}))
        videos = _files_by_name(self._root, _VIDEOS)
        self._sources = _image_folders(self._root, self._tables.keys() - videos.keys()) | videos
        names = self._sources.keys() | self._tables.keys()
        if not names:
            raise DataError(f"{self._root}: there is no video or CSV here. Set data.root to what holds {_LAYOUT}.")
        if not self._sources:
            example = next(iter(self._tables.values()))
            raise DataError(
                f"{self._root}: there is no video, and no folder of images that is called like one of the "
                f"{len(self._tables)} CSV files here, such as {example}. Add them, or set data.root to what holds "
                f"{_LAYOUT}."
            )
        self._names = split_by_match(names)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have clips, in the order train, val, test."""
        return tuple(self._names)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, in natural order of their names.

        Opening one raises DataError if its video or labels are missing, or contradict each other.

        Raises:
            DataError: the split is not there.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no split '{split}' here, only {', '.join(self.splits)}. "
                f"Make a folder '{split}', or name the clips of each split in data.split."
            )
        return LazyClips({name: partial(self._clip, name) for name in self._names[split]}, source=self._root)

    def _clip(self, name: str) -> Clip:
        source, table = self._sources.get(name), self._tables.get(name)
        if source is None or table is None:
            there, missing = (table, "video") if source is None else (source, "CSV")
            raise DataError(f"{there}: there is no {missing} of that name. Add it beside, or remove this one.")
        frames: FrameSource = (
            ImageFrames(image_files(source), fps=self._fps) if source.is_dir() else VideoFrames(source)
        )
        rows = read_rows(table, ("x", "y"))
        header = dict.fromkeys(column for row in rows for column in row.cells)
        columns = next(((frame, code) for frame, code in _HEADERS.items() if {frame, code} <= header.keys()), None)
        if columns is None:
            raise DataError(
                f"{table}: the header has {', '.join(header)}; expected 'frame_num' and 'visible', or 'Frame' and "
                "'Ball', beside 'x' and 'y'. For other columns there is the dataset 'csv'."
            )
        labels = [self._label(row, *columns, frames.size) for row in rows]
        xy, visibility = label_frames(table, labels, source=source, count=len(frames), size=frames.size)
        return Clip(name, frames, plain_labels(xy, visibility))

    def _label(self, row: Row, frame: str, code: str, size: Size) -> Label:
        x, y = row.number("x"), row.number("y")
        for column, value in (("x", x), ("y", y)):
            if value > 2:  # a place far outside of the image: pixels
                raise DataError(
                    f"{row.path}:{row.line}: {column} is '{row.text(column)}'; expected a fraction, 0 to 1. For pixels "
                    "there is the dataset 'csv'."
                )
        visibility = row.visibility(code, _CODES[self._visible])
        if self._visible == "enum" and (min(x, y) < 0 or x == y == 0):
            visibility = Visibility.ABSENT
        if visibility is Visibility.UNLABELLED:
            x = y = float("nan")
        return Label(row.line, row.integer(frame), visibility, x * size[0], y * size[1])


def _files_by_name(root: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    """Return the files with these suffixes by the name of their clip."""
    files: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.suffix.lower() not in suffixes or any(part.startswith(".") for part in relative.parts):
            continue
        name = _clip_name(relative)
        if name in files:
            raise DataError(f"{path}: {files[name]} stands for the clip '{name}' as well. Remove or rename one.")
        files[name] = path
    return files


def _image_folders(root: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return the folders of images that are called like one of ``names`` by these."""
    wanted = set(names)
    folders = [path for path in sorted(root.rglob("*")) if path.is_dir()] if wanted else []
    named = {_clip_name(path.relative_to(root)): path for path in folders}
    return {name: path for name, path in named.items() if name in wanted and image_files(path)}


def _clip_name(relative: Path) -> str:
    while relative.suffix.lower() in {*_VIDEOS, ".csv"}:
        relative = relative.with_suffix("")
    folder = relative.parent.parent if relative.parent.name.lower() in _APART else relative.parent
    return (folder / relative.name).as_posix()
