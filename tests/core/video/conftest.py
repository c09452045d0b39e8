"""Pictures whose number or place can be told, and videos of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tracknet_core.contracts import FrameSource
from tracknet_core.video import write_video

STEP = 6  # grey levels between two frames, more than a codec's error

Places = list[tuple[float, float]]


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """Write frames with any codec, into any container, at any times (in 1/90 s)."""

    def encode(
        name: str,
        frames: list[np.ndarray],
        *,
        codec: str = "libx264",
        form: str = "yuv420p",
        times: list[int] | None = None,
        title: str = "",
        **options: str,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            container.metadata["title"] = title
            stream = container.add_stream(codec, rate=30, options={"g": "12", "bf": "2", **options})
            stream.height, stream.width, _ = frames[0].shape
            stream.pix_fmt = form
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 90)
            for number, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = number if times is None else times[number]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return encode


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A video of 40 grey frames, 64x48, STEP grey levels apart, with B-frames and a key frame every 12."""
    path = tmp_path / "rally.mp4"
    write_video(path, [np.full((48, 64, 3), STEP * number, np.uint8) for number in range(40)], fps=30)
    return path


@pytest.fixture
def blobs() -> tuple[list[tuple[float, float]], list[np.ndarray]]:
    """Places in 640x360 pixels, and pictures with a bright blob there."""
    places = [(100.3, 75.7), (320.5, 180.2), (550.9, 300.4)]
    y, x = np.mgrid[:360, :640]
    grey = [40 + 200 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 4.0**2)) for u, v in places]
    return places, [np.repeat(g.round().astype(np.uint8)[..., None], 3, axis=2) for g in grey]


@pytest.fixture
def centroid() -> Callable[[np.ndarray], tuple[float, float]]:
    """Place of the bright blob in a picture."""

    def centroid(frame: np.ndarray) -> tuple[float, float]:
        weight = np.clip(frame.mean(axis=2) - 60, 0, None)
        y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
        return float((weight * x).sum() / weight.sum()), float((weight * y).sum() / weight.sum())

    return centroid


@pytest.fixture
def assert_half_pixel_rule(
    centroid: Callable[[np.ndarray], tuple[float, float]],
) -> Callable[[FrameSource, Places, tuple[int, int] | None], None]:
    """Compare the places of the blobs in the frames of a source with those in 640x360 pixels."""

    def check(source: FrameSource, places: Places, size: tuple[int, int] | None) -> None:
        width, height = size or source.size
        frames = list(source.read(range(len(places)), size))
        assert [frame.shape for frame in frames] == [(height, width, 3)] * len(places)
        expected = [((u + 0.5) * width / 640 - 0.5, (v + 0.5) * height / 360 - 0.5) for u, v in places]
        np.testing.assert_allclose([centroid(frame) for frame in frames], expected, atol=0.05)

    return check
