"""The volleyball set of Ibrahim et al. (2016) with the ball labels of Perez et al. (2022), laid out as WASB does."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.files import regular
from tracknet_core.labels import Label, existing_root, label_frames
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, image_files, natural_order

_LAYOUT = "videos/0/13286/13266.jpg, … with volleyball_ball_annotation/0/13286.txt, and so on"
_SPLITS = ("train", "val", "test")
_VAL = (0, 2, 8, 12, 17, 19, 24, 26, 27, 28, 30, 33, 46, 49, 51)
_TEST = (4, 5, 9, 11, 14, 20, 21, 25, 29, 34, 35, 37, 43, 44, 45, 47)
_PUBLISHED = range(55)


@datasets.register("volleyball")
class Volleyball(Dataset):
    """Reads ``videos/<match>/<clip>/*.jpg`` and ``volleyball_ball_annotation/<match>/<clip>.txt``.

    A clip is called ``<match>/<clip>``, such as ``0/13286``. Line n of a label file is ``x y``, the place in frame n;
    the frames are the images in the order of their numbers, wherever these begin. ``0 0`` means that the ball cannot be
    seen: ABSENT. Frames after the last line are UNLABELLED.

    The splits are those of Ibrahim et al., by match: 24 for train, 15 for val, 16 for test; a match of your own is
    train. The split ``wasb`` (Tarashima et al. 2023) trains on train and val together and tests on the same 16.

    Args:
        root: the folder that holds ``videos`` and ``volleyball_ball_annotation``.
        fps: frames per second of the images; the publications give none.

    Raises:
        DataError: there is no such folder, or no clip in it.
        ValueError: ``fps`` is not positive.
    """

    published_splits: ClassVar[dict[str, PublishedSplit]] = {
        "wasb": {
            "train": [f"{match}/*" for match in _PUBLISHED if match not in _TEST],
            "test": [f"{match}/*" for match in _TEST],
        }
    }

    def __init__(self, *, root: Path | None = None, fps: float = 30.0) -> None:
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0, such as 30.")
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        pictures = {path.relative_to(self._videos) for path in self._videos.glob("*/[!.]*") if path.is_dir()}
        texts = {path.relative_to(self._labels).with_suffix("") for path in self._labels.glob("*/[!.]*.txt")}
        self._clips: dict[str, list[Path]] = {split: [] for split in _SPLITS}
        for clip in sorted(pictures | texts, key=lambda path: (natural_order(path.parent), natural_order(path))):
            self._clips[_split_of(clip.parent.name)].append(clip)
        if not self.splits:
            raise DataError(f"{self._root}: there is no clip here. Set data.root to what holds {_LAYOUT}.")

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have matches, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._clips[split])

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by match and clip; a clip lacking images or labels is an error of that clip.

        Raises:
            DataError: the split has no matches here.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no match of the split '{split}' here, only of {', '.join(self.splits)}."
            )
        openers = {clip.as_posix(): partial(self._clip, clip) for clip in self._clips[split]}
        return LazyClips(openers, source=self._root)

    @property
    def _videos(self) -> Path:
        return self._root / "videos"

    @property
    def _labels(self) -> Path:
        return self._root / "volleyball_ball_annotation"

    def _clip(self, clip: Path) -> Clip:
        folder = self._videos / clip
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here. Add them, or remove {self._labels / clip}.txt.")
        frames = ImageFrames(images, fps=self._fps)
        path = self._labels / clip.parent / f"{clip.name}.txt"
        labels = _read_labels(path)
        xy, visibility = label_frames(path, labels, source=folder, count=len(frames), size=frames.size)
        return Clip(clip.as_posix(), frames, plain_labels(xy, visibility))


def _split_of(match: str) -> str:
    number = int(match) if match.isdecimal() else None
    if number in _TEST:
        return "test"
    return "val" if number in _VAL else "train"


def _read_labels(path: Path) -> list[Label]:
    """Read the lines of a label file, one per frame.

    Raises:
        DataError: the file is missing, not text, has no lines, or one that is not two numbers.
    """
    try:
        lines = regular(path).read_text(encoding="utf-8-sig").rstrip().splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such label file. Add it, or remove the images of the clip.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: this label file cannot be read as text ({error}).") from error
    if not lines:
        raise DataError(f"{path}: this label file is empty; expected a line 'x y' for each frame.")
    return [_read_label(path, number, line) for number, line in enumerate(lines)]


def _read_label(path: Path, number: int, line: str) -> Label:
    try:
        x, y = map(float, line.split())
    except ValueError as error:
        raise DataError(f"{path}:{number + 1}: '{line}' is no place; expected 'x y' in pixels.") from error
    if x == y == 0:
        return Label(number + 1, number, Visibility.ABSENT, math.nan, math.nan)
    return Label(number + 1, number, Visibility.EASY, x, y)
