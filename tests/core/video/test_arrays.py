"""Frames that are arrays already."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tracknet_core.contracts import UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.video import ArrayFrames, PassingFrames

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 8, 12, 3), dtype=np.uint8)


def test_an_array_is_read_by_number() -> None:
    source = ArrayFrames(FRAMES, fps=4)
    assert (len(source), source.size, source.fps, source.fingerprint()) == (5, (12, 8), 4, None)
    assert source.times == [0, 0.25, 0.5, 0.75, 1.0]
    (first, last) = source.read([0, 4])
    np.testing.assert_array_equal(last, FRAMES[4])
    assert np.shares_memory(first, FRAMES)
    with pytest.raises(DataError, match="no frame 5"):
        source.read([5])


def test_resizing_averages() -> None:
    (frame,) = ArrayFrames(np.full((1, 8, 12, 3), 7, np.uint8), fps=4).read([0], (6, 4))
    np.testing.assert_array_equal(frame, np.full((4, 6, 3), 7))


def test_a_view_with_other_strides_is_taken() -> None:
    flipped = FRAMES[:, ::-1, :, ::-1]  # BGR upside down
    (frame,) = ArrayFrames(flipped, fps=4).read([2], (6, 4))
    (whole,) = ArrayFrames(flipped.copy(), fps=4).read([2], (6, 4))
    np.testing.assert_array_equal(frame, whole)


def test_frames_pass_once() -> None:
    source = PassingFrames(iter(FRAMES), fps=4)
    assert (source.size, source.fps, source.is_live) == ((12, 8), 4, True)
    played = list(source.play())
    assert [(frame.number, frame.time) for frame in played] == [(n, n / 4) for n in range(5)]
    np.testing.assert_array_equal(played[3].picture, FRAMES[3])
    assert list(source.play()) == []


@pytest.mark.parametrize("size", [None, (12, 8), (6, 4)])
def test_the_next_frame_may_come_in_the_memory_of_the_last(size: tuple[int, int] | None) -> None:
    def levels() -> Iterator[UInt8Array]:
        memory = np.zeros((8, 12, 3), np.uint8)
        for level in range(4):
            memory[:] = level
            yield memory

    played = list(PassingFrames(levels(), fps=4).play(size))
    assert [int(frame.picture.max()) for frame in played] == [0, 1, 2, 3]
