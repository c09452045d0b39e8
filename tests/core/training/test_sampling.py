"""Which training windows are drawn."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tracknet_core.config import Sampling
from tracknet_core.contracts import Clip, Visibility, plain_labels
from tracknet_core.errors import ConfigError
from tracknet_core.training.sampling import TrainingPlaces, sampling_rates

CheckWindow = Callable[..., None]

LENGTHS = (1, 2, 3, 4, 8)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_the_number_of_training_windows_does_not_depend_on_the_draw(
    length: int, stride: int, check_window: CheckWindow
) -> None:
    lengths = range(1, 30)
    places = TrainingPlaces(lengths, length, stride)
    for clip, frames in enumerate(lengths):
        starts = set()
        possible = max(1, frames - length + 1)
        for phase in range(64):
            windows = places(clip, phase * 2**16 // 64 + 2**16)
            assert len(windows) == max(1, possible // stride)
            for place in windows:
                check_window(place, clip, frames, length)
            firsts = [int(place.numbers[0]) for place in windows]
            # As even as whole frames allow.
            assert len(set(np.diff(firsts))) <= 2
            assert all(stride <= step <= -(-possible // len(windows)) for step in np.diff(firsts))
            starts.update(firsts)
        # Over the draws every window of the clip has its turn.
        assert starts == set(range(possible))


def test_windows_come_in_proportion_to_their_rates() -> None:
    rates = [np.array([0, 0.5, 1, 2.5, 0, 1], np.float32), np.array([0.25, 0.25], np.float32), np.zeros(3, np.float32)]
    places = TrainingPlaces([6, 2, 3], 1, 1, rates)
    for clip, count in enumerate((5, 1, 0)):
        drawn = Counter(int(place.numbers[0]) for phase in range(256) for place in places(clip, phase * 2**16 // 256))
        assert sum(drawn.values()) == 256 * count
        for start, rate in enumerate(rates[clip]):
            assert drawn[start] == pytest.approx(256 * count * rate / max(rates[clip].sum(), 1e-9), abs=1)


def test_a_stride_thins_the_windows_that_are_drawn() -> None:
    rates = [np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32)]
    assert {len(TrainingPlaces([8], 1, 2, rates)(0, draw)) for draw in range(0, 2**16, 999)} == {2}
    assert {int(p.numbers[0]) for draw in (0, 2**15) for p in TrainingPlaces([8], 1, 2, rates)(0, draw)} == {4, 5, 6, 7}


def test_a_clip_shorter_than_the_window_repeats_its_last_frame_and_does_not_count_it() -> None:
    (place,) = TrainingPlaces([2], 4, 1)(0, 5)
    assert place.numbers.tolist() == [0, 1, 1, 1]
    assert place.counted.tolist() == [True, True, False, False]


ABSENT, EASY, HIDDEN, UNKNOWN = Visibility.ABSENT, Visibility.EASY, Visibility.OCCLUDED, Visibility.UNLABELLED


def labelled(clip: Callable[..., Clip], name: str, codes: list[Visibility], weight: float = 1.0) -> Clip:
    made = clip(name, len(codes))
    return made.replace(labels=plain_labels(made.xy, np.array(codes, dtype=np.int64)), weight=weight)


def test_windows_without_a_label_are_not_drawn(clip: Callable[..., Clip]) -> None:
    clips = [labelled(clip, "a", [UNKNOWN, UNKNOWN, UNKNOWN, EASY, ABSENT, UNKNOWN]), labelled(clip, "b", [UNKNOWN])]
    rates = sampling_rates(clips, 2, Sampling())
    np.testing.assert_array_equal(rates[0], [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(rates[1], [0])


def test_the_share_of_windows_with_a_ball_is_as_asked(clip: Callable[..., Clip]) -> None:
    clips = [labelled(clip, "a", [ABSENT] * 7 + [EASY]), labelled(clip, "b", [EASY, HIDDEN, UNKNOWN, ABSENT])]
    rates = sampling_rates(clips, 1, Sampling(ball=0.5))
    # 11 windows with a label: 2 with a visible ball, 9 without.
    np.testing.assert_allclose(rates[0], [11 / 18] * 7 + [11 / 4], rtol=1e-6)
    np.testing.assert_allclose(rates[1], [11 / 4, 11 / 18, 0, 11 / 18], rtol=1e-6)


def test_clips_are_drawn_by_weight_and_factor_in_an_epoch_of_the_same_length(clip: Callable[..., Clip]) -> None:
    clips = [labelled(clip, "match1/1", [EASY] * 4, 0.5), labelled(clip, "match2/1", [EASY] * 4)]
    rates = sampling_rates(clips, 1, Sampling(clips={"match2/*": 1.5}))
    # 0.5 to 1.5 is 1 to 3, over 8 windows in all.
    np.testing.assert_allclose(rates[0], [0.5] * 4)
    np.testing.assert_allclose(rates[1], [1.5] * 4)


def test_a_pattern_that_matches_no_clip_and_nothing_to_draw_are_told(clip: Callable[..., Clip]) -> None:
    clips = [labelled(clip, "match1/1", [EASY, ABSENT])]
    with pytest.raises(
        ConfigError, match=r"data\.sampling\.clips: 'match7/\*' matches none of the clips, such as match1/1"
    ):
        sampling_rates(clips, 1, Sampling(clips={"match7/*": 2.0}))
    with pytest.raises(ConfigError, match="no window of the training clips has a label"):
        sampling_rates(clips, 1, Sampling(clips={"*": 0.0}))
