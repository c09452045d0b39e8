"""The table-tennis set of BlurBall (Gossard et al. 2026): the ball is the centre of its streak of motion blur."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, existing_root, half_streak, label_frames, read_rows, streak_labels
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files, natural_order

_LAYOUT = "00/rallies_videos/001.mp4 with 00/csv/001.csv (or all_csv_annotations/00_csv_001.csv), and so on"
_SPLITS = ("train", "val", "test")
_VIDEO_FOLDERS = ("rallies_videos", "videos_rallies")  # both spellings are in the published archive
_ALL_LABELS = "all_csv_annotations"
_COLUMNS = ("Frame", "Visibility", "X", "Y")
_STREAK_COLUMNS = ("l", "theta")
_CODES = {0: Visibility.ABSENT, 1: Visibility.EASY}


@datasets.register("blurball")
class BlurBall(Dataset):
    """Reads the rallies of the matches ``00`` to ``25``; a clip is called ``00/001``.

    The pictures are ``<match>/rallies_videos/<rally>.mp4`` or, with ``frames="images"``, what BlurBall's own tool makes
    from them: ``<match>/frames/<rally>/00000.png``, …, whose numbers are the frame numbers. The labels are
    ``<match>/csv/<rally>.csv`` or, as the archive comes, ``all_csv_annotations/<match>_csv_<rally>.csv``. Frame numbers
    start at 0. ``X`` and ``Y`` are the middle of the streak, where other sets label its leading end. With ``streaks``
    the ends are ``l`` (pixels, half of the length) from it in the direction ``theta`` (degrees, y pointing down) and in
    the opposite one; without a length the ball stands still.

    The splits go by match: ``test`` is 22 to 25, as published; ``val`` is 20 and 21, so that nothing is chosen on the
    matches of ``test``; every other match is ``train``. The published split, ``data.split=blurball``, has no ``val``,
    and its ``train`` lacks match 14: the authors' list names 13 twice.

    Args:
        root: the folder that holds ``00``, ``01``, …, or the folder ``matches`` that does.
        frames: where the pictures come from.
        fps: frames per second of images; a video knows its own.
        streaks: whether labels are the two ends of the streak, and not its middle alone.

    Raises:
        DataError: there is no such folder, or no match in it.
        ValueError: ``frames`` or ``fps`` is not one of the values above.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {
        "blurball": {"train": ["0[0-9]/*", "1[0-35-9]/*", "2[01]/*"], "test": ["2[2-5]/*"]}
    }

    def __init__(
        self,
        *,
        root: Path | None = None,
        frames: Literal["video", "images"] = "video",
        fps: float = 30.0,
        streaks: bool = False,
    ) -> None:
        if frames not in ("video", "images"):
            raise ValueError(
                f"'frames' is '{frames}'; expected 'video' (<rally>.mp4) or 'images' (frames/<rally>/*.png)."
            )
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second of the images, greater than 0.")
        self._frames = frames
        self._fps = fps
        self._streaks = streaks
        root = existing_root(root, _LAYOUT)
        self._root = root / "matches" if (root / "matches").is_dir() else root
        self._matches: dict[str, list[Path]] = {split: [] for split in _SPLITS}
        folders = (path for path in self._root.iterdir() if re.fullmatch(r"\d\d", path.name) and path.is_dir())
        for match in sorted(folders):
            self._matches[_split_of(int(match.name))].append(match)
        if not self.splits:
            raise DataError(f"{self._root}: there is no match 00, 01, … here. Set data.root to what holds {_LAYOUT}.")

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have matches, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._matches[split])

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by match and rally.

        A rally that lacks its labels or its pictures is among them, and an error when it is opened.

        Raises:
            DataError: no match of the split is here, or one has no rally.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no match of the split '{split}', only of {', '.join(self.splits)}."
            )
        return LazyClips(
            {
                f"{match.name}/{rally}": partial(self._clip, match, rally)
                for match in self._matches[split]
                for rally in self._rallies(match)
            },
            source=self._root,
        )

    def _rallies(self, match: Path) -> list[str]:
        """Return the names of the rallies that have labels, pictures or both."""
        prefix = f"{match.name}_csv_"
        names = {path.stem for path in (match / "csv").glob("[!.]*.csv")}
        names |= {path.stem.removeprefix(prefix) for path in (self._root / _ALL_LABELS).glob(f"{prefix}*.csv")}
        if self._frames == "video":
            names |= {path.stem for folder in _VIDEO_FOLDERS for path in (match / folder).glob("[!.]*.mp4")}
        else:
            names |= {path.name for path in (match / "frames").glob("[!.]*") if path.is_dir()}
        if not names:
            raise DataError(f"{match}: there are no rallies in this match. Expected layout: {_LAYOUT}.")
        return sorted(names, key=lambda name: natural_order(Path(name)))

    def _clip(self, match: Path, rally: str) -> Clip:
        path = self._existing("label file", match / "csv" / f"{rally}.csv", self._collected(match, rally))
        if self._frames == "video":
            source = self._existing("video", *(match / folder / f"{rally}.mp4" for folder in _VIDEO_FOLDERS))
            frames: FrameSource = VideoFrames(source)
        else:
            source = match / "frames" / rally
            frames = self._images(source)
        rows = read_rows(path, _COLUMNS + _STREAK_COLUMNS * self._streaks)
        labels = [
            Label(
                row.line,
                row.integer("Frame"),
                row.visibility("Visibility", _CODES),
                row.number("X"),
                row.number("Y"),
            )
            for row in rows
        ]
        xy, visibility = label_frames(path, labels, source=source, count=len(frames), size=frames.size)
        if not self._streaks:
            return Clip(f"{match.name}/{rally}", frames, plain_labels(xy, visibility))
        half = np.zeros((len(frames), 2), np.float32)
        for label, row in zip(labels, rows, strict=True):
            half[label.frame] = half_streak(row, _STREAK_COLUMNS, of="half")
        return Clip(f"{match.name}/{rally}", frames, streak_labels(xy, half, visibility))

    def _collected(self, match: Path, rally: str) -> Path:
        return self._root / _ALL_LABELS / f"{match.name}_csv_{rally}.csv"

    def _existing(self, what: str, *places: Path) -> Path:
        for place in places:
            if place.is_file():
                return place
        raise DataError(f"{places[0]}: there is no such {what}, nor {places[1]}. Add it, or remove the rally.")

    def _images(self, folder: Path) -> ImageFrames:
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here; expected 00000.png, 00001.png, …")
        for number, image in enumerate(images):
            if not image.stem.isdecimal() or int(image.stem) != number:
                raise DataError(
                    f"{image}: expected the image of frame {number} here; images are 00000.png, 00001.png, …, no gaps."
                )
        return ImageFrames(images, fps=self._fps)


def _split_of(match: int) -> str:
    if match in (20, 21):
        return "val"
    return "test" if 22 <= match <= 25 else "train"
