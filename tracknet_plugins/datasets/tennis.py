"""The tennis set of TrackNet (Huang et al. 2019): broadcast rallies as images, labelled frame by frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, RandomFrames, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, existing_root, label_frames, read_rows, read_table
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, image_files, natural_order

_LAYOUT = "game1/Clip1/Label.csv with 0000.jpg, 0001.jpg, …, and so on"
_SPLITS = ("train", "val", "test")
_COLUMNS = ("file name", "visibility", "x-coordinate", "y-coordinate")
_HEADERS = (_COLUMNS, ("file name", "visibility class", "x", "y"))  # the second as the set's description has it
_CODES = {code: Visibility(code) for code in range(4)}


def _games(*numbers: int) -> list[str]:
    """Return patterns for all clips of these games."""
    return [f"game{number}/*" for number in numbers]


@datasets.register("tennis")
class Tennis(Dataset):
    """Reads ``game*/Clip*/Label.csv`` and the images beside it; clips are called ``game1/Clip1``.

    The splits go by game. ``test`` is games 8 to 10, as in WASB (Tarashima et al. 2023), which trains on games 1 to 7.
    Here game 7 is ``val``, so that nothing is ever chosen on the games of ``test``; every other game, also one of your
    own, is ``train``. A split none of whose games is there is left out of ``splits``. Published splits, by name:

    - ``wasb``: trained on games 1 to 7, tested on 8 to 10;
    - ``tracknetv4``: the game-level split of TrackNetV4 (Raj et al. 2025), tested on games 1, 4 and 9;
    - ``totnet``: the configuration of TOTNet (2025), tested on games 9 and 10;
    - ``tracknetv5_random_frames``, ``yastrebksv_random_frames``: the repositories of those names shuffle all frames and
      train on 70 % of them. The shares are theirs; the draw is not, since theirs depends on the order of their tables.

    Columns are called ``file name,visibility,x-coordinate,y-coordinate`` or ``File Name,Visibility Class,X,Y``, in any
    order, and capitals do not count. Rows find their image by the name; an image without a row is UNLABELLED. The codes
    of the files are those of :class:`~tracknet_core.contracts.Visibility`.

    Args:
        root: the folder that holds ``game1``, ``game2``, …
        fps: frames per second of the images.

    Raises:
        DataError: there is no such folder, or no game in it.
        ValueError: ``fps`` is not positive.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {
        "wasb": {"train": _games(1, 2, 3, 4, 5, 6, 7), "test": _games(8, 9, 10)},
        "tracknetv4": {"train": _games(2, 3, 5, 6, 7, 8, 10), "test": _games(1, 4, 9)},
        "totnet": {"train": _games(1, 2, 3, 4, 5, 6, 7, 8), "test": _games(9, 10)},
        "tracknetv5_random_frames": RandomFrames({"train": 0.7, "val": 0.3}),
        "yastrebksv_random_frames": RandomFrames({"train": 0.7, "val": 0.3}),
    }

    def __init__(self, *, root: Path | None = None, fps: float = 30.0) -> None:
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 30.")
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        self._games: dict[str, list[Path]] = {split: [] for split in _SPLITS}
        games = (path for path in self._root.glob("game*") if re.fullmatch(r"game\d+", path.name) and path.is_dir())
        for game in sorted(games, key=natural_order):
            self._games[_split_of(int(game.name.removeprefix("game")))].append(game)
        if not self.splits:
            raise DataError(
                f"{self._root}: there is no folder game1, game2, … here. Set data.root to what holds {_LAYOUT}."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have games, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._games[split])

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by game and number.

        Raises:
            DataError: the split has no games here; a game has no clips, or a clip no label file or images; a label
                contradicts the images.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no game of the split '{split}' here, only of {', '.join(self.splits)}."
            )
        return LazyClips(
            {
                f"{game.name}/{folder.name}": partial(self._clip, folder)
                for game in self._games[split]
                for folder in _clip_folders(game)
            },
            source=self._root,
        )

    def _clip(self, folder: Path) -> Clip:
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here; expected 0000.jpg, 0001.jpg, …")
        frames = ImageFrames(images, fps=self._fps)
        path = folder / "Label.csv"
        numbers = {image.name: number for number, image in enumerate(images)}
        labels = []
        columns = _columns(path)
        name_of, visible, x_of, y_of = columns
        for row in read_rows(path, columns):
            name = row.text(name_of)
            if name not in numbers:
                raise DataError(
                    f"{path}:{row.line}: there is no image '{name}' in {folder}. Add it, or remove the row."
                )
            visibility = row.visibility(visible, _CODES)
            labels.append(Label(row.line, numbers[name], visibility, row.number(x_of), row.number(y_of)))
        xy, codes = label_frames(path, labels, source=folder, count=len(frames), size=frames.size)
        return Clip(f"{folder.parent.name}/{folder.name}", frames, plain_labels(xy, codes))


def _columns(path: Path) -> tuple[str, ...]:
    """Return what the columns are called in the header of a file; the published names where it has none of these."""
    header, _ = read_table(path)
    by_name = {column.casefold(): column for column in header}
    named = next((names for names in _HEADERS if by_name.keys() >= set(names)), None)
    return _COLUMNS if named is None else tuple(by_name[name] for name in named)


def _split_of(game: int) -> str:
    return {7: "val", 8: "test", 9: "test", 10: "test"}.get(game, "train")


def _clip_folders(game: Path) -> list[Path]:
    folders = sorted((path for path in game.glob("Clip*") if path.is_dir()), key=natural_order)
    if not folders:
        raise DataError(f"{game}: there is no folder Clip1, Clip2, … in this game.")
    return folders
