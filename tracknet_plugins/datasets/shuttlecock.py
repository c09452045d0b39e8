"""The shuttlecock set of TrackNetV2 (Sun et al. 2020), as published or as TrackNetV3 (Chen & Wang 2023) lays it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.files import regular
from tracknet_core.labels import Label, Row, existing_root, half_streak, label_frames, read_rows, streak_labels
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files, natural_order
from tracknet_plugins.datasets.shuttlecock_layout import STREAK_COLUMNS, convert

_LAYOUT = (
    "{train,val,test}/match1/csv/1_01_00_ball.csv with match1/video/1_01_00.mp4, and so on (TrackNetV3's layout), "
    "or {Professional,Amateur,Test}/match1/… (TrackNetV2's)"
)
_SPLITS = ("train", "val", "test")
_V2_FOLDERS = ("Professional", "Amateur", "Test")
_V2_VAL = {"Professional/match21", "Professional/match22", "Professional/match23", "Amateur/match3"}
_COLUMNS = ("Frame", "Visibility", "X", "Y")
_CODES = {0: Visibility.ABSENT, 1: Visibility.EASY}
_ALL_CODES = {code.value: code for code in Visibility}


@datasets.register("shuttlecock")
class Shuttlecock(Dataset):
    """Reads ``match*/csv/<rally>_ball.csv`` and the rally's pictures, below the folders of either layout.

    - TrackNetV3: ``train``, ``val`` and ``test`` are the splits; a clip is called ``train/match1/1_01_00``. Its ``val``
      is the last rally of every match of ``train``, so scenes are shared; for a split by match, name matches in
      ``data.split``.
    - TrackNetV2: ``Professional/match1`` to ``23``, ``Amateur/match1`` to ``3`` and ``Test/match1`` to ``3``; a clip is
      called ``Professional/match1/1_01_00``. ``test`` is ``Test``. The publication holds out no ``val``; here
      Professional 21 to 23 and Amateur 3 are ``val``, every other match is ``train``, so that nothing is ever chosen on
      the matches of ``test``.

    Published splits, by name: ``wasb`` trains on all 26 matches outside of the test set (of either layout);
    ``tracknetv3`` is that of the folders of TrackNetV3's layout.

    The pictures come from ``video/<rally>.mp4`` or, with ``frames="images"``, from ``frame/<rally>/0.png``, ``1.png``,
    …, whose numbers are the frame numbers. The video is the default, also where both exist: it is the original, and
    images made from it can be off by a frame.

    Where a label file has a column ``Code``, as `tracknet data convert` writes, it holds the code of
    :class:`~tracknet_core.contracts.Visibility` in place of ``Visibility``; the estimated place of an occluded ball is
    in ``HiddenX,HiddenY``, and with ``streaks`` the ends of a streak follow from ``Length,Angle`` around its middle.

    Args:
        root: the folder that holds the folders of a layout, or some of them.
        frames: where the pictures come from.
        corrected_labels: whether labels of the test set come from ``corrected_csv`` in place of ``csv``, as TrackNetV3
            scores; its repository has them in ``corrected_test_label/match*``.
        drop_frames: whether frames of the test set before and after the rally proper are UNLABELLED, and so do not
            count, as TrackNetV3 scores; ``drop_frame.json`` of the same place, copied to ``root``, says which.
        fps: frames per second of images; a video knows its own.
        streaks: whether labels are the two ends of the streak, and not its middle alone.

    Raises:
        DataError: there is no such folder, or not exactly one layout in it.
        ValueError: ``frames`` or ``fps`` is not one of the values above.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {
        "wasb": {"train": ["train/*", "val/*", "Professional/*", "Amateur/*"], "test": ["test/*", "Test/*"]},
        "tracknetv3": {"train": ["train/*"], "val": ["val/*"], "test": ["test/*"]},
    }

    def __init__(
        self,
        *,
        root: Path | None = None,
        frames: Literal["video", "images"] = "video",
        corrected_labels: bool = False,
        drop_frames: bool = False,
        fps: float = 30.0,
        streaks: bool = False,
    ) -> None:
        if frames not in ("video", "images"):
            raise ValueError(
                f"'frames' is '{frames}'; expected 'video' (<rally>.mp4) or 'images' (frame/<rally>/*.png)."
            )
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 30.")
        self._frames = frames
        self._corrected_labels = corrected_labels
        self._drop_frames = drop_frames
        self._fps = fps
        self._streaks = streaks
        self._root = existing_root(root, _LAYOUT)
        self._matches = self._find_matches()

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that are there, in the order train, val, test."""
        return tuple(self._matches)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by match and rally.

        Opening one passes over the packets of its video once, and raises DataError if labels or pictures are missing or
        contradict each other.

        Raises:
            DataError: the split is not there, it has no matches, or a match has no rallies.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no split '{split}' here. The splits here: {', '.join(self.splits)}."
            )
        if not self._matches[split]:
            raise DataError(
                f"{self._root / split}: there is no folder match1, match2, … here. Expected layout: {_LAYOUT}."
            )
        return LazyClips(
            {
                f"{match.parent.name}/{match.name}/{rally}": partial(self._clip, split, match, rally)
                for match in self._matches[split]
                for rally in self._rallies(split, match)
            },
            source=self._root,
        )

    @staticmethod
    def write(
        splits: Mapping[str, Sequence[Clip]],
        output: Path,
        *,
        frames: Literal["video", "images"],
        crf: int,
        on_clip: Callable[[str], None],
    ) -> str:
        """Write clips in TrackNetV3's layout; see :func:`.shuttlecock_layout.convert`."""
        return convert(splits, output, frames=frames, crf=crf, on_clip=on_clip).as_text()

    def _find_matches(self) -> dict[str, list[Path]]:
        """Return the matches of each split, in order."""
        # By the names in the folder: where case does not count, 'test' would find 'Test'.
        folders = {path.name: path for path in self._root.iterdir() if path.is_dir()}
        own = [folders[name] for name in _SPLITS if name in folders]
        v2 = [folders[name] for name in _V2_FOLDERS if name in folders]
        if own and v2:
            raise DataError(
                f"{self._root}: the folders of two layouts are here: {', '.join(path.name for path in (*own, *v2))}. "
                "The same match could be in two splits; leave the folders of one."
            )
        if own:
            return {folder.name: _matches(folder) for folder in own}
        if not v2:
            raise DataError(
                f"{self._root}: there is no folder train, val or test here, nor Professional, Amateur or Test. "
                f"Set data.root to what holds {_LAYOUT}."
            )
        matches: dict[str, list[Path]] = {split: [] for split in _SPLITS}
        for match in (match for folder in v2 for match in _matches(folder)):
            name = f"{match.parent.name}/{match.name}"
            matches["test" if match.parent.name == "Test" else "val" if name in _V2_VAL else "train"].append(match)
        return {split: found for split, found in matches.items() if found}

    def _rallies(self, split: str, match: Path) -> list[str]:
        """Return the names of the rallies of a match, each with labels, with pictures or, if all is well, with both."""
        folder = self._labels(split, match, "").parent
        tables = {path.name.removesuffix("_ball.csv") for path in folder.glob("[!.]*_ball.csv")}
        if self._frames == "video":
            pictures = {path.stem for path in (match / "video").glob("[!.]*.mp4")}
        else:
            pictures = {path.name for path in (match / "frame").glob("[!.]*") if path.is_dir()}
        rallies = sorted(tables | pictures, key=lambda rally: natural_order(Path(rally)))
        if not rallies:
            raise DataError(f"{match}: there are no rallies in this match. Expected layout: {_LAYOUT}.")
        return rallies

    def _labels(self, split: str, match: Path, rally: str) -> Path:
        corrected = self._corrected_labels and split == "test"
        return match / ("corrected_csv" if corrected else "csv") / f"{rally}_ball.csv"

    def _pictures(self, match: Path, rally: str) -> Path:
        return match / "video" / f"{rally}.mp4" if self._frames == "video" else match / "frame" / rally

    def _clip(self, split: str, match: Path, rally: str) -> Clip:
        path, source = self._labels(split, match, rally), self._pictures(match, rally)
        _require_both(match, path, source)
        frames: FrameSource = VideoFrames(source) if self._frames == "video" else self._images(source)
        rows = read_rows(path, _COLUMNS + STREAK_COLUMNS * self._streaks)
        labels = [_label(row) for row in rows]
        xy, visibility = label_frames(path, labels, source=source, count=len(frames), size=frames.size)
        if self._drop_frames and split == "test":
            kept = self._kept_frames(match, rally)
            dropped = np.ones(len(frames), bool)
            dropped[kept] = False
            xy[dropped], visibility[dropped] = np.nan, Visibility.UNLABELLED
        name = f"{match.parent.name}/{match.name}/{rally}"
        if not self._streaks:
            return Clip(name, frames, plain_labels(xy, visibility))
        half = np.zeros((len(frames), 2), np.float32)
        for label, row in zip(labels, rows, strict=True):
            half[label.frame] = half_streak(row, STREAK_COLUMNS, of="whole")
        return Clip(name, frames, streak_labels(xy, half, visibility))

    def _kept_frames(self, match: Path, rally: str) -> slice:
        """Return the frames of a rally that TrackNetV3 scores: from its ``start`` up to, not including, its ``end``."""
        path = self._root / "drop_frame.json"
        key = f"{match.name.removeprefix('match')}_{rally}"
        try:
            table = json.loads(regular(path).read_text(encoding="utf-8"))
            start, end = int(table["start"][key]), int(table["end"][key])
            if not 0 <= start <= end:
                raise ValueError(f"{key} is from {start} to {end}")
            return slice(start, end)
        except FileNotFoundError as error:
            raise DataError(
                f"{path}: there is no such file. Copy it from corrected_test_label/ in TrackNetV3's repository, or set "
                "data.dataset.drop_frames=false."
            ) from error
        except KeyError as error:
            raise DataError(
                f"{path}: {error} is missing; 'start' and 'end' have an entry for each rally of the test set, such as "
                f"'{key}'. Add it, or set data.dataset.drop_frames=false."
            ) from error
        except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise DataError(
                f'{path}: this file cannot be read ({error}); expected {{"start": {{"{key}": 28}}, '
                f'"end": {{"{key}": 506}}}}, in frames.'
            ) from error

    def _images(self, folder: Path) -> ImageFrames:
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here; expected 0.png, 1.png, …")
        for number, image in enumerate(images):
            if not image.stem.isdecimal() or int(image.stem) != number:
                raise DataError(
                    f"{image}: expected the image of frame {number} here; images are 0.png, 1.png, …, no gaps."
                )
        return ImageFrames(images, fps=self._fps)


def _label(row: Row) -> Label:
    """Return the label of a row; `tracknet data convert` adds columns for what the format cannot say."""
    visibility = row.visibility("Visibility", _CODES)
    if row.text("Code"):
        visibility = row.visibility("Code", _ALL_CODES)
    x, y = ("HiddenX", "HiddenY") if visibility is Visibility.OCCLUDED else ("X", "Y")
    return Label(row.line, row.integer("Frame"), visibility, row.number(x), row.number(y))


def _matches(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("match*") if path.is_dir()), key=natural_order)


def _require_both(match: Path, labels: Path, pictures: Path) -> None:
    for there, missing in ((labels, pictures), (pictures, labels)):
        if not missing.exists():
            cure = (
                "Copy it from corrected_test_label/ in TrackNetV3's repository, or set "
                "data.dataset.corrected_labels=false."
                if missing.parent.name == "corrected_csv"
                else "Add it, or remove the other."
            )
            raise DataError(f"{there} has no {missing.relative_to(match)}. {cure}")
