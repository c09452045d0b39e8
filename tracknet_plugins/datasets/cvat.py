"""Labels made in CVAT, beside the videos or images that they were made on."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, existing_root
from tracknet_core.registry import datasets
from tracknet_core.video import IMAGE_SUFFIXES, ImageFrames, VideoFrames, image_files, natural_order
from tracknet_plugins.datasets.cvat_xml import Annotations, Shape, label_marked, read_annotations

_LAYOUT = "game1/rally1.xml with game1/rally1.mp4, or game1/rally1/annotations.xml with game1/rally1/images"
_SPLITS = ("train", "val", "test")
_VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")
_EXPORTED = re.compile(r"frame_(\d{1,9})")  # how CVAT names the frames of a video


@datasets.register("cvat")
class CVAT(Dataset):
    """Reads exports of "CVAT for video 1.1" and "CVAT for images 1.1", one of a task or job per clip.

    The clip ``game1/rally1`` has its labels in ``game1/rally1.xml`` or, as CVAT packs them, in
    ``game1/rally1/annotations.xml``. Its pictures are the video ``game1/rally1.mp4`` (or mov, mkv, avi, webm, m4v) or,
    where there is none, the images in ``game1/rally1/images`` or ``game1/rally1``. If there are folders ``train``,
    ``val`` or ``test``, these are the splits; if not, all is ``train``, and ``data.split`` sets some aside, such as
    ``{train: [game1/*], val: [game2/*]}``.

    The place of the ball is a point, or the centre of a box or ellipse. CVAT counts from the corner of the first pixel,
    which is half a pixel before its centre; this is corrected. An occluded ball is OCCLUDED.

    * For video, the number of a frame is that in the original video, or the position among the images; images called
      ``frame_000012.png`` are numbered by name, as CVAT exports them. A frame that was shown in CVAT, but where no
      track is inside the frame, is ABSENT. Frames that were not shown (before the first, after the last, between steps)
      are UNLABELLED; so are those that a track passes over without a mark, as in files with key frames only.
    * For images, frames are found by the name of the image, with or without the folder that all of them have in CVAT.
      One without a mark is ABSENT, one that is not listed UNLABELLED.

    Args:
        root: the folder that holds the labels and the pictures.
        label: name of the ball's label in CVAT.
        fps: frames per second of images; a video knows its own.

    Raises:
        DataError: there is no such folder, or no label file in it.
        ValueError: ``label`` is blank, or ``fps`` not positive.
    """

    def __init__(self, *, root: Path | None = None, label: str = "ball", fps: float = 30.0) -> None:
        if not label.strip():
            raise ValueError("'label' is blank; expected the name of the ball's label in CVAT, such as 'ball'.")
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0, such as 30.")
        self._label = label
        self._fps = fps
        self._root = existing_root(root, _LAYOUT)
        folders = [split for split in _SPLITS if (self._root / split).is_dir()]
        found = {split: _find_clips(self._root / split) for split in folders} or {"train": _find_clips(self._root)}
        self._places = {split: places for split, places in found.items() if places}
        if not any(_label_files(place) for places in self._places.values() for place in places):
            raise DataError(
                f"{self._root}: there is no label file (*.xml) here. Set data.root to what holds {_LAYOUT}."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have clips, in the order train, val, test; ``("train",)`` without such folders."""
        return tuple(self._places)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by name; a clip lacking pictures or labels is an error of that clip.

        Raises:
            DataError: there is no such split.
        """
        if split not in self._places:
            raise DataError(
                f"{self._root}: there is no split '{split}' here. The splits here: {', '.join(self.splits)}."
            )
        openers = {self._name(place): partial(self._clip, place) for place in self._places[split]}
        return LazyClips(openers, source=self._root)

    def _name(self, place: Path) -> str:
        return self._root.resolve().name if place == self._root else place.relative_to(self._root).as_posix()

    def _clip(self, place: Path) -> Clip:
        files = _label_files(place)
        if len(files) != 1:
            raise DataError(
                f"{place}: expected one label file, {place.name}.xml or {place.name}/annotations.xml; "
                f"found: {' and '.join(str(path.relative_to(place.parent)) for path in files) or 'none'}. "
                "Add it, or take the pictures away."
            )
        (path,) = files
        annotations = read_annotations(path)
        if self._label not in annotations.labels:
            found = ", ".join(sorted(annotations.labels)) or "none"
            raise DataError(
                f"{path}: there is no label '{self._label}' here. The labels here: {found}. "
                "Set data.dataset.label to the name of the ball's label."
            )
        source, frames, names = self._pictures(place, path)
        _check_size(path, annotations, source, frames)
        if annotations.images:
            labels, absent = self._labels_of_images(path, annotations, names, source)
        else:
            labels, absent = self._labels_of_tracks(path, annotations, _frame_numbers(names), source)
        xy, visibility = label_marked(path, labels, source=source, frames=frames, absent=absent)
        return Clip(self._name(place), frames, plain_labels(xy, visibility))

    def _pictures(self, place: Path, path: Path) -> tuple[Path, FrameSource, list[str]]:
        """Return the video or folder, its frames, and the name of each frame as CVAT has it."""
        for suffix in _VIDEO_SUFFIXES:
            video = place.parent / f"{place.name}{suffix}"  # not with_name, since the place may be the current folder
            if video.is_file():
                frames = VideoFrames(video)
                return video, frames, [f"frame_{number:06d}" for number in range(len(frames))]
        for folder in (place / "images", place):
            images = image_files(folder)
            if images:
                return folder, ImageFrames(images, fps=self._fps), [image.name for image in images]
        raise DataError(
            f"{path}: there are no pictures for these labels. Add the video {place.name}.mp4 or the images "
            f"{place.name}/images/*.png to {place.parent}, or remove the labels."
        )

    def _labels_of_tracks(
        self, path: Path, annotations: Annotations, numbers: list[int], source: Path
    ) -> tuple[list[Label], npt.NDArray[np.bool_]]:
        """Return what tracks mark, and (N,) the frames whose silence means that there is no ball."""
        positions = {number: position for position, number in enumerate(numbers)}
        labels = []
        frames = np.array(numbers)
        absent = (frames >= annotations.start) & ((frames - annotations.start) % annotations.step == 0)
        if annotations.stop is not None:
            absent &= frames <= annotations.stop
        for track in annotations.tracks:
            if track.label != self._label or not track.shapes:
                continue
            shapes = sorted(track.shapes, key=lambda shape: shape.frame)
            ends = [*(shape.frame for shape in shapes[1:]), numbers[-1] + 1]
            for shape, end in zip(shapes, ends, strict=True):
                if shape.outside:
                    continue
                if shape.frame not in positions:
                    raise DataError(
                        f"{path}:{shape.line}: a label for frame {shape.frame}, but {source} has the frames "
                        f"{numbers[0]} to {numbers[-1]} ({len(numbers)}). Use the pictures that were labelled."
                    )
                labels.append(self._read(path, shape, positions[shape.frame]))
                absent[positions[shape.frame] : np.searchsorted(frames, end)] = False
        return labels, absent

    def _labels_of_images(
        self, path: Path, annotations: Annotations, names: list[str], source: Path
    ) -> tuple[list[Label], npt.NDArray[np.bool_]]:
        """Return what is marked on images, and (N,) the images that are listed."""
        positions = {name: position for position, name in enumerate(names)}
        stems = {Path(name).stem: position for position, name in enumerate(names)}
        # CVAT lists images with their folders in its storage, which a copy of one of them lies in no longer.
        is_one_folder = len({PurePosixPath(image.name).parent for image in annotations.images}) == 1
        labels = []
        absent = np.zeros(len(names), bool)
        for image in annotations.images:
            name = PurePosixPath(image.name).name if is_one_folder else image.name
            # CVAT names the frames of a video with or without a suffix.
            position = positions.get(name, stems.get(name.removesuffix(Path(name).suffix)))
            if position is None:
                raise DataError(
                    f"{path}:{image.line}: there is no image '{image.name}' in {source}, which has {len(names)} "
                    f"frames, such as {names[0]}. One label file is for the images of one folder."
                )
            absent[position] = True
            labels += [self._read(path, shape, position) for label, shape in image.shapes if label == self._label]
        return labels, absent

    def _read(self, path: Path, shape: Shape, position: int) -> Label:
        if len(shape.points) != 1:
            count = f" with {len(shape.points)} points" if shape.points else ""
            raise DataError(
                f"{path}:{shape.line}: '{self._label}' is marked by <{shape.kind}>{count}; "
                "expected one point, a box or an ellipse."
            )
        ((x, y),) = shape.points
        visibility = Visibility.OCCLUDED if shape.occluded else Visibility.EASY
        return Label(shape.line, position, visibility, x - 0.5, y - 0.5)


def _find_clips(folder: Path) -> list[Path]:
    """Return the places of clips in a folder: paths without suffixes, of which labels or pictures are there."""
    places = set()
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        parent = Path(here)
        for file in (Path(name) for name in files if not name.startswith(".")):
            suffix = file.suffix.lower()
            if file.name == "annotations.xml":
                places.add(parent)
            elif suffix == ".xml" or suffix in _VIDEO_SUFFIXES:
                places.add(parent / file.stem)
            elif suffix in IMAGE_SUFFIXES:
                places.add(parent.parent if parent.name == "images" else parent)
    return sorted(places, key=lambda place: [natural_order(Path(part)) for part in place.parts])


def _label_files(place: Path) -> list[Path]:
    files = (place.parent / f"{place.name}.xml", place / "annotations.xml")
    return [path for path in files if path.is_file()]


def _frame_numbers(names: list[str]) -> list[int]:
    """Return the number of each frame in the original video, ascending."""
    exported = [_EXPORTED.fullmatch(Path(name).stem) for name in names]
    if all(exported):
        return [int(match[1]) for match in exported if match]
    return list(range(len(names)))


def _check_size(path: Path, annotations: Annotations, source: Path, frames: FrameSource) -> None:
    sizes = {image.size for image in annotations.images} or {annotations.size or frames.size}
    if sizes != {frames.size}:
        (width, height), listed = frames.size, ", ".join(f"{w}x{h}" for w, h in sorted(sizes))
        raise DataError(
            f"{path}: labelled on pictures of {listed} pixels, but {source} has {width}x{height}. "
            "Use the pictures that were labelled."
        )
