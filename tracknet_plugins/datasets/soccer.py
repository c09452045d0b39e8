"""The ball of the ISSIA-CNR set (D'Orazio et al. 2009), labelled in CVAT by Tarashima et al. (2023, WASB)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, existing_root
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, VideoFrames, image_files, natural_order
from tracknet_plugins.datasets.cvat_xml import Shape, image_numbers, label_marked, position_of, read_annotations

_LAYOUT = "annos/ID-1.xml with frames/ID-1/00000.png, … or videos/ID-1.avi, and so on"
_SPLITS = ("train", "val", "test")


@datasets.register("soccer")
class Soccer(Dataset):
    """Reads ``annos/ID-n.xml`` and the pictures of camera n; the clip is called ``ID-n``.

    The pictures are ``frames/ID-n/00000.png``, …, whose names are frame numbers, 0-based; where that folder is not
    there, ``videos/ID-n.avi``, which is slow to read, since such a file has no times to jump to.

    Several balls are marked. The one that counts is inside the frame and has the attribute ``used_in_game`` = 1;
    occluded, it is OCCLUDED. A frame without one is ABSENT.

    The six cameras film the same minutes of one match from different sides. ``test`` is ID-5 and ID-6, as in the split
    ``wasb``, which trains on ID-1 to ID-4; here ID-4 is ``val``, and any other camera ``train``.

    Args:
        root: the folder that holds ``annos`` and ``frames`` or ``videos``.
        fps: frames per second of images; the published set has 25. A video knows its own.

    Raises:
        DataError: there is no such folder, or no camera in it.
        ValueError: ``fps`` is not positive.
    """

    published_splits: ClassVar[dict[str, PublishedSplit]] = {
        "wasb": {"train": ["ID-1", "ID-2", "ID-3", "ID-4"], "test": ["ID-5", "ID-6"]}
    }

    def __init__(self, *, root: Path | None = None, fps: float = 25.0) -> None:
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 25.")
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        paths = [
            *self._root.glob("annos/ID-*.xml"),
            *self._root.glob("videos/ID-*.avi"),
            *(path for path in self._root.glob("frames/ID-*") if path.is_dir()),
        ]
        names = sorted({path.with_suffix("").name for path in paths}, key=lambda name: natural_order(Path(name)))
        self._names = {split: [name for name in names if _split_of(name) == split] for split in _SPLITS}
        if not self.splits:
            raise DataError(f"{self._root}: there is no camera here. Set data.root to what holds {_LAYOUT}.")

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have cameras, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._names[split])

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by camera; a clip lacking pictures or labels is an error of that clip.

        Raises:
            DataError: the split has no cameras here.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no camera of the split '{split}' here, only of {', '.join(self.splits)}."
            )
        return LazyClips({name: partial(self._clip, name) for name in self._names[split]}, source=self._root)

    def _clip(self, name: str) -> Clip:
        path = self._root / "annos" / f"{name}.xml"
        shapes = _read_shapes(path)
        folder, video = self._root / "frames" / name, self._root / "videos" / f"{name}.avi"
        source = folder if folder.is_dir() else video
        frames: FrameSource
        if source == folder:
            images = image_files(folder)
            if not images:
                raise DataError(f"{folder}: there are no images here. Add them, or remove the folder to read {video}.")
            frames = ImageFrames(images, fps=self._fps)
            positions = image_numbers(images)
            numbers = [
                position_of(shape.frame, positions, path=path, line=shape.line, folder=folder) for shape in shapes
            ]
        else:
            frames = VideoFrames(video)
            numbers = [shape.frame for shape in shapes]
        labels = [
            Label(shape.line, number, Visibility.OCCLUDED if shape.occluded else Visibility.EASY, *shape.points[0])
            for shape, number in zip(shapes, numbers, strict=True)
        ]
        xy, visibility = label_marked(path, labels, source=source, frames=frames)
        return Clip(name, frames, plain_labels(xy, visibility))


def _split_of(name: str) -> str:
    return {"ID-4": "val", "ID-5": "test", "ID-6": "test"}.get(name, "train")


def _read_shapes(path: Path) -> list[Shape]:
    """Return the marks of the ball that is in play."""
    shapes = [shape for track in read_annotations(path).tracks for shape in track.shapes if shape.kind == "points"]
    return [shape for shape in shapes if not shape.outside and _is_used_in_game(path, shape)]


def _is_used_in_game(path: Path, shape: Shape) -> bool:
    value = shape.attributes.get("used_in_game")
    if value not in ("0", "1"):
        found = "is missing" if value is None else f"is '{value}'"
        raise DataError(f"{path}:{shape.line}: the attribute used_in_game {found}; expected 0 or 1.")
    return value == "1"
