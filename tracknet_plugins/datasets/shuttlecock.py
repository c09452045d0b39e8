"""The shuttlecock set of TrackNetV2 (Sun et al. 2020), laid out as TrackNetV3 (Chen & Wang 2023) does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from tracknet_core.contracts import Clip, Dataset, FrameSource, Visibility
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, LazyClips, existing_root, label_frames, read_rows
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files, natural_order

_LAYOUT = "{train,val,test}/match1/csv/1_01_00_ball.csv with match1/video/1_01_00.mp4, and so on"
_SPLITS = ("train", "val", "test")
_COLUMNS = ("Frame", "Visibility", "X", "Y")
_CODES = {0: Visibility.ABSENT, 1: Visibility.EASY}


@datasets.register("shuttlecock")
class Shuttlecock(Dataset):
    """Reads ``{train,val,test}/match*/csv/<rally>_ball.csv`` and the rally's pictures.

    A clip is called ``train/match1/1_01_00``. Every label file needs its pictures and the reverse. The pictures come
    from ``video/<rally>.mp4`` or, with ``frames="images"``, from ``frame/<rally>/0.png``, ``1.png``, …, whose numbers
    are the frame numbers. The video is the default, also where both exist: it is the original, and images made from it
    can be off by a frame. ``corrected_csv`` and ``drop_frame.json`` are not read.

    Args:
        root: the folder that holds ``train``, ``val`` and ``test``, or some of them.
        frames: where the pictures come from.
        fps: frames per second of images; a video knows its own.

    Raises:
        DataError: there is no such folder, or no split in it.
        ValueError: ``frames`` or ``fps`` is not one of the values above.
    """

    def __init__(
        self, *, root: Path | None = None, frames: Literal["video", "images"] = "video", fps: float = 30.0
    ) -> None:
        if frames not in ("video", "images"):
            raise ValueError(
                f"'frames' is '{frames}'; expected 'video' (<rally>.mp4) or 'images' (frame/<rally>/*.png)."
            )
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 30.")
        self._frames = frames
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        if not self.splits:
            raise DataError(
                f"{self._root}: there is no folder train, val or test here. Set data.root to what holds {_LAYOUT}."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have a folder, in the order train, val, test."""
        return tuple(split for split in _SPLITS if (self._root / split).is_dir())

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by match and rally; this passes over the packets of its videos once.

        Raises:
            DataError: the split has no folder; a match has no rallies, or a rally only one of labels and pictures; a
                label contradicts the pictures.
        """
        folder = self._root / split
        if split not in self.splits:
            raise DataError(f"{folder}: there is no such folder. The splits here: {', '.join(self.splits)}.")
        matches = sorted((path for path in folder.glob("match*") if path.is_dir()), key=natural_order)
        if not matches:
            raise DataError(f"{folder}: there is no folder match1, match2, … here. Expected layout: {_LAYOUT}.")
        return LazyClips(
            {
                f"{split}/{match.name}/{rally}": partial(self._clip, split, match, rally)
                for match in matches
                for rally in self._rallies(match)
            }
        )

    def _rallies(self, match: Path) -> list[str]:
        """Return the names of the rallies of a match, each with labels and pictures."""
        tables = {path.name.removesuffix("_ball.csv") for path in (match / "csv").glob("[!.]*_ball.csv")}
        if self._frames == "video":
            pictures = {path.stem for path in (match / "video").glob("[!.]*.mp4")}
        else:
            pictures = {path.name for path in (match / "frame").glob("[!.]*") if path.is_dir()}
        rallies = sorted(tables | pictures, key=lambda rally: natural_order(Path(rally)))
        if not rallies:
            raise DataError(f"{match}: there are no rallies in this match. Expected layout: {_LAYOUT}.")
        lonely = [
            f"{self._labels(match, rally)} has no {self._pictures(match, rally).relative_to(match)}"
            if rally in tables
            else f"{self._pictures(match, rally)} has no {self._labels(match, rally).relative_to(match)}"
            for rally in rallies
            if rally not in tables & pictures
        ]
        if lonely:
            raise DataError("\n".join(f"{fault}. Add it, or remove the other." for fault in lonely))
        return rallies

    def _labels(self, match: Path, rally: str) -> Path:
        return match / "csv" / f"{rally}_ball.csv"

    def _pictures(self, match: Path, rally: str) -> Path:
        return match / "video" / f"{rally}.mp4" if self._frames == "video" else match / "frame" / rally

    def _clip(self, split: str, match: Path, rally: str) -> Clip:
        path, source = self._labels(match, rally), self._pictures(match, rally)
        frames: FrameSource = VideoFrames(source) if self._frames == "video" else self._images(source)
        labels = [
            Label(
                row.line,
                row.integer("Frame"),
                row.visibility("Visibility", _CODES),
                row.number("X"),
                row.number("Y"),
            )
            for row in read_rows(path, _COLUMNS)
        ]
        xy, visibility = label_frames(path, labels, source=source, count=len(frames), size=frames.size)
        return Clip(f"{split}/{match.name}/{rally}", frames, xy, visibility)

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
