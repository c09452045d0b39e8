"""The background of a clip."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.background import Backgrounds, median
from tracknet_core.contracts import Clip, FrameSource


def test_the_median_is_that_of_numpy() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (9, 37, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(median(iter(frames)), np.median(frames, axis=0).astype(np.uint8))
    # Of an even number the lower of the two in the middle, so that the colour is one that was seen.
    np.testing.assert_array_equal(median(iter(frames[:8])), np.sort(frames[:8], axis=0)[3])


class Counted(FrameSource):
    """The frames of a clip that count how often they are read and have a state."""

    def __init__(self, clip: Clip) -> None:
        self.inner = clip.frames
        self.state = "first"
        self.reads = 0

    size = property(lambda self: self.inner.size)
    fps = property(lambda self: self.inner.fps)

    def __len__(self) -> int:
        return len(self.inner)

    def fingerprint(self) -> str:
        return self.state

    def read(self, indices: object, size: object = None) -> object:
        self.reads += 1
        return self.inner.read(indices, size)  # type: ignore[arg-type]


def test_a_moving_ball_is_not_in_the_background_which_is_computed_once_and_kept(
    clip: Callable[..., Clip], tmp_path: Path
) -> None:
    made = clip("a", 300)
    frames = Counted(made)
    made = made.replace(frames=frames)
    backgrounds = Backgrounds(tmp_path / "cache", (64, 48))
    background = backgrounds(made)
    assert background.shape == (48, 64, 3)
    np.testing.assert_array_equal(background[1:], np.full((47, 64, 3), 60))
    assert backgrounds(made) is background
    np.testing.assert_array_equal(Backgrounds(tmp_path / "cache", (64, 48))(made), background)
    assert frames.reads == 1
    # Another state of the files, or another size, is another background.
    frames.state = "second"
    Backgrounds(tmp_path / "cache", (64, 48))(made)
    assert Backgrounds(tmp_path / "cache", (32, 24))(made).shape == (24, 32, 3)
    assert frames.reads == 3
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".png"] * 3


def test_frames_that_must_not_be_kept_leave_no_file(clip: Callable[..., Clip], tmp_path: Path) -> None:
    made = clip("a", 5)
    assert made.frames.fingerprint() is None
    assert Backgrounds(tmp_path / "cache", (64, 48))(made).shape == (48, 64, 3)
    assert not (tmp_path / "cache").exists()


def test_a_long_clip_is_sampled(clip: Callable[..., Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracknet_core.background.SAMPLED_FRAMES", 5)
    made = clip("a", 101)
    Backgrounds(tmp_path, (64, 48))(made)
    assert made.frames.reads == [0, 25, 50, 75, 100]  # type: ignore[attr-defined]
