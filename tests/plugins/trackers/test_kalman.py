"""Tracker `kalman`: a motion model that gates, bridges and starts again."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.kalman import Kalman

SIZE = (1280, 720)
GRAVITY = 900 / 720  # image heights per second^2, that of the parabola


def origins(points) -> list[str]:
    return [frame.balls[0].origin if frame.balls else "" for frame in points]


def track(points) -> np.ndarray:
    return np.array([frame.balls[0].xy if frame.balls else (np.nan, np.nan) for frame in points])


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", Kalman)
    check_tracker(Kalman(size=SIZE))
    check_tracker(Kalman(size=(640, 360), max_gap=0), size=(640, 360), fps=120.0)


def test_a_noisy_parabola_comes_out_nearer_to_the_truth_than_it_went_in(clip, parabola) -> None:
    truth = parabola(np.arange(60) / 30)
    noisy = truth + np.random.default_rng(0).normal(0, 4, truth.shape)
    tracker = Kalman(size=SIZE, noise=4 / 720, agility=0.1, gravity=GRAVITY)

    found = track(tracker(clip(*([(x, y, 0.9)] for x, y in noisy))))

    before = np.sqrt(np.square(noisy - truth).sum(axis=1).mean())
    after = np.sqrt(np.square(found - truth).sum(axis=1)[10:].mean())
    assert before == pytest.approx(4 * 2**0.5, rel=0.1)
    assert after < 0.65 * before


@pytest.mark.parametrize(("gravity", "tolerance"), [(GRAVITY, 1.0), (0.0, 25.0)])
def test_a_gap_of_five_frames_is_bridged(clip, parabola, gravity: float, tolerance: float) -> None:
    truth = parabola(np.arange(40) / 30)
    frames = [[] if 20 <= n < 25 else [(x, y, 0.8)] for n, (x, y) in enumerate(truth)]
    tracker = Kalman(size=SIZE, agility=0.3, gravity=gravity, max_gap=5, decay=0.5)

    points = list(tracker(clip(*frames)))

    assert origins(points) == ["detected"] * 20 + ["predicted"] * 5 + ["detected"] * 15
    error = np.linalg.norm(track(points) - truth, axis=1)
    # Without gravity a prediction misses what the ball falls in 5 frames: 450 * (5 / 30)^2 = 12.5 px, and its lag.
    assert error[20:25].max() < tolerance
    assert [frame.balls[0].score for frame in points[20:25]] == pytest.approx([0.4, 0.2, 0.1, 0.05, 0.025])


def test_a_streak_moves_with_its_middle_and_keeps_its_ends_where_it_is_predicted(clip, parabola, streaks) -> None:
    frames = clip(*([] if 20 <= n < 23 else [(x, y, 0.8)] for n, (x, y) in enumerate(parabola(np.arange(40) / 30))))

    plain, streaked = list(Kalman(size=SIZE)(frames)), list(Kalman(size=SIZE)(streaks(frames)))

    assert origins(streaked) == origins(plain) == ["detected"] * 20 + ["predicted"] * 3 + ["detected"] * 17
    np.testing.assert_allclose(track(streaked), track(plain), atol=1e-3)
    for frame in streaked:
        np.testing.assert_allclose(np.array(frame.balls[0].points) - frame.balls[0].xy, [[-6, -2], [6, 2]], atol=1e-3)


def test_after_max_gap_frames_the_track_ends_and_another_begins_anywhere(clip) -> None:
    steady = [(100.0, 100.0, 0.9)]
    frames = clip(*[steady] * 5, *[[]] * 4, [(900, 500, 0.9)], [])

    points = list(Kalman(size=SIZE, max_gap=3)(frames))

    assert origins(points) == ["detected"] * 5 + ["predicted"] * 3 + ["", "detected", ""]
    assert points[9].balls[0].xy == (900.0, 500.0)


def test_a_single_false_detection_holds_no_one_up(clip) -> None:
    ball = [(600.0 + 10 * n, 300.0, 0.9) for n in range(6)]
    frames = clip([(50, 50, 0.6)], *([place] for place in ball))

    points = list(Kalman(size=SIZE, speed=0.1)(frames))

    np.testing.assert_allclose(track(points)[1], (600.0, 300.0))
    assert origins(points) == ["detected"] * 7


def test_a_better_score_far_from_the_prediction_is_not_the_ball(clip) -> None:
    frames = [[(300.0 + 20 * n, 300.0, 0.6)] for n in range(10)]
    frames[6] = [(1000.0, 700.0, 0.99), *frames[6]]

    points = list(Kalman(size=SIZE)(clip(*frames)))

    assert np.abs(track(points)[6] - (420, 300)).max() < 2
    assert points[6].balls[0].score == pytest.approx(0.6)


def test_of_two_detections_inside_of_the_gate_score_times_density_decides(clip) -> None:
    # After ten detections at rest the place is known to a few pixels; 10 px beside costs more than a fifth of a score.
    still = [[(300.0, 300.0, 0.9)] for _ in range(10)]
    tracker = Kalman(size=SIZE, agility=0.1)
    near, far = (300.0, 300.0), (306.0, 300.0)

    def chosen(score: float) -> float:
        last = sorted([(*near, 0.5), (*far, score)], key=lambda place: -place[2])
        return list(tracker(clip(*still, last)))[-1].balls[0].score

    assert chosen(0.6) == pytest.approx(0.5)
    assert chosen(50.0) == pytest.approx(50.0)  # scores need not be probabilities


def test_the_gate_grows_with_the_age_of_the_track(clip) -> None:
    still = [[(300.0, 300.0, 0.9)]] * 6
    jump = [(380.0, 300.0, 0.9)]
    tracker = Kalman(size=SIZE, max_gap=5)

    at_once, later = list(tracker(clip(*still, jump))), list(tracker(clip(*still, [], [], [], jump)))

    assert origins(at_once)[-1] == "predicted"
    assert origins(later)[-1] == "detected"
    assert later[-1].balls[0].xy[0] > 370


def test_the_clock_of_the_frames_counts(clip) -> None:
    # The same flight at 600 px/s, seen at uneven times: with a fixed rate these would be jumps.
    times = np.cumsum([0, 1, 1, 3, 1, 2, 1, 4, 1, 1]) / 60
    frames = clip(*([(100 + 600 * t, 300.0, 0.9)] for t in times), times=times)

    points = list(Kalman(size=SIZE, agility=0.1)(frames))

    assert origins(points) == ["detected"] * 10
    np.testing.assert_allclose(track(points)[3:, 0], 100 + 600 * times[3:], atol=1)


def test_a_prediction_outside_of_the_image_is_no_ball_but_the_track_goes_on(clip) -> None:
    # The ball leaves at the top and comes back by gravity.
    times = np.arange(30) / 30
    y = 80 - 400 * times + 450 * times**2  # below 0 from frame 10 to frame 17
    frames = [[(300.0, height, 0.9)] if height >= 0 else [] for height in y]
    hidden = [n for n, height in enumerate(y) if height < -0.5]

    points = list(Kalman(size=SIZE, agility=0.3, gravity=GRAVITY, max_gap=15)(clip(*frames)))

    assert hidden == [*range(10, 18)]
    assert [n for n, frame in enumerate(points) if not frame.balls] == hidden
    np.testing.assert_allclose(track(points)[hidden[-1] + 2 :, 1], y[hidden[-1] + 2 :], atol=3)


def test_the_same_flight_in_a_smaller_video_is_tracked_alike(clip, parabola) -> None:
    truth = parabola(np.arange(30) / 30) + np.random.default_rng(0).normal(0, 2, (30, 2))
    frames = [[] if n % 7 == 6 else [(x, y, 0.8)] for n, (x, y) in enumerate(truth)]
    halves = [[(x / 2, y / 2, score) for x, y, score in places] for places in frames]

    large, small = list(Kalman(size=SIZE)(clip(*frames))), list(Kalman(size=(640, 360))(clip(*halves)))

    assert origins(large) == origins(small)
    np.testing.assert_allclose(track(large), 2 * track(small), rtol=1e-4)


def test_a_stream_without_an_end_is_followed_as_it_comes(clip) -> None:
    def stream():
        while True:
            yield from clip([(300, 300, 0.9)])

    assert origins(islice(Kalman(size=SIZE)(stream()), 100)) == ["detected"] * 100


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gate": 0.0}, "gate: 0.0 is no distance"),
        ({"max_gap": -1}, "max_gap: -1 is no number of frames"),
        ({"confirm": 0}, "confirm: 0 is no number of detections"),
        ({"decay": 1.5}, "decay: 1.5 is no factor"),
        ({"noise": -0.1}, "noise: -0.1 is out of range"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Kalman(size=SIZE, **parameters)
