"""Labels in COCO's JSON, as most labelling tools export them, beside the images that they were made on."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from tracknet_core.clips import LazyClips, name_fault
from tracknet_core.contracts import Clip, Dataset, Size, Visibility, plain_labels
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.labels import Label, existing_root, label_frames
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, natural_order
from tracknet_plugins.datasets.checked_json import Node, load_json

_SPLIT = "<split>"
_SPLITS = ("train", "val", "test")
_NUMBERED = re.compile(r"(?P<beginning>.*?)\d+(_(jpe?g|png)\.rf\.\w+)?", re.DOTALL)  # the ending is Roboflow's
_VISIBILITY = {0: Visibility.UNLABELLED, 1: Visibility.OCCLUDED, 2: Visibility.EASY}  # of a keypoint


@datasets.register("coco")
class COCO(Dataset):
    r"""Reads bounding boxes or keypoints of one category.

    A clip is the images of one folder (by ``file_name``) or, where images have a ``video_id``, those of one video, in
    natural order of their names: the frames. Exports that throw the images of all videos together, as Roboflow's do,
    need ``clip``: without it they would be frames of one clip, and a warning says so. An image that the file does not
    list is no frame, so list the images between labelled ones too. A clip is called as its folder or its video,
    ``match1/rally1``; images without a folder are one clip, called as ``images``. Several splits put their name in
    front: ``val/match1/rally1``.

    The place of the ball is the centre of its box or a keypoint. Boxes count from the corner of the first pixel, half a
    pixel before its centre, which is corrected; keypoints count from its centre. A box whose ``attributes`` say
    ``occluded``, as CVAT writes them, is OCCLUDED; so is a keypoint of visibility 1; one of visibility 0 is UNLABELLED.
    An image without an annotation of the category is ABSENT. Of several annotations of one image the one with the
    highest ``score`` counts; without scores they are an error.

    Args:
        root: the folder that holds the labels and the images.
        labels: the label files below ``root``; ``<split>`` stands for the name of a split. Without it the one file is
            ``train``, and ``data.split`` sets clips aside, such as ``{train: [match1/*], val: [match2/*]}``.
        images: the folder below ``root`` that every ``file_name`` starts from; ``<split>`` as above.
        category: name of the ball's category.
        place: where the ball is: the centre of its box, or a keypoint.
        keypoint: name of the keypoint; None for the only one.
        clip: regular expression that says which clip an image is of, by its ``file_name``: its first group, or all that
            it finds, is the clip's name. ``(.+)_\d+`` makes ``rally1`` of ``rally1_0012.jpg``. None takes the folder.
        fps: frames per second of the images.

    Raises:
        DataError: there is no such folder, or no label file in it.
        ValueError: ``place``, ``clip`` or ``fps`` is not one of the values above, or ``keypoint`` is set for boxes.
    """

    def __init__(
        self,
        *,
        root: Path | None = None,
        labels: str = "annotations/<split>.json",
        images: str = "images",
        category: str = "ball",
        place: Literal["box", "keypoint"] = "box",
        keypoint: str | None = None,
        clip: str | None = None,
        fps: float = 30.0,
    ) -> None:
        if place not in ("box", "keypoint"):
            raise ValueError(f"'place' is '{place}'; expected 'box' (its centre) or 'keypoint'.")
        if keypoint is not None and place != "keypoint":
            raise ValueError(f"'keypoint' is '{keypoint}', but 'place' is 'box'. Set place=keypoint, or keypoint=null.")
        if labels.count(_SPLIT) > 1:
            raise ValueError(f"'labels' is '{labels}'; expected {_SPLIT} once at most.")
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0, such as 30.")
        self._category, self._place, self._keypoint, self._fps = category, place, keypoint, fps
        self._clip_of = None if clip is None else _compiled(clip)
        self._images = images
        self._root = existing_root(root, f"{labels} and {images}")
        self._files = _label_files(self._root, labels)
        self._has_splits = _SPLIT in labels
        if not self._files:
            raise DataError(
                f"{self._root}: there is no label file {labels} here. Set data.root to the folder that holds it, or "
                f"data.dataset.labels to its path below, where {_SPLIT} stands for train, val, …"
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have a label file: train, val, test, then others by name."""
        return tuple(self._files)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by name; this reads the label file of the split.

        Raises:
            DataError: there is no such split; its label file is missing, is no JSON of COCO, or lacks the category.
        """
        if split not in self._files:
            raise DataError(
                f"{self._root}: there is no split '{split}' here. The splits here: {', '.join(self.splits)}."
            )
        path = self._files[split]
        folder = self._root / self._images.replace(_SPLIT, split)
        groups = self._read(path, folder.resolve().name)
        prefix = f"{split}/" if self._has_splits else ""
        names = sorted(groups, key=lambda name: [natural_order(Path(part)) for part in name.split("/")])
        return LazyClips(
            {prefix + name: partial(_clip, prefix + name, groups[name], path, folder, self._fps) for name in names},
            source=path,
        )

    def _read(self, path: Path, flat: str) -> dict[str, list[_Image]]:
        """Return the images of each clip, with their marks."""
        root = load_json(path)
        images = [_read_image(node) for node in root.children("images")]
        by_id = {image.id: image for image in images}
        if len(by_id) != len(images):
            raise DataError(f"{path}: two images have the same id. Export the labels again.")
        categories = self._categories(root)
        for node in root.children("annotations"):
            category, image = node.integer("category_id"), node.integer("image_id")
            if image not in by_id:
                raise node.fault("image_id", f"is {image}, and no image has this id")
            if category in categories:
                by_id[image].marks.append(self._mark(node, categories[category]))
        return _grouped(root, images, flat, self._clip_of)

    def _categories(self, root: Node) -> dict[int, int]:
        """Return the position of the keypoint for each category of the name; 0 for boxes."""
        nodes = root.children("categories")
        chosen = [node for node in nodes if node.text("name") == self._category]
        if not chosen:
            names = ", ".join(sorted({node.text("name") for node in nodes})) or "none"
            raise DataError(
                f"{root.path}: there is no category '{self._category}' here, only {names}. "
                "Set data.dataset.category to the name of the ball's."
            )
        return {node.integer("id"): self._keypoint_of(node) if self._place == "keypoint" else 0 for node in chosen}

    def _keypoint_of(self, category: Node) -> int:
        names = category.values("keypoints", str)
        if self._keypoint is None and len(names) == 1:
            return 0
        if self._keypoint not in names:
            found = ", ".join(names) or "none"
            raise DataError(
                f"{category.path}: the category '{self._category}' has the keypoints {found}. "
                f"Set data.dataset.keypoint to one of them (now: {self._keypoint})."
            )
        return names.index(self._keypoint)

    def _mark(self, node: Node, keypoint: int) -> _Mark:
        score = node.number("score") if "score" in node.cells else None
        if self._place == "box":
            box = node.numbers("bbox")
            if len(box) != 4:
                raise node.fault("bbox", f"has {len(box)} numbers; expected [x, y, width, height]")
            attributes = node.cells.get("attributes")
            is_occluded = isinstance(attributes, dict) and attributes.get("occluded") is True
            visibility = Visibility.OCCLUDED if is_occluded else Visibility.EASY
            return _Mark(visibility, box[0] + box[2] / 2 - 0.5, box[1] + box[3] / 2 - 0.5, score)
        numbers = node.numbers("keypoints")[3 * keypoint : 3 * keypoint + 3]
        if len(numbers) != 3 or numbers[2] not in _VISIBILITY:
            raise node.fault("keypoints", f"has {numbers} at {keypoint}; expected [x, y, visibility 0, 1 or 2]")
        return _Mark(_VISIBILITY[int(numbers[2])], numbers[0], numbers[1], score)


@dataclass(frozen=True)
class _Mark:
    """Where an annotation sees the ball, in pixels from the centre of the first one."""

    visibility: Visibility
    x: float
    y: float
    score: float | None


@dataclass(frozen=True)
class _Image:
    """An image of the file, and what is marked on it; the size is None if the file does not say."""

    id: int
    name: str
    size: Size | None
    video: int | None
    marks: list[_Mark] = field(default_factory=list)


def _label_files(root: Path, pattern: str) -> dict[str, Path]:
    """Return the label file of each split."""
    if _SPLIT not in pattern:
        return {"train": root / pattern} if (root / pattern).is_file() else {}
    before, after = pattern.split(_SPLIT)
    files = {}
    for path in root.glob(pattern.replace(_SPLIT, "*")):
        name = path.relative_to(root).as_posix()
        files[name.removeprefix(before).removesuffix(after)] = path
    others = sorted(files.keys() - set(_SPLITS))
    return {split: files[split] for split in (*_SPLITS, *others) if split in files}


def _read_image(node: Node) -> _Image:
    name = PurePosixPath(node.text("file_name").replace("\\", "/")).as_posix()
    # A label file comes from outside: what it names is read, and copied by whoever converts or previews.
    if name_fault(name) is not None:
        raise node.fault("file_name", f"is {name[:80]!r}; expected a path below the folder of the images")
    has_size = "width" in node.cells and "height" in node.cells
    return _Image(
        id=node.integer("id"),
        name=name,
        size=(node.integer("width"), node.integer("height")) if has_size else None,
        video=node.integer("video_id") if node.cells.get("video_id") is not None else None,
    )


def _compiled(clip: str) -> re.Pattern[str]:
    try:
        return re.compile(clip)
    except re.error as error:
        raise ValueError(
            f"'clip' is '{clip}', which is no regular expression ({error}); write such as '(.+)_\\d+'."
        ) from error


def _grouped(root: Node, images: list[_Image], flat: str, clip_of: re.Pattern[str] | None) -> dict[str, list[_Image]]:
    """Return the images of each clip in natural order, by the name of the clip.

    Args:
        root: of the file.
        images: all that it lists.
        flat: name of the clip of images that are in no folder.
        clip_of: what finds the clip in the name of an image; None takes the folder.
    """
    videos: dict[int | None, str] = {}
    for node in root.children("videos") if "videos" in root.cells else []:
        videos[node.integer("id")] = name = node.text("name")
        fault = name_fault(name)
        if fault is not None:
            raise node.fault("name", f"is {name[:80]!r}, which {fault}; clips are called by it")
    if len(set(videos.values())) != len(videos):
        raise DataError(
            f"{root.path}: two videos have the same name. Clips are called by these names; make them differ."
        )
    groups: dict[str, list[_Image]] = {}
    for image in images:
        if image.video is not None:
            name = videos.get(image.video, f"video{image.video}")
        elif clip_of is not None:
            name = _named(image, clip_of, root.path)
        else:
            name = PurePosixPath(image.name).parent.as_posix()
        groups.setdefault(flat if name == "." else name, []).append(image)
    if clip_of is None:
        _warn_mixed(root.path, {name: group for name, group in groups.items() if group[0].video is None})
    for group in groups.values():
        group.sort(key=lambda image: [natural_order(Path(part)) for part in image.name.split("/")])
    return groups


def _named(image: _Image, clip_of: re.Pattern[str], path: Path) -> str:
    """Return the name of the clip that an expression finds in the name of an image."""
    found = clip_of.search(image.name)
    name = None if found is None else found.group(1 if clip_of.groups else 0)
    if not name:
        raise DataError(
            f"{path}: data.dataset.clip='{clip_of.pattern}' finds nothing in the file_name '{image.name[:80]}'."
        )
    return name


def _warn_mixed(path: Path, groups: Mapping[str, list[_Image]]) -> None:
    """Warn of clips whose images are numbered, but begin in several ways: as good as surely of several videos."""
    for name, images in groups.items():
        numbered = [_NUMBERED.fullmatch(PurePosixPath(image.name).stem) for image in images]
        begins = sorted({found["beginning"] for found in numbered if found})
        if all(numbered) and len(begins) > 1:
            shown = ", ".join(f"'{begin}…'" for begin in begins[:4]) + (", …" if len(begins) > 4 else "")
            warnings.warn(
                f"{path}: the images of the clip '{name}' are called in {len(begins)} ways ({shown}). If these are "
                "several videos, say what names one, such as data.dataset.clip='(.+)_\\d+'; else they are taken for "
                "the frames of one.",
                stacklevel=4,
            )


def _clip(name: str, images: list[_Image], path: Path, folder: Path, fps: float) -> Clip:
    frames = ImageFrames([folder / image.name for image in images], fps=fps)
    for image in images:
        if image.size is not None and image.size != frames.size:
            (width, height), (labelled_width, labelled_height) = frames.size, image.size
            raise DataError(
                f"{path}: '{image.name}' was labelled at {labelled_width}x{labelled_height} pixels, but the images of "
                f"this clip have {width}x{height}. Use the pictures that were labelled, or say in data.dataset.clip "
                "what names the clip of an image."
            )
    labels = [_label(path, number, image) for number, image in enumerate(images)]
    usable = [label for label in labels if not label.visibility.is_visible or _is_inside(label, frames.size)]
    if len(usable) < len(labels):
        # Not left to label_frames, which names lines, since JSON has none to speak of.
        outside = {label.frame for label in labels} - {label.frame for label in usable}
        _warn_outside(path, [images[number].name for number in sorted(outside)], frames.size)
    xy, visibility = label_frames(path, usable, source=folder, count=len(frames), size=frames.size)
    return Clip(name, frames, plain_labels(xy, visibility))


def _is_inside(label: Label, size: Size) -> bool:
    return -0.5 <= label.x <= size[0] - 0.5 and -0.5 <= label.y <= size[1] - 0.5


def _warn_outside(path: Path, names: list[str], size: Size) -> None:
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    warnings.warn(
        f"{path}: places of a visible ball that are NaN or outside the {size[0]}x{size[1]} image: {len(names)} "
        f"({shown}). Their frames are unlabelled: no training, no score. Mend or remove these annotations.",
        LabelWarning,
        stacklevel=2,
    )


def _label(path: Path, number: int, image: _Image) -> Label:
    if not image.marks:
        return Label(number, number, Visibility.ABSENT, 0, 0)
    scores = [mark.score for mark in image.marks if mark.score is not None]
    if len(image.marks) > 1 and len(scores) < len(image.marks):
        raise DataError(
            f"{path}: '{image.name}' has {len(image.marks)} annotations of the ball, and not all have a score to "
            "choose by. Keep one of them."
        )
    mark = max(image.marks, key=lambda mark: mark.score or 0)
    return Label(number, number, mark.visibility, mark.x, mark.y)
