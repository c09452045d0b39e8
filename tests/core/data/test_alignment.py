"""Labels off by a frame or in other pixels, seen from the motion of a generated ball."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tracknet_core.contracts import Clip, FrameSource, Size, Visibility, plain_labels
from tracknet_core.data.alignment import Alignment, small_size

WIDTH, HEIGHT, COUNT = 320, 180, 60


class Arrays(FrameSource):
    """Frames in memory."""

    fps = 30.0
    size = (WIDTH, HEIGHT)

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[np.ndarray]:
        return (self.frames[number] for number in indices)


def flight(step: float = 9.0) -> np.ndarray:
    """A ball that bounces between the borders, far enough from them; (COUNT, 2)."""
    t = np.arange(COUNT) * step
    x = 20 + np.abs((t + 30) % 560 - 280)
    y = 20 + np.abs((0.6 * t + 17) % 280 - 140)
    return np.stack([x, y], axis=1).astype(np.float32)


def film(xy: np.ndarray, *, pan: int = 0) -> np.ndarray:
    """A bright spot on a texture with noise; ``pan`` moves the texture, in pixels per frame."""
    rng = np.random.default_rng(3)
    texture = rng.integers(40, 120, (HEIGHT // 4, WIDTH)).repeat(4, axis=0)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.empty((len(xy), HEIGHT, WIDTH, 3), np.uint8)
    for number, (x, y) in enumerate(xy):
        spot = 130 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 1.5**2))
        grey = np.roll(texture, pan * number, axis=1) + spot + rng.normal(0, 2, (HEIGHT, WIDTH))
        frames[number] = grey.clip(0, 255).astype(np.uint8)[..., None]
    return frames


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return film(flight())


def aligned(frames: np.ndarray, xy: np.ndarray, visibility: np.ndarray | None = None) -> Alignment:
    if visibility is None:
        visibility = np.where(np.isnan(xy).any(axis=1), Visibility.UNLABELLED, Visibility.EASY)
    alignment = Alignment(
        Clip("rally", Arrays(frames), plain_labels(xy.astype(np.float32), visibility.astype(np.int64)))
    )
    for frame in frames:
        alignment.add(frame)
    return alignment


def late(xy: np.ndarray, by: int) -> np.ndarray:
    """Row t gets the place of frame t - by."""
    moved = np.full_like(xy, np.nan)
    source = np.arange(COUNT) - by
    known = (source >= 0) & (source < COUNT)
    moved[known] = xy[source[known]]
    return moved


def test_good_labels_have_nearly_all_votes_and_no_misfit(frames):
    alignment = aligned(frames, flight())
    votes = alignment.votes[None]
    assert alignment.misfit() is None
    assert votes[3] >= 45  # of 52 frames that have four neighbours on each side
    assert sum(votes) - votes[3] <= 2


@pytest.mark.parametrize("by", [-3, -1, 1, 2, 3])
def test_a_constant_offset_in_time_is_found(frames, by):
    misfit = aligned(frames, late(flight(), by)).misfit()
    assert misfit is not None
    assert (misfit.late, misfit.labelled_size) == (by, None)
    assert misfit.votes >= 40


@pytest.mark.parametrize("size", [(1, 1), (256, 144), (512, 288), (1920, 1080)])
def test_labels_of_another_size_are_found(frames, size):
    misfit = aligned(frames, flight() * np.array(size) / (WIDTH, HEIGHT)).misfit()
    assert misfit is not None
    assert (misfit.late, misfit.labelled_size) == (0, size)


def test_both_faults_at_once_are_both_found(frames):
    misfit = aligned(frames, late(flight(), 1) * 0.8).misfit()
    assert misfit is not None
    assert (misfit.late, misfit.labelled_size) == (1, (256, 144))


def test_labels_of_every_fifth_frame_are_enough(frames):
    xy = late(flight(), 1)
    xy[np.arange(COUNT) % 5 != 0] = np.nan
    misfit = aligned(frames, xy).misfit()
    assert misfit is not None
    assert (misfit.late, misfit.labelled_size) == (1, None)


def test_few_votes_are_no_suspicion(frames):
    xy = late(flight(), 1)
    xy[:48] = np.nan
    xy[53:] = np.nan
    assert aligned(frames, xy).misfit() is None


def test_a_slow_ball_has_no_vote():
    slow = flight(step=1.5)
    assert not any(aligned(film(slow), late(slow, 1)).votes[None])


def test_random_places_are_no_suspicion(frames):
    xy = np.random.default_rng(0).uniform((10, 10), (310, 170), (COUNT, 2))
    assert aligned(frames, xy).misfit() is None


def test_a_panning_camera_is_no_suspicion():
    alignment = aligned(film(flight(), pan=5), flight())
    assert alignment.misfit() is None
    assert alignment.astray() is None


def test_labels_that_drift_off_the_ball_are_astray(frames):
    xy = flight() + np.linspace(0, 20, COUNT, dtype=np.float32)[:, None]
    alignment = aligned(frames, xy)
    astray = alignment.astray()
    assert alignment.misfit() is None
    assert astray is not None
    assert astray.never > 2 * astray.now
    assert astray.now == alignment.votes[None][3]


def test_a_ball_that_is_hard_to_see_may_leave_no_trace(frames):
    xy = flight() + np.linspace(0, 20, COUNT, dtype=np.float32)[:, None]
    assert aligned(frames, xy, np.full(COUNT, Visibility.HARD)).astray() is None


@pytest.mark.parametrize("by", [0, 1, -3])
def test_labels_that_lie_on_the_way_of_the_ball_are_not_astray(frames, by):
    assert aligned(frames, late(flight(), by)).astray() is None


def test_labels_that_are_a_pixel_or_two_off_are_not_astray(frames):
    xy = flight() + np.random.default_rng(0).normal(0, 0.7, (COUNT, 2))
    assert aligned(frames, xy).astray() is None


def test_a_few_places_beside_the_ball_are_not_astray(frames):
    xy = flight()
    xy[:8] += 20
    assert aligned(frames, xy).astray() is None
    xy = flight() + np.float32(20)
    xy[:46] = np.nan  # too few to say
    assert aligned(frames, xy).astray() is None


def test_a_hidden_ball_has_no_vote(frames):
    alignment = aligned(frames, late(flight(), 1), np.full(COUNT, Visibility.OCCLUDED))
    assert not any(alignment.votes[None])


def test_a_clip_shorter_than_the_neighbourhood_has_no_vote(frames):
    assert aligned(frames[:8], flight()[:8]).votes[None] == (0,) * 7


def test_frames_are_never_enlarged_and_keep_their_shape():
    assert small_size((320, 180)) == (320, 180)
    assert small_size((1920, 1080)) == (640, 360)
    assert small_size((1000, 750)) == (640, 480)
