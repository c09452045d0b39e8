"""Tracker `smooth`: both directions of time; outliers go, gaps are filled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers import smooth
from tracknet_plugins.trackers.kalman import Kalman
from tracknet_plugins.trackers.smooth import Smooth

SIZE = (1280, 720)


def origins(points) -> list[str]:
    return [frame.balls[0].origin if frame.balls else "" for frame in points]


def track(points) -> np.ndarray:
    return np.array([frame.balls[0].xy if frame.balls else (np.nan, np.nan) for frame in points])


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", Smooth)
    check_tracker(Smooth(size=SIZE))
    check_tracker(Smooth(size=(640, 360), max_gap=0, confirm=1), size=(640, 360), fps=120.0)
    assert Smooth.delay == math.inf


def test_the_future_makes_a_noisy_parabola_truer_than_the_filter_alone(clip, parabola) -> None:
    truth = parabola(np.arange(60) / 30)
    noisy = truth + np.random.default_rng(0).normal(0, 4, truth.shape)
    frames = clip(*([(x, y, 0.9)] for x, y in noisy))
    parameters = {"size": SIZE, "noise": 4 / 720, "agility": 1.0}

    def error(places: np.ndarray) -> float:
        return float(np.sqrt(np.square(places - truth).sum(axis=1).mean()))

    filtered, smoothed = track(Kalman(**parameters)(frames)), track(Smooth(**parameters)(frames))

    assert error(smoothed) < 0.8 * error(filtered)
    assert error(smoothed) < 0.6 * error(noisy)


def test_a_gap_is_filled_from_both_sides(clip, parabola) -> None:
    truth = parabola(np.arange(40) / 30)
    frames = [[] if 20 <= n < 25 else [(x, y, 0.8)] for n, (x, y) in enumerate(truth)]

    points = list(Smooth(size=SIZE, max_gap=5, decay=0.5)(clip(*frames)))

    assert origins(points) == ["detected"] * 20 + ["filled"] * 5 + ["detected"] * 15
    # A cubic through a gap of 6 steps, without gravity in the model: a parabola is nearly met.
    assert np.linalg.norm(track(points) - truth, axis=1)[20:25].max() < 1.5
    assert [frame.balls[0].score for frame in points[20:25]] == pytest.approx([0.4, 0.2, 0.1, 0.2, 0.4])


def test_a_streak_keeps_its_ends_where_it_is_filled(clip, parabola, streaks) -> None:
    frames = clip(*([] if 20 <= n < 25 else [(x, y, 0.8)] for n, (x, y) in enumerate(parabola(np.arange(40) / 30))))
    turned = streaks(frames)
    turned[25:] = [
        replace(frame, points=frame.points[:, :, ::-1] - frame.xy[:, None, ::-1] + frame.xy[:, None])
        for frame in turned[25:]
    ]

    points = list(Smooth(size=SIZE, max_gap=5)(turned))

    assert origins(points) == ["detected"] * 20 + ["filled"] * 5 + ["detected"] * 15
    np.testing.assert_allclose(track(points), track(Smooth(size=SIZE, max_gap=5)(frames)), atol=1e-2)
    ends = [np.array(frame.balls[0].points) - frame.balls[0].xy for frame in points]
    np.testing.assert_allclose(ends[:23], [[[-6, -2], [6, 2]]] * 23, atol=1e-3)  # those of the nearer side
    np.testing.assert_allclose(ends[23:], [[[-2, -6], [2, 6]]] * 17, atol=1e-3)


def test_a_gap_longer_than_max_gap_and_the_ends_stay_empty(clip, parabola) -> None:
    truth = parabola(np.arange(40) / 30)
    frames = [[] if 20 <= n < 25 or n < 3 or n > 36 else [(x, y, 0.8)] for n, (x, y) in enumerate(truth)]

    points = list(Smooth(size=SIZE, max_gap=4)(clip(*frames)))

    assert origins(points) == [""] * 3 + ["detected"] * 17 + [""] * 5 + ["detected"] * 12 + [""] * 3


def test_an_outlier_that_the_filter_took_is_dropped_and_filled(clip) -> None:
    frames = [[(200.0 + 10 * n, 300.0, 0.9)] for n in range(30)]
    frames[15] = [(350.0, 330.0, 0.9)]  # 30 px beside; the filter, which takes it, then misses the next
    tracker = Smooth(size=SIZE, agility=4.0)

    points = list(tracker(clip(*frames)))

    assert origins(Kalman(size=SIZE, agility=4.0)(clip(*frames)))[15:17] == ["detected", "predicted"]
    assert origins(points) == ["detected"] * 15 + ["filled"] + ["detected"] * 14
    np.testing.assert_allclose(track(points), [(200 + 10 * n, 300) for n in range(30)], atol=0.5)


def test_detections_that_stand_alone_are_dropped_unless_one_is_enough(clip) -> None:
    frames = clip([(100, 100, 0.9)], [], [], [(900, 600, 0.9)], [(905, 600, 0.9)], [(910, 600, 0.9)], [])

    assert origins(Smooth(size=SIZE)(frames)) == ["", "", "", "detected", "detected", "detected", ""]
    alone = list(Smooth(size=SIZE, confirm=1, max_gap=0)(frames))
    assert origins(alone) == ["detected", "", "", "detected", "detected", "detected", ""]
    assert alone[0].balls[0].xy == (100.0, 100.0)


def test_a_filled_place_is_never_outside_of_the_image(clip) -> None:
    times = np.arange(30) / 30
    y = 80 - 400 * times + 450 * times**2
    frames = [[(300.0, height, 0.9)] if height >= 20 else [] for height in y]

    points = list(Smooth(size=SIZE, agility=1.0, gravity=900 / 720, max_gap=20)(clip(*frames)))

    assert [n for n, frame in enumerate(points) if not frame.balls] == [*range(10, 18)]  # where y < 0
    assert "filled" in origins(points)


def test_an_outlier_at_the_beginning_leaves_the_rest_alone(clip) -> None:
    frames = [[(200.0 + 10 * n, 300.0, 0.9)] for n in range(20)]
    frames[0] = [(190.0, 370.0, 0.9)]

    points = list(Smooth(size=SIZE, speed=0.5)(clip(*frames)))

    assert len(points) == 20
    np.testing.assert_allclose(track(points)[2:], [(200 + 10 * n, 300) for n in range(2, 20)], atol=1.5)


def endless(count: int) -> list[list[tuple[float, float, float]]]:
    """One track without an end: a ball on a circle, found badly, with gaps and outliers."""
    rng = np.random.default_rng(0)
    frames = []
    for n in range(count):
        x, y = 640 + 300 * np.cos(n / 100), 360 + 200 * np.sin(n / 100)
        place = (x + rng.normal(0, 2), y + rng.normal(0, 2) + (30 if n % 97 == 0 else 0), 0.9)
        frames.append([] if n % 31 in (7, 8, 9) else [place])
    return frames


def test_a_long_track_comes_in_pieces_that_fit_together(clip, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = clip(*endless(1200))
    parameters = {"size": SIZE, "noise": 4 / 720, "agility": 0.3}  # what is far counts more than by default
    in_pieces = list(Smooth(**parameters)(frames))
    monkeypatch.setattr(smooth, "MARGIN", 2000)
    at_once = list(Smooth(**parameters)(frames))

    assert origins(in_pieces) == origins(at_once)
    np.testing.assert_allclose(track(in_pieces), track(at_once), atol=1e-6)
    assert len({*origins(at_once)} & {"detected", "filled"}) == 2


def test_a_track_without_an_end_is_not_held(clip) -> None:
    asked = 0

    def counted():
        nonlocal asked
        for frame in clip(*endless(1500)):
            asked += 1
            yield frame

    waiting = [asked - given for given, _ in enumerate(Smooth(size=SIZE)(counted()), 1)]

    assert len(waiting) == 1500
    assert max(waiting) < 700


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gate": 0.0}, "gate: 0.0 is no distance"),
        ({"decay": -0.5}, "decay: -0.5 is no factor"),
        ({"max_gap": -1}, "max_gap: -1 is no number of frames"),
        ({"speed": 0.0}, "speed: 0.0 is out of range"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Smooth(size=SIZE, **parameters)
