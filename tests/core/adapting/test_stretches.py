"""Videos in stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tracknet_core.adapting.stretches import LENGTH, cut_stretches
from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.frame_views import Excerpt


class Numbers(FrameSource):
    """Frames of one pixel that is their number."""

    size = (1, 1)
    fps = 10.0

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> str:
        return f"{self.count} numbers"

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        yield from (np.full((1, 1, 3), index, np.uint8) for index in indices)


def test_a_stretch_is_a_clip_of_its_own() -> None:
    stretch = Excerpt(Numbers(100), 40, 5)

    assert [int(frame[0, 0, 0]) for frame in stretch.read([0, 3])] == [40, 43]
    assert [(frame.number, int(frame.picture[0, 0, 0])) for frame in stretch.play(start=3)] == [(3, 43), (4, 44)]
    assert (len(stretch), stretch.size, stretch.fps) == (5, (1, 1), 10.0)
    assert stretch.times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert stretch.fingerprint() != Excerpt(Numbers(100), 41, 5).fingerprint()


def test_short_videos_are_taken_whole_and_every_fifth_stretch_is_held_out() -> None:
    learned, held_out = cut_stretches([Numbers(2 * LENGTH + 7), Numbers(3 * LENGTH + 70)], most=10**6, least=10)

    assert [len(stretch) for stretch in held_out] == [LENGTH]
    assert sum(map(len, learned)) + LENGTH == 5 * LENGTH + 70


def test_of_long_ones_as_much_is_taken_as_was_asked_for_evenly() -> None:
    learned, held_out = cut_stretches([Numbers(100 * LENGTH)], most=10 * LENGTH, least=10)

    assert (len(learned), len(held_out)) == (8, 2)
    firsts = sorted(int(str(stretch.fingerprint()).split()[-1].partition("+")[0]) for stretch in [*learned, *held_out])
    assert np.diff(firsts).tolist() == [10 * LENGTH] * 9


def test_too_little_video_is_told() -> None:
    with pytest.raises(DataError, match=r"VIDEO: 300 frames are too few .* at least 450 frames"):
        cut_stretches([Numbers(2 * LENGTH)], most=10**6, least=10)
