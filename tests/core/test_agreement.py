"""How a copy of a network is compared with it."""

import math

import pytest
import torch
from torch import Tensor

from tracknet_core.agreement import Agreement, compare

Results = tuple[Tensor, Tensor, Tensor, Tensor]


def results(logits: float = 0.0, places: tuple[float, ...] = (10, 20, 30), balls: int = 3) -> Results:
    """One window of three frames with two candidates each; the first is a ball in the first ``balls`` frames."""
    xy = torch.zeros(1, 3, 2, 2)
    xy[0, :, 0, 0] = torch.tensor(places)
    present = torch.zeros(1, 3, 2, dtype=torch.bool)
    present[0, :balls, 0] = True
    maps = torch.tensor([-8.0, 2.0, 4.0]).view(1, 3, 1, 1) + logits
    return maps, xy, present.float(), present


def compared(ours: Results, theirs: Results) -> Agreement:
    return compare(lambda frames: ours, lambda frames: theirs, [torch.zeros(1)])


def test_equal_networks_do_not_differ() -> None:
    same = compared(results(), results())
    assert (same.logits, same.lowest, same.highest, same.frames) == (0.0, -8.0, 4.0, 3)
    assert same.places.tolist() == [0.0, 0.0, 0.0]
    assert same.fault() is None
    assert same.fault_of_int8() is None


def test_differences_are_measured() -> None:
    other = compared(results(), results(logits=0.5, places=(13, 20, 30), balls=2))
    assert other.logits == 0.5
    assert other.places.tolist() == [3.0, 0.0]
    assert (other.lost, other.invented) == (1, 0)
    assert compared(results(balls=1), results()).invented == 2
    assert other.as_text() == (
        "logits: largest difference 0.5; the network's run from -8.00 to 4.00\n"
        "places: largest difference 3 px, 95 % within 2.8 px, half within 1.5 px, of 2 balls\n"
        "frames: 3; a ball found by the network only in 1, by the file only in 0"
    )


def test_batches_add_up() -> None:
    calls = iter([results(), results(logits=0.25)])
    both = compare(lambda frames: results(), lambda frames: next(calls), [torch.zeros(1)] * 2)
    assert (both.logits, both.frames, len(both.places)) == (0.25, 6, 6)


def test_candidates_in_another_order_are_the_same_places() -> None:
    ours, theirs = results(), results()
    ours[3][:] = theirs[3][:] = True
    assert compared(ours, (theirs[0], theirs[1].flip(2), *theirs[2:])).places.tolist() == [0.0] * 6


def test_without_balls_places_are_not_compared() -> None:
    nothing = compared(results(balls=0), results(balls=0))
    assert "places: not compared, since no ball was found by both\n" in nothing.as_text()
    assert nothing.fault() is None
    assert nothing.fault_of_int8() is None


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        # The largest logit is -8, so that 0.008 is accepted.
        (results(logits=0.01), "its logits differ by 0.01 from the network's, and 0.008 is accepted"),
        (results(logits=math.nan), "differ by inf"),
        (results(places=(10, 20.5, 30)), "its places differ by 0.5 px, and 0.1 px are accepted"),
        (results(balls=2), "disagrees with the network on the presence of a ball in 1 frames"),
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
    places = torch.zeros(10)
    places[:moved] = 5.0  # px; 4 px is as good as the same
    agreement = Agreement(1.0, -8.0, 4.0, places, frames=10, lost=0, invented=0)
    fault = agreement.fault_of_int8()
    assert (fault is None) is accepted
    if fault is not None:
        assert fault == (
            "in 8 bits it finds the network's balls, to within 4 px, in 80% of the frames, and 90% are asked for."
        )


def test_int8_whose_logits_are_no_numbers_is_refused() -> None:
    assert compared(results(balls=0), results(balls=0, logits=math.nan)).fault_of_int8() is not None
