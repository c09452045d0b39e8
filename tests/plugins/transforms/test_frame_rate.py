from collections import Counter

import numpy as np
import pytest

from tracknet_core.contracts import Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.frame_rate import FrameRate


def window_of(frames: int, background: bool = False) -> Window:
    """Frames as bright as their number, with a ball at x = number; a background of 99."""
    numbers = np.arange(frames)
    shown = np.append(numbers, 99) if background else numbers
    pictures = np.zeros((len(shown), 4, 6, 3), np.uint8) + shown.astype(np.uint8)[:, None, None, None]
    return Window(
        pictures, plain_labels(np.stack((numbers, 0 * numbers), axis=1).astype(np.float32), np.ones(frames, np.int64))
    )


def numbers(window: Window) -> tuple[int, ...]:
    return tuple(window.frames[:, 0, 0, 0].tolist())


@pytest.mark.parametrize("steps", [(1, 2), (1, 1), (3, 3), (2, 4)])
def test_it_keeps_the_contract_of_its_kind(steps: tuple[int, int]) -> None:
    check_constructor("transforms", FrameRate)
    check_transform(FrameRate(steps=steps))


def test_windows_come_in_long_enough_for_the_greatest_step() -> None:
    # 3 frames, 4 apart: 0, 4, 8.
    assert FrameRate(steps=(1, 4)).input_frames(3) == 9
    assert FrameRate(steps=(1, 4)).input_frames(1) == 1
    assert FrameRate(steps=(1, 1)).input_frames(8) == 8


def test_every_step_and_every_place_of_it_are_drawn() -> None:
    rate, rng = FrameRate(steps=(1, 2)), np.random.default_rng(0)
    kept = Counter(numbers(rate(window_of(5), rng)) for _ in range(1200))
    # Steps 1 and 2 each in half of the windows; step 1 in three places.
    assert {*kept} == {(0, 2, 4), (0, 1, 2), (1, 2, 3), (2, 3, 4)}
    assert 540 < kept[0, 2, 4] < 660
    assert min(kept.values()) > 150


def test_labels_go_with_the_frames_and_the_background_stays_last() -> None:
    rate, rng = FrameRate(steps=(2, 2)), np.random.default_rng(0)
    kept = rate(window_of(5, background=True), rng)
    assert numbers(kept) == (0, 2, 4, 99)
    assert kept.xy[:, 0].tolist() == [0, 2, 4]
    assert len(kept) == 3


def test_two_of_them_multiply() -> None:
    first, second = FrameRate(steps=(2, 2)), FrameRate(steps=(3, 3))
    length = first.input_frames(second.input_frames(2))
    rng = np.random.default_rng(0)
    assert numbers(second(first(window_of(length), rng), rng)) == (0, 6)


@pytest.mark.parametrize("steps", [(0, 2), (3, 2), (1,)])
def test_a_range_that_is_none_is_refused(steps: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"steps=\[.*\[least, greatest\] in frames, at least 1"):
        FrameRate(steps=steps)
