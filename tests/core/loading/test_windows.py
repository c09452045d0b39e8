"""Where windows lie."""

from collections.abc import Callable

import numpy as np
import pytest

from tracknet_core.contracts import WindowSpec
from tracknet_core.loading.windows import EvaluationPlaces

CheckWindow = Callable[..., None]

LENGTHS = (1, 2, 3, 4, 8)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("outputs", ["all", "middle", "last", "first two"])
def test_evaluation_reports_every_frame_exactly_once(length: int, outputs: str, check_window: CheckWindow) -> None:
    targets = {
        "all": tuple(range(length)),
        "middle": (length // 2,),
        "last": (length - 1,),
        "first two": tuple(range(min(2, length))),
    }[outputs]
    lengths = range(1, 30)
    places = EvaluationPlaces(lengths, WindowSpec(length, targets, False, (64, 48)))
    for clip, frames in enumerate(lengths):
        windows = places(clip, 0)
        for place in windows:
            check_window(place, clip, frames, length)
            assert set(np.flatnonzero(place.counted)) <= set(targets)
        reported = np.concatenate([place.numbers[place.counted] for place in windows])
        assert reported.tolist() == list(range(frames))
        assert [p.numbers[0] for p in windows] == sorted(p.numbers[0] for p in windows)


def test_the_last_window_of_evaluation_moves_back_into_the_clip() -> None:
    windows = EvaluationPlaces([7], WindowSpec(3, (0, 1, 2), False, (64, 48)))(0, 0)
    assert [place.numbers.tolist() for place in windows] == [[0, 1, 2], [3, 4, 5], [4, 5, 6]]
    assert [place.counted.tolist() for place in windows] == [[True] * 3, [True] * 3, [False, False, True]]


def test_evaluation_repeats_the_first_frame_before_a_clip_and_the_last_after_it() -> None:
    windows = EvaluationPlaces([3], WindowSpec(3, (1,), False, (64, 48)))(0, 0)
    assert [place.numbers.tolist() for place in windows] == [[0, 0, 1], [0, 1, 2], [1, 2, 2]]
    assert all(place.counted.tolist() == [False, True, False] for place in windows)
