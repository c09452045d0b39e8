"""Images: the right one, upright, at the right size, with its points where the half-pixel rule puts them."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError
from tracknet_core.video import ImageFrames, ImageSizeError, image_files

STEP = 6  # grey levels between two frames


def grey_frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [np.full((height, width, 3), STEP * number, np.uint8) for number in range(count)]


def shown_numbers(frames: Sequence[np.ndarray]) -> list[int]:
    return [round(float(frame.mean()) / STEP) for frame in frames]


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Twelve grey images, 64x48, whose names sort wrongly as text."""
    for number, frame in enumerate(grey_frames(12)):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    return image_files(tmp_path)


def test_images_are_found_in_natural_order(images: list[Path]) -> None:
    folder = images[0].parent
    (folder / "notes.txt").write_text("")
    (folder / "._3.png").write_bytes(b"")
    assert [path.name for path in image_files(folder)] == [f"{number}.png" for number in range(12)]


def test_images_are_read_by_number(images: list[Path]) -> None:
    source = ImageFrames(images, fps=25)
    assert isinstance(source, FrameSource)
    assert (len(source), source.size, source.fps) == (12, (64, 48), 25)
    assert shown_numbers(list(source.read([0, 2, 11]))) == [0, 2, 11]
    assert [frame.shape for frame in source.read([1], (32, 20))] == [(20, 32, 3)]


def test_a_grey_image_is_delivered_as_rgb(images: list[Path]) -> None:
    Image.new("L", (64, 48), 77).save(images[3])
    (frame,) = ImageFrames(images, fps=25).read([3])
    np.testing.assert_array_equal(frame, np.full((48, 64, 3), 77))


def test_images_survive_pickling(images: list[Path]) -> None:
    source = ImageFrames(images, fps=25)
    assert source.size == (64, 48)
    assert shown_numbers(list(pickle.loads(pickle.dumps(source)).read([5]))) == [5]


def test_sixteen_bits_of_grey_are_scaled(images: list[Path]) -> None:
    Image.fromarray(np.full((48, 64), 77 * 256 + 128, np.uint16)).save(images[3])
    (frame,) = ImageFrames(images, fps=25).read([3])
    np.testing.assert_array_equal(frame, np.full((48, 64, 3), 77))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduced", [False, True])
def test_an_image_is_read_as_it_is_shown(tmp_path: Path, suffix: str, orientation: int, reduced: bool) -> None:
    stored = np.zeros((96, 128, 3), np.uint8)
    stored[:24, :16] = 255  # the corner tells the eight orientations apart
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"0.{suffix}"
    Image.fromarray(stored).save(path, exif=exif)
    with Image.open(path) as image:
        expected = ImageOps.exif_transpose(image)
    source = ImageFrames([path], fps=25)
    assert source.size == expected.size == ((96, 128) if orientation > 4 else (128, 96))
    size = (source.size[0] // 4, source.size[1] // 4) if reduced else source.size
    (frame,) = source.read([0], size)
    np.testing.assert_allclose(frame.astype(int), np.asarray(expected.resize(size, Image.Resampling.BOX)), atol=60)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes on Windows")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0.png")
    with pytest.raises(DataError, match=r"0\.png: a pipe, which would be waited for without end"):
        _ = ImageFrames([tmp_path / "0.png"], fps=25).size


def test_a_broken_note_of_orientation_does_not_matter(images: list[Path]) -> None:
    path = images[0].with_suffix(".jpg")
    Image.new("RGB", (64, 48), (77, 77, 77)).save(path, exif=b"Exif\x00\x00no such thing")
    (frame,) = ImageFrames([path], fps=25).read([0])
    np.testing.assert_allclose(frame, 77, atol=1)


def test_the_size_is_that_of_the_first_image_that_can_be_read(images: list[Path]) -> None:
    images[0].write_bytes(b"no image")
    source = ImageFrames(images, fps=25)
    assert source.size == (64, 48)
    assert shown_numbers(list(source.read([1, 2]))) == [1, 2]
    with pytest.raises(DataError, match=r"/0\.png: this image cannot be read"):
        list(source.read([0]))


def test_images_of_which_none_can_be_read_are_named(images: list[Path]) -> None:
    for path in images:
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"/0\.png: this image cannot be read"):
        _ = ImageFrames(images, fps=25).size


def test_a_missing_image_is_named(images: list[Path]) -> None:
    images[4].unlink()
    frames = ImageFrames(images, fps=25).read([3, 4])
    next(frames)
    with pytest.raises(DataError, match=r"4\.png: there is no such image"):
        next(frames)


@pytest.mark.parametrize("keep", [0, 20, 100])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_that_breaks_off_is_named(tmp_path: Path, suffix: str, keep: int) -> None:
    path = tmp_path / f"0.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"0\.{suffix}: this image cannot be read"):
        list(ImageFrames([path], fps=25).read([0]))


def test_a_small_file_that_claims_a_huge_image_is_named(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(DataError, match=r"bomb\.png: this image cannot be read \(Image size \(3600000000 pixels\)"):
        _ = ImageFrames([path], fps=25).size


def test_an_image_of_another_size_is_named(images: list[Path]) -> None:
    Image.new("RGB", (32, 48)).save(images[7])
    with pytest.raises(ImageSizeError, match=r"7\.png: this image has 32x48 pixels, but the first .* has 64x48"):
        list(ImageFrames(images, fps=25).read([7]))


def test_an_index_outside_the_images_is_refused_at_once(images: list[Path]) -> None:
    with pytest.raises(DataError, match="there is no frame 12; the frames are 0 to 11"):
        ImageFrames(images, fps=25).read([12])


def test_a_clip_of_no_images_is_refused() -> None:
    with pytest.raises(ValueError, match="'paths' is empty"):
        ImageFrames([], fps=25)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("size", [None, (512, 288), (256, 144), (300, 200), (800, 450)])
def test_resizing_images_moves_points_by_the_half_pixel_rule(
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]],
    tmp_path: Path,
    suffix: str,
    size: tuple[int, int] | None,
    assert_half_pixel_rule: Callable[..., None],
) -> None:
    places, frames = blobs
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number}.{suffix}")
    assert_half_pixel_rule(ImageFrames(image_files(tmp_path), fps=30), places, size)


def test_a_jpeg_whose_size_is_no_multiple_keeps_the_half_pixel_rule(
    blobs: tuple[list[tuple[float, float]], list[np.ndarray]],
    tmp_path: Path,
    centroid: Callable[[np.ndarray], tuple[float, float]],
) -> None:
    # libjpeg gives 160x90 for a quarter of 637x357: the image ends inside the last column and row.
    places, frames = blobs
    for number, frame in enumerate(frames):
        Image.fromarray(frame[:357, :637]).save(tmp_path / f"{number}.jpg", quality=95)
    found = [centroid(frame) for frame in ImageFrames(image_files(tmp_path), fps=30).read([0, 1, 2], (160, 90))]
    expected = [((u + 0.5) * 160 / 637 - 0.5, (v + 0.5) * 90 / 357 - 0.5) for u, v in places]
    np.testing.assert_allclose(found, expected, atol=0.05)
