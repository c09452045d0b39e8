"""The layout of GridTrackNet (V. Korpelshoek 2023), which its labelling tool writes: one folder of images per match."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, RandomFrames, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, Row, existing_root, label_frames, read_rows
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, image_files
from tracknet_plugins.datasets.by_match import split_by_match

_LAYOUT = "match1/Labels.csv with match1/frames/0.png, 1.png, …, and so on"
_COLUMNS = ("Frame", "Visibility", "X", "Y")
_CODES = {0: Visibility.ABSENT, 1: Visibility.EASY}


@datasets.register("gridtracknet")
class GridTrackNet(Dataset):
    """Reads ``match*/Labels.csv`` and ``match*/frames/0.png``, ``1.png``, …, whose numbers are the frame numbers.

    A match is one clip, called ``match1/frames``. The tool marks a ball that is not to be seen by 0 and, where the
    person gave no place, by 0,0: that is ABSENT. With a place it is OCCLUDED, and the place an estimate.

    The splits go by match: ``val`` is the last fifth of the matches, one at least; the others are ``train``; a single
    match is ``train``. GridTrackNet itself draws 20 % of all windows, which is the published split
    ``gridtracknet_random_frames``.

    Args:
        root: the folder that holds ``match1``, ``match2``, …
        fps: frames per second of the images; the tool makes 24 to 31 of every video.

    Raises:
        DataError: there is no such folder, or no match in it.
        ValueError: ``fps`` is not positive.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {
        "gridtracknet_random_frames": RandomFrames({"train": 0.8, "val": 0.2})
    }

    def __init__(self, *, root: Path | None = None, fps: float = 30.0) -> None:
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 30.")
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        matches = {f"{path.name}/frames": path for path in self._root.glob("match*") if path.is_dir()}
        if not matches:
            raise DataError(
                f"{self._root}: there is no folder match1, match2, … here. Set data.root to what holds {_LAYOUT}."
            )
        self._matches = {split: [matches[name] for name in names] for split, names in split_by_match(matches).items()}

    @property
    def splits(self) -> tuple[str, ...]:
        """``train`` and, if there is more than one match, ``val``."""
        return tuple(self._matches)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by match.

        Opening one raises DataError if labels or images are missing or contradict each other.

        Raises:
            DataError: the split is not there.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no split '{split}' here, only {', '.join(self.splits)}. "
                "Name the matches of each split in data.split."
            )
        openers = {f"{match.name}/frames": partial(self._clip, match) for match in self._matches[split]}
        return LazyClips(openers, source=self._root)

    def _clip(self, match: Path) -> Clip:
        folder, path = match / "frames", match / "Labels.csv"
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here; expected 0.png, 1.png, …")
        for number, image in enumerate(images):
            if not image.stem.isdecimal() or int(image.stem) != number:
                raise DataError(
                    f"{image}: expected the image of frame {number} here; images are 0.png, 1.png, …, no gaps."
                )
        frames = ImageFrames(images, fps=self._fps)
        labels = [_label(row) for row in read_rows(path, _COLUMNS)]
        xy, visibility = label_frames(path, labels, source=folder, count=len(frames), size=frames.size)
        return Clip(f"{match.name}/frames", frames, plain_labels(xy, visibility))


def _label(row: Row) -> Label:
    visibility, x, y = row.visibility("Visibility", _CODES), row.number("X"), row.number("Y")
    has_place = x > 0 or y > 0  # NaN, of a blank cell, compares False
    if visibility is Visibility.ABSENT and has_place:
        visibility = Visibility.OCCLUDED
    return Label(row.line, row.integer("Frame"), visibility, x, y)
