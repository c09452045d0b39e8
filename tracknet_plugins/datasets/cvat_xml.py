"""CVAT's XML, version 1.1: the shapes of tracks ("CVAT for video") or of images ("CVAT for images").

The file comes from outside and is not trusted. Entities, which can blow up a small file or pull in another one, are
declared in a DOCTYPE; CVAT writes none, and a file that has one is refused where it begins. So what is read is bounded
by the size of the file.

CVAT measures from the top-left corner of the picture, so the centre of its first pixel is at (0.5, 0.5); places here
are as the file has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray, FrameSource, IntArray, Size, Visibility
from tracknet_core.errors import DataError
from tracknet_core.files import regular
from tracknet_core.labels import Label, label_frames

_DEEPEST = 16  # elements within each other; CVAT's files have 7
_LONGEST = 9  # digits of a number of a frame
_CHUNK = 1 << 16  # bytes
_LONGEST_TAG = 1 << 20  # bytes of a tag with its attributes, which expat reads again and again until it ends


@dataclass(frozen=True)
class Shape:
    """One mark on one frame.

    Attributes:
        line: line of the file.
        frame: number of the frame in the original video, 0-based; of a shape on an image, the image's ``id``.
        kind: name of the element, such as ``points`` or ``box``.
        points: places (x, y) in pixels from the top-left corner: those of ``points``, the centre of a ``box`` or
            ``ellipse``, none for other kinds.
        outside: whether the object has left the frame; the place is an old one.
        occluded: whether something hides the object.
        attributes: texts by name.
    """

    line: int
    frame: int
    kind: str
    points: tuple[tuple[float, float], ...]
    outside: bool
    occluded: bool
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """The shapes of one object, in the order of the file."""

    label: str
    shapes: list[Shape] = field(default_factory=list)


@dataclass(frozen=True)
class Image:
    """An image and what is marked on it: pairs of a label and a shape."""

    line: int
    name: str
    size: Size
    shapes: list[tuple[str, Shape]] = field(default_factory=list)


@dataclass(frozen=True)
class Annotations:
    """What a file of CVAT holds.

    Attributes:
        tracks: of a file for video.
        images: of a file for images.
        labels: names of labels, declared or used.
        size: width and height of the pictures that were labelled, in pixels; None if the file does not say.
        start: number of the first frame that was shown to the annotator.
        stop: number of the last one; None for the end of the video.
        step: every which frame was shown.
    """

    tracks: Sequence[Track]
    images: Sequence[Image]
    labels: frozenset[str]
    size: Size | None
    start: int
    stop: int | None
    step: int


def read_annotations(path: Path) -> Annotations:
    """Read a file of CVAT.

    Raises:
        DataError: the file is missing, no XML, has a DOCTYPE, or is no export of one task or job of CVAT 1.1; the
            message names the line.
    """
    reader = _Reader(path)
    try:
        with regular(path).open("rb") as file:
            reader.read(file)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such label file.") from error
    except OSError as error:
        raise DataError(f"{path}: this label file cannot be read ({error.strerror}).") from error
    except (LookupError, ValueError) as error:  # of Python's codecs, for an encoding that expat does not know
        raise DataError(f"{path}: this label file cannot be read as XML ({error}).") from error
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise DataError(f"{path}:{error.lineno}: this label file cannot be read as XML ({reason}).") from error
    return reader.annotations()


def image_numbers(images: Sequence[Path]) -> dict[int, int]:
    """Return the position of each image by the number that its name ends with, such as 12 for ``frame_000012.png``.

    Raises:
        DataError: a name ends with no number, or with that of another image.
    """
    positions: dict[int, int] = {}
    for position, image in enumerate(images):
        number = re.search(r"\d+$", image.stem)
        if number is None:
            raise DataError(f"{image}: the name of this image ends with no frame number. Name it as 000012.png.")
        other = positions.setdefault(int(number[0]), position)
        if other != position:
            raise DataError(f"{image}: {images[other].name} has the same frame number. Remove one of them.")
    return positions


def position_of(frame: int, positions: Mapping[int, int], *, path: Path, line: int, folder: Path) -> int:
    """Return the position of a frame among the images of a folder.

    Args:
        frame: number of the frame.
        positions: what :func:`image_numbers` returned.
        path: the label file.
        line: its line.
        folder: the folder of the images.

    Raises:
        DataError: there is no image of that number.
    """
    if frame not in positions:
        raise DataError(
            f"{path}:{line}: a label for frame {frame}, but there is no image of that number among the "
            f"{len(positions)} of {folder}. Use the pictures that were labelled, or remove the label."
        )
    return positions[frame]


def label_marked(
    path: Path,
    labels: Sequence[Label],
    *,
    source: Path,
    frames: FrameSource,
    absent: npt.NDArray[np.bool_] | None = None,
) -> tuple[FloatArray, IntArray]:
    """Give every frame its label, as :func:`~tracknet_core.labels.label_frames`; no mark means no ball.

    Args:
        path: the label file.
        labels: what it marks.
        source: the video, or the folder of images.
        frames: the frames of ``source``.
        absent: (N,) the frames that are ABSENT if nothing is marked; all by default, the others are UNLABELLED.

    Returns:
        Places (N, 2) in pixels, NaN where unknown or absent; and codes (N,).

    Raises:
        DataError: a frame has two labels, or does not exist.
    """
    xy, visibility = label_frames(path, labels, source=source, count=len(frames), size=frames.size)
    unmarked = np.ones(len(frames), bool) if absent is None else absent.copy()
    unmarked[[label.frame for label in labels]] = False
    visibility[unmarked] = Visibility.ABSENT
    return xy, visibility


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= _LONGEST


class _Reader:
    """Collects shapes while expat walks through the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[str] = []  # names of the elements that are open, outermost first
        self._text: list[str] = []
        self._name = ""  # of the <attribute> that is open
        self._tracks: list[Track] = []
        self._images: list[Image] = []
        self._image_id = 0
        self._shape: Shape | None = None
        self._labels: set[str] = set()
        self._meta: dict[str, tuple[int, str]] = {}  # line and text by name, such as "original_size/width"
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def read(self, file: BinaryIO) -> None:
        """Go through a file."""
        fed = 0
        while chunk := file.read(_CHUNK):
            self.parser.Parse(chunk)
            fed += len(chunk)
            if fed - self.parser.CurrentByteIndex > _LONGEST_TAG:
                raise self._fault(f"a tag of more than {_LONGEST_TAG >> 20} MB. This is no export of CVAT.")
        self.parser.Parse(b"", True)

    def annotations(self) -> Annotations:
        """Return what was collected."""
        width, height = self._number_in_meta("original_size/width"), self._number_in_meta("original_size/height")
        step = self._number_in_meta("frame_filter", prefix="step=")
        return Annotations(
            tracks=self._tracks,
            images=self._images,
            labels=frozenset(self._labels),
            size=None if width is None or height is None else (width, height),
            start=self._number_in_meta("start_frame") or 0,
            stop=self._number_in_meta("stop_frame"),
            step=step or 1,
        )

    def _fault(self, message: str, line: int | None = None) -> DataError:
        return DataError(f"{self._path}:{line or self.parser.CurrentLineNumber}: {message}")

    def _refuse_doctype(self, *_: object) -> None:
        raise self._fault("a DOCTYPE is not accepted in a label file; CVAT writes none. Export the labels again.")

    def _start(self, name: str, cells: dict[str, str]) -> None:
        self._open.append(name)
        self._text.clear()
        if self._open[0] != "annotations" or len(self._open) > _DEEPEST:
            raise self._fault(f"<{name}> here: this is no export of CVAT 1.1, which begins with <annotations>.")
        match self._open[1:]:
            case ["meta", "project"]:
                raise self._fault(
                    "this is the export of a project. Export each task or job by itself, one file per video."
                )
            case ["track"]:
                self._tracks.append(Track(self._cell(name, cells, "label")))
                self._labels.add(self._tracks[-1].label)
            case ["image"]:
                self._image_id = self._integer(name, cells, "id")
                size = self._integer(name, cells, "width"), self._integer(name, cells, "height")
                self._images.append(
                    Image(self.parser.CurrentLineNumber, self._cell(name, cells, "name").replace("\\", "/"), size)
                )
            case ["track", _]:
                self._shape = self._read_shape(name, cells, self._integer(name, cells, "frame"))
                self._tracks[-1].shapes.append(self._shape)
            case ["image", _] if name != "tag":  # a tag marks no place
                label = self._cell(name, cells, "label")
                self._shape = self._read_shape(name, cells, self._image_id)
                self._images[-1].shapes.append((label, self._shape))
                self._labels.add(label)
            case ["track" | "image", _, "attribute"]:
                self._name = self._cell(name, cells, "name")

    def _end(self, name: str) -> None:
        text = "".join(self._text).strip()
        match self._open[1:]:
            case ["meta", "task" | "job", "labels", "label", "name"]:
                self._labels.add(text)
            case ["meta", "task" | "job", *inner]:
                self._meta["/".join(inner)] = self.parser.CurrentLineNumber, text
            case ["track" | "image", _, "attribute"] if self._shape is not None:
                self._shape.attributes[self._name] = text
        self._open.pop()

    def _read_shape(self, name: str, cells: dict[str, str], frame: int) -> Shape:
        return Shape(
            line=self.parser.CurrentLineNumber,
            frame=frame,
            kind=name,
            points=self._points(name, cells),
            outside=self._flag(name, cells, "outside"),
            occluded=self._flag(name, cells, "occluded"),
        )

    def _points(self, name: str, cells: dict[str, str]) -> tuple[tuple[float, float], ...]:
        match name:
            case "points":
                pairs = [pair.split(",") for pair in self._cell(name, cells, "points").split(";")]
                if any(len(pair) != 2 for pair in pairs):
                    raise self._fault(f"<{name}> has points='{cells['points']}'; expected 'x,y;x,y;…'.")
                return tuple((self._number(name, "points", x), self._number(name, "points", y)) for x, y in pairs)
            case "box":
                left, top, right, bottom = (
                    self._number(name, key, self._cell(name, cells, key)) for key in ("xtl", "ytl", "xbr", "ybr")
                )
                return (((left + right) / 2, (top + bottom) / 2),)
            case "ellipse":
                x, y = (self._number(name, key, self._cell(name, cells, key)) for key in ("cx", "cy"))
                return ((x, y),)
        return ()

    def _cell(self, name: str, cells: dict[str, str], key: str) -> str:
        if key not in cells:
            raise self._fault(f"<{name}> has no '{key}'.")
        return cells[key]

    def _number(self, name: str, key: str, text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            raise self._fault(f"<{name}> has '{text}' in {key}; expected a number.") from error

    def _integer(self, name: str, cells: dict[str, str], key: str) -> int:
        text = self._cell(name, cells, key)
        if not _is_number(text):
            raise self._fault(f"<{name}> has {key}='{text[:40]}'; expected a whole number, 0 or greater.")
        return int(text)

    def _flag(self, name: str, cells: dict[str, str], key: str) -> bool:
        text = cells.get(key, "0")
        if text not in ("0", "1"):
            raise self._fault(f"<{name}> has {key}='{text}'; expected 0 or 1.")
        return text == "1"

    def _number_in_meta(self, name: str, prefix: str = "") -> int | None:
        line, text = self._meta.get(name, (0, ""))
        digits = text.removeprefix(prefix)
        if not text or not digits:
            return None
        if not _is_number(digits):
            raise self._fault(f"<{name.rpartition('/')[2]}> is '{text}'; expected '{prefix}<number>'.", line)
        return int(digits)
