"""How a copy of a network is compared with it."""

import math

import pytest
import torch
from torch import Tensor

from tracknet_core.exporting.agreement import Agreement, compare

Results = tuple[Tensor, Tensor, Tensor, Tensor]


def results(logits: float = 0.0, places: tuple[float, ...] = (10, 20, 30), balls: int = 3) -> Results:
    """One window of three frames with two candidates each; the first is a ball in the first ``balls`` frames."""
    xy = torch.zeros(1, 3, 2, 2)
    xy[0, :, 0, 0] = torch.tensor(places)
    present = torch.zeros(1, 3, 2, dtype=torch.bool)
    present[0, :balls, 0] = True
    maps = torch.tensor([-8.0, 2.0, 4.0]).view(1, 3, 1, 1) + logits
    return maps, xy.unsqueeze(-2), present.float(), present


def compared(ours: Results, theirs: Results) -> Agreement:
    return compare(lambda frames: ours, lambda frames: theirs, [torch.zeros(1, 1)])


def test_equal_networks_do_not_differ() -> None:
    same = compared(results(), results())
    assert (same.logits, same.lowest, same.highest) == (0.0, -8.0, 4.0)
    assert same.balls.tolist() == same.copied.tolist() == [1, 1, 1]
    assert same.apart.tolist() == [0.0, 0.0, 0.0]
    assert same.fault() is None
    assert same.fault_of_int8() is None


def test_differences_are_measured() -> None:
    other = compared(results(), results(logits=0.5, places=(13, 20, 30), balls=2))
    assert other.logits == 0.5
    assert other.apart.tolist() == [3.0, 0.0, math.inf]
    assert (other.balls.tolist(), other.copied.tolist()) == ([1, 1, 1], [1, 1, 0])
    assert compared(results(balls=1), results()).apart.tolist() == [0.0, math.inf, math.inf]
    assert other.as_text() == (
        "logits: largest difference 0.5; the network's run from -8.00 to 4.00\n"
        "places: largest difference 3 px, 95 % within 2.8 px, half within 1.5 px, of 2 frames\n"
        "frames: 3; more balls found by the network in 1, by the file in 0"
    )


def test_batches_add_up() -> None:
    calls = iter([results(), results(logits=0.25)])
    both = compare(lambda frames: results(), lambda frames: next(calls), [torch.zeros(1, 1)] * 2)
    assert (both.logits, len(both.balls), len(both.copied), len(both.apart)) == (0.25, 6, 6, 6)


def test_candidates_in_another_order_are_the_same_places() -> None:
    ours, theirs = results(), results()
    ours[3][:] = theirs[3][:] = True
    same = compared(ours, (theirs[0], theirs[1].flip(2), *theirs[2:]))
    assert (same.balls.tolist(), same.apart.tolist()) == ([2, 2, 2], [0.0, 0.0, 0.0])


def test_without_balls_logits_are_compared_but_8_bits_cannot_be_judged() -> None:
    nothing = compared(results(balls=0), results(balls=0))
    assert nothing.apart.tolist() == [0.0, 0.0, 0.0]
    assert "places: not compared, since no ball was found by both\n" in nothing.as_text()
    assert nothing.fault() is None
    fault = nothing.fault_of_int8()
    assert fault is not None
    assert fault.startswith("no ball is found in the frames compared, so that 8 bits cannot be judged. Name data with")


@pytest.mark.parametrize("swapped", [False, True])
def test_a_ball_beside_the_right_one_is_a_fault(swapped: bool) -> None:
    ours, theirs = results(), results()
    theirs[3][0, 1, 1] = True  # at (0, 0), 20 px from the ball of the network
    agreement = compared(theirs, ours) if swapped else compared(ours, theirs)
    assert agreement.apart.tolist() == [0.0, 20.0, 0.0]
    fault, fault_of_int8 = agreement.fault(), agreement.fault_of_int8()
    assert fault is not None
    assert "finds another number of balls than the network in 1 frames" in fault
    assert fault_of_int8 is not None
    assert "in 2 of 3 frames with a ball" in fault_of_int8


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        # The largest logit is -8, so that 0.008 is accepted.
        (results(logits=0.01), "its logits differ by 0.01 from the network's, and 0.008 is accepted"),
        (results(logits=math.nan), "it gives numbers that are not finite on real frames, the network does not."),
        (results(places=(10, 20.5, 30)), "its places differ by 0.5 px, and 0.1 px are accepted"),
        (results(balls=2), "it finds another number of balls than the network in 1 frames"),
    ],
)
def test_more_than_rounding_is_a_fault(theirs: Results, words: str) -> None:
    fault = compared(results(), theirs).fault()
    assert fault is not None
    assert words in fault


def test_rounding_is_none() -> None:
    assert compared(results(), results(logits=0.007, places=(10, 20.05, 30))).fault() is None


def test_another_shape_is_a_fault() -> None:
    ours = results()
    assert compared(ours, (ours[0][..., None], *ours[1:])).logits == math.inf


@pytest.mark.parametrize(("moved", "accepted"), [(1, True), (2, False)])
def test_int8_may_find_another_ball_in_a_tenth_of_the_frames(moved: int, accepted: bool) -> None:
    balls, apart = torch.ones(30, dtype=torch.int64), torch.zeros(30)
    balls[10:] = 0  # frames without a ball are no merit
    apart[:moved] = 5.0  # px; 4 px is as good as the same
    fault = Agreement(1.0, -8.0, 4.0, balls, balls, apart).fault_of_int8()
    assert (fault is None) is accepted
    if fault is not None:
        assert fault == (
            "in 8 bits it finds the network's balls and no others, to within 4 px, in 8 of 10 frames with a ball, and "
            "90% of them are asked for. Leave out --int8."
        )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_told_from_differences(value: float) -> None:
    broken = compared(results(logits=value), results(logits=value))
    for fault in (broken.fault(), broken.fault_of_int8()):
        assert fault is not None
        assert fault.startswith("the network itself gives numbers that are not finite on real frames")
    for part in (1, 2):  # a place, or a score
        theirs = results()
        theirs[part][0, 2, 0] = value
        fault = compared(results(), theirs).fault()
        assert fault is not None
        assert "numbers that are not finite" in fault


def test_what_a_file_says_where_there_is_no_ball_may_be_anything() -> None:
    theirs = results()
    theirs[1][0, :, 1] = theirs[2][0, :, 1] = math.nan
    assert compared(results(), theirs).fault() is None


def test_a_state_that_is_not_finite_is_a_fault() -> None:
    broken = compare(
        lambda _frames, _state: (*results(), torch.ones(1)),
        lambda _frames, _state: (*results(), torch.full((1,), math.nan)),
        [torch.zeros(1, 1)],
        lambda _frames: (torch.zeros(1),),
    )
    assert (broken.finite, broken.copy_finite) == (True, False)


def test_int8_whose_logits_are_no_numbers_is_refused() -> None:
    fault = compared(results(), results(logits=math.nan)).fault_of_int8()
    assert fault is not None
    assert fault.startswith("in 8 bits its logits are no numbers")
