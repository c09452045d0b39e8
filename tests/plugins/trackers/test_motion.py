"""The motion model: a Kalman filter and its smoother, against linear algebra on the whole clip at once."""

from __future__ import annotations

import numpy as np
import pytest

from tracknet_plugins.trackers.motion import Belief, Motion

SIZE = (1280, 720)


@pytest.fixture
def motion() -> Motion:
    return Motion(noise=3.0, speed=50.0, agility=40.0, gravity=200.0)


def test_parameters_are_shares_of_the_image_height() -> None:
    small = Motion.scaled((640, 360), noise=0.01, speed=1.0, agility=2.0, gravity=0.5)

    assert small == Motion(noise=pytest.approx(3.6), speed=360.0, agility=720.0, gravity=180.0)


def test_without_detections_a_ball_falls_by_the_law(motion: Motion) -> None:
    belief = Belief(np.array([[10.0, 20.0], [30.0, -40.0]]), np.diag([9.0, 2500.0]))

    later = motion.predict(belief, 0.5)

    assert later.xy == pytest.approx((10 + 30 * 0.5, 20 - 40 * 0.5 + 200 * 0.25 / 2))
    np.testing.assert_allclose(later.mean[1], (30.0, -40 + 200 * 0.5))
    # P + t^2 V + q t^3 / 3, with q = 40^2.
    assert later.covariance[0, 0] == pytest.approx(9 + 0.25 * 2500 + 1600 * 0.125 / 3)


def test_two_short_steps_are_one_long_step(motion: Motion) -> None:
    belief = Belief(np.array([[10.0, 20.0], [30.0, -40.0]]), np.array([[9.0, 5.0], [5.0, 2500.0]]))

    twice, once = motion.predict(motion.predict(belief, 0.1), 0.3), motion.predict(belief, 0.4)

    np.testing.assert_allclose(twice.mean, once.mean)
    np.testing.assert_allclose(twice.covariance, once.covariance)


def test_a_clock_that_runs_backwards_stands_still(motion: Motion) -> None:
    belief = motion.begin(np.array([5.0, 6.0], dtype=np.float32))

    np.testing.assert_array_equal(motion.predict(belief, -1.0).covariance, belief.covariance)


def test_the_misfit_is_the_distance_in_standard_deviations(motion: Motion) -> None:
    belief = Belief(np.zeros((2, 2)), np.diag([16.0, 1.0]))

    distance, surprise = motion.misfit(belief, np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))

    np.testing.assert_allclose(distance, [1.0, 0.0])  # 5 px, of sqrt(16 + 3^2)
    np.testing.assert_allclose(surprise, [0.5 + np.log(25), np.log(25)])


def test_filter_and_smoother_equal_the_joint_gaussian_of_the_clip(motion: Motion) -> None:
    rng = np.random.default_rng(0)
    seconds = [0.0, 0.1, 0.05, 0.2, 0.1]
    z = rng.normal(0, 20, (5, 2))
    seen = [True, True, False, True, True]

    belief = motion.begin(z[0])
    filtered = [belief]
    for n in range(1, 5):
        belief = motion.predict(belief, seconds[n])
        belief = motion.update(belief, z[n]) if seen[n] else belief
        filtered.append(belief)
    smoothed = motion.smooth(filtered, seconds)

    # All states at once: the mean and the covariance (10 x 10) of (place, velocity) of every frame, before z[1:].
    mean, covariance = [np.array([z[0], (0.0, 0.0)])], np.diag([9.0, 2500.0])
    for n in range(1, 5):
        t = seconds[n]
        step = np.array([[1, t], [0, 1]])
        mean.append(step @ mean[-1] + np.outer([t**2 / 2, t], (0.0, 200.0)))
        last = covariance[-2:]
        corner = step @ last[:, -2:] @ step.T + 1600 * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
        covariance = np.block([[covariance, last.T @ step.T], [step @ last, corner]])
    prior = np.concatenate(mean)
    for upto, beliefs in ((5, smoothed), (4, [filtered[3]])):
        watched = [2 * n for n in range(1, upto) if seen[n]]
        gain = covariance[:, watched] @ np.linalg.inv(covariance[np.ix_(watched, watched)] + 9 * np.eye(len(watched)))
        posterior = prior + gain @ (z[[w // 2 for w in watched]] - prior[watched])
        spread = covariance - gain @ covariance[watched]
        first = 0 if upto == 5 else 3
        for n, one in enumerate(beliefs, start=first):
            np.testing.assert_allclose(one.mean, posterior[2 * n : 2 * n + 2], atol=1e-8)
            np.testing.assert_allclose(one.covariance, spread[2 * n : 2 * n + 2, 2 * n : 2 * n + 2], atol=1e-8)


def test_the_border_of_the_image_is_half_a_pixel_beyond_the_last_centre() -> None:
    def at(x: float, y: float) -> bool:
        return Belief(np.array([[x, y], [0.0, 0.0]]), np.eye(2)).is_inside(SIZE)

    assert at(-0.5, -0.5)
    assert at(1279.5, 719.5)
    assert not at(1279.6, 10.0)
    assert not at(10.0, -0.6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"noise": 0.0}, "noise: 0.0 is out of range. Give a positive share"),
        ({"speed": -1.0}, "speed: -1.0 is out of range"),
        ({"agility": float("inf")}, "agility: inf is out of range"),
        ({"gravity": float("nan")}, "gravity: nan is no acceleration"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    good = {"noise": 0.003, "speed": 1.0, "agility": 4.0, "gravity": 0.0}
    with pytest.raises(ValueError, match=message):
        Motion.scaled(SIZE, **{**good, **parameters})
