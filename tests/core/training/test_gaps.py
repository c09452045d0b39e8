"""Gaps hidden in true trajectories."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import pytest

from tracknet_core.contracts import Candidates, Clip, TrackedFrame, Tracker, TrackPoint, Visibility, plain_labels
from tracknet_core.training.gaps import LONGEST, NOISE, SHORTEST, gap_errors, hide
from tracknet_plugins.trackers.none import NoTracker


class Beside(Tracker):
    """Knows the truth, and says a place 3 px to the right of it and 4 px below; another ball is less sure."""

    delay = math.inf

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        for frame in frames:
            x, y = self._clip.xy[frame.number].tolist()
            balls = (TrackPoint.at((0.0, 0.0), 0.1), TrackPoint.at((x + 3, y + 4), 0.5, "filled", 1))
            yield TrackedFrame(frame.number, frame.time, balls)


@pytest.fixture
def flying(clip) -> Clip:
    """A ball that flies in a straight line, but is not there from frame 100 to 109."""
    frames = clip("one", 300).frames
    xy = np.stack([2.0 * np.arange(300), 50 + 1.0 * np.arange(300)], axis=1).astype(np.float32)
    xy[100:110] = np.nan
    codes = np.where(np.isnan(xy[:, 0]), Visibility.ABSENT, Visibility.EASY).astype(np.int64)
    return Clip("one", frames, plain_labels(xy, codes))


def test_gaps_are_3_to_15_frames_where_places_are_known_and_5_frames_apart(flying: Clip) -> None:
    hidden = hide(flying)
    runs = [(is_there, len(list(run))) for is_there, run in groupby(len(one.score) > 0 for one in hidden.candidates)]
    lengths = [length for is_there, length in runs if not is_there]
    assert 10 in lengths  # the one that was there before
    assert all(SHORTEST <= length <= LONGEST for length in lengths)
    assert all(length >= 5 for is_there, length in runs if is_there)
    assert len(hidden.gaps) == sum(lengths) - 10
    assert not set(hidden.gaps) & set(range(100, 110))
    for number, length in hidden.gaps.items():
        assert not len(hidden.candidates[number].score)
        assert SHORTEST <= length <= LONGEST
    off = np.array([one.xy[0] - flying.xy[one.number] for one in hidden.candidates if len(one.score)])
    assert off.std() == pytest.approx(NOISE, rel=0.2)
    assert hide(flying).gaps == hidden.gaps != hide(flying, seed=1).gaps


def test_errors_are_distances_and_nothing_where_nothing_was_said(flying: Clip) -> None:
    hidden = hide(flying)
    nothing = gap_errors([hidden], lambda _fps, _size: NoTracker())
    assert len(nothing) == len(hidden.gaps)
    assert all(math.isnan(frame.error) for frame in nothing)
    beside = gap_errors([hidden], lambda _fps, _size: Beside(flying))
    assert [frame.gap for frame in beside] == list(hidden.gaps.values())
    assert [frame.error for frame in beside] == pytest.approx([5.0] * len(hidden.gaps))
