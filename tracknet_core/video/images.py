"""Frames out of a folder of images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import ClipError, DataError
from tracknet_core.video.file import check_indices, state_of

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

RESAMPLING = Image.Resampling.BILINEAR
"""Averages the pixels that it merges, and keeps the centres of pixels."""

# EXIF orientations, as what turns the stored image into the shown one; from 5 on it lies on its side.
_ORIENTATION = 0x0112

_ON_ITS_SIDE = 5

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageSizeError(ClipError):
    """An image of another size than the clip: a folder of several clips, and no broken frame."""


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts paths by name as people count: ``match2`` before ``match10``."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts if part]


def image_files(folder: Path) -> list[Path]:
    """Return the images (jpg, png) in ``folder``, in natural order; hidden files are left out."""
    paths = (path for path in folder.glob("[!.]*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(paths, key=natural_order)


class ImageFrames(FrameSource):
    """The frames of a clip stored as images.

    A JPEG that is to be reduced is decoded at a fraction of its size (libjpeg's scaled DCT) before it is resized: twice
    as fast, and the ball stays within 0.01 px.

    Args:
        paths: the images, in the order of the frames; all of one size.
        fps: frames per second.

    Raises:
        ValueError: no images.
    """

    def __init__(self, paths: Sequence[Path], *, fps: float) -> None:
        if not paths:
            raise ValueError("ImageFrames: 'paths' is empty; a clip has at least one image.")
        self._paths = tuple(paths)
        self._fps = fps

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    @cached_property
    def size(self) -> Size:
        """Width and height of the first image that can be read, in pixels as shown.

        Raises:
            DataError: no image can be read.
        """
        return self._first[1]

    @cached_property
    def _first(self) -> tuple[Path, Size]:
        def sized(path: Path) -> tuple[Path, Size]:
            with _open_image(path) as image:
                return path, _as_shown(image.size, _orientation(image))

        for path in self._paths:
            with suppress(DataError):
                return sized(path)
        return sized(self._paths[0])  # raises what is wrong with it

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._paths)

    def fingerprint(self) -> str:
        """Return path, size and time stamp of every image.

        Raises:
            DataError: an image is missing.
        """
        return state_of(self._paths)

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Return an iterator over the frames at strictly ascending ``indices``, RGB (H, W, 3), in ``size``.

        Raises:
            DataError: an index lies outside the clip (at once), or an image cannot be read (when its turn comes).
            ClipError: an image differs in size from the first.
            ValueError: the indices do not ascend.
        """
        check_indices(indices, len(self), str(self._paths[0].parent))
        return (self._load(self._paths[number], size or self.size) for number in indices)

    def _load(self, path: Path, size: Size) -> UInt8Array:
        with _open_image(path) as image:
            orientation = _orientation(image)
            width, height = _as_shown(image.size, orientation)
            if (width, height) != self.size:
                raise ImageSizeError(
                    f"{path}: this image has {width}x{height} pixels, but the first of the clip, "
                    f"{self._first[0].name}, has {self.size[0]}x{self.size[1]}. All images of a clip have one size."
                )
            stored = _as_shown(size, orientation)
            draft = image.draft("RGB", stored)  # reads a JPEG at the smallest fraction that is not below that
            box = draft[1] if draft else None  # where the whole image lies in the reduced one, which is rounded up
            picture = _rgb(image).resize(stored, RESAMPLING, box=box)
            return np.array(picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture)


def _orientation(image: Image.Image) -> int:
    orientation = image.getexif().get(_ORIENTATION)
    return orientation if orientation in _TURNS else 1


def _as_shown(size: Size, orientation: int) -> Size:
    """Return the size as shown of an image with a stored size; and back."""
    return (size[1], size[0]) if orientation >= _ON_ITS_SIDE else size


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


@contextmanager
def _open_image(path: Path) -> Iterator[Image.Image]:
    try:
        if path.is_fifo():
            raise DataError(f"{path}: a pipe, which would be waited for without end. Write it to a file first.")
        with Image.open(path) as image:
            yield image
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such image.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # SyntaxError: a broken PNG
        raise DataError(f"{path}: this image cannot be read ({error}).") from error
