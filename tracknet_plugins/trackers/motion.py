"""How a ball moves between frames: a Kalman filter with gravity, and its smoother.

The state is the place and the velocity of a ball in the image, in pixels and pixels per second of the original
video. Both axes have the same noise and do not depend on each other, so that one 2 x 2 covariance holds for both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray, Size

Array = npt.NDArray[np.float64]


class Belief(NamedTuple):
    """What is known of a ball at one time.

    Attributes:
        mean: (2, 2) rows place in pixels and velocity in pixels per second, columns x and y.
        covariance: (2, 2) of place and velocity, the same for x and for y.
    """

    mean: Array
    covariance: Array

    @property
    def xy(self) -> tuple[float, float]:
        """Place in pixels."""
        return float(self.mean[0, 0]), float(self.mean[0, 1])

    def is_inside(self, size: Size) -> bool:
        """Whether the place is inside of an image of (W, H) pixels."""
        x, y = self.xy
        return -0.5 <= x <= size[0] - 0.5 and -0.5 <= y <= size[1] - 0.5


@dataclass(frozen=True)
class Motion:
    """Constant velocity, but for gravity and for what is not known: hits, bounces, drag, the camera.

    What is not known is white noise on the acceleration, so that the variance of the velocity grows with time, however
    the time is cut into frames (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and
    Navigation", 2001, section 6.2).

    Attributes:
        noise: standard deviation of a detection along an axis, in pixels.
        speed: standard deviation of a new ball's velocity along an axis, in pixels per second.
        agility: standard deviation of the change of velocity along an axis after one second, in pixels per second;
            after t seconds it is ``agility * sqrt(t)``.
        gravity: known acceleration downwards, in pixels per second^2.
    """

    noise: float
    speed: float
    agility: float
    gravity: float

    @classmethod
    def scaled(cls, size: Size, *, noise: float, speed: float, agility: float, gravity: float) -> Motion:
        """Return the motion in an image of (W, H) pixels, from parameters that are shares of its height.

        Raises:
            ValueError: a parameter is out of its range.
        """
        for name, value in (("noise", noise), ("speed", speed), ("agility", agility)):
            if not 0 < value < math.inf:
                raise ValueError(
                    f"{name}: {value} is out of range. Give a positive share of the image height, such as 0.003 for "
                    "the noise of detections, 1 for the speed, 4 for the agility."
                )
        if not math.isfinite(gravity):
            raise ValueError(f"gravity: {gravity} is no acceleration. Give image heights per second^2, 0 if unknown.")
        height = size[1]
        return cls(noise=noise * height, speed=speed * height, agility=agility * height, gravity=gravity * height)

    def begin(self, xy: FloatArray) -> Belief:
        """Return what a first detection at ``xy`` (2,) pixels says: a place, and no direction."""
        mean = np.array([xy, (0.0, 0.0)], dtype=np.float64)
        return Belief(mean, np.diag([self.noise**2, self.speed**2]))

    def predict(self, belief: Belief, seconds: float) -> Belief:
        """Return what is known ``seconds`` later without a detection; a time that runs backwards stands still."""
        seconds = max(seconds, 0.0)
        step = _step(seconds)
        mean = step @ belief.mean
        mean[:, 1] += self.gravity * np.array([seconds**2 / 2, seconds])
        growth = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
        return Belief(mean, step @ belief.covariance @ step.T + self.agility**2 * growth)

    def update(self, belief: Belief, xy: FloatArray) -> Belief:
        """Return what is known after a detection at ``xy`` (2,) pixels."""
        gain = belief.covariance[:, 0] / self._spread(belief)
        mean = belief.mean + np.outer(gain, xy - belief.mean[0])
        # Joseph's form: the covariance stays symmetric and positive in spite of rounding.
        keep = np.eye(2) - np.outer(gain, (1.0, 0.0))
        covariance = keep @ belief.covariance @ keep.T + self.noise**2 * np.outer(gain, gain)
        return Belief(mean, covariance)

    def misfit(self, belief: Belief, xy: FloatArray) -> tuple[Array, Array]:
        """Say how well detections fit.

        Args:
            belief: what was predicted for their frame.
            xy: (D, 2) places in pixels.

        Returns:
            (D,) Mahalanobis distances; and (D,) negative logarithms of their densities, less a constant, which can be
            compared between balls that are known more and less exactly.
        """
        spread = self._spread(belief)
        squared = np.square(xy - belief.mean[0]).sum(axis=1) / spread
        return np.sqrt(squared), squared / 2 + math.log(spread)

    def smooth(self, filtered: Sequence[Belief], seconds: Sequence[float]) -> list[Belief]:
        """Return what is known of each frame from the past and the future (Rauch, Tung and Striebel, 1965).

        Args:
            filtered: what is known from the past, for each frame of a track.
            seconds: time between each frame and the one before; the first has no meaning.
        """
        smoothed = [filtered[-1]]
        for belief, time in zip(filtered[-2::-1], seconds[:0:-1], strict=True):
            predicted = self.predict(belief, time)
            gain = np.linalg.solve(predicted.covariance, _step(max(time, 0.0)) @ belief.covariance).T
            later = smoothed[-1]
            mean = belief.mean + gain @ (later.mean - predicted.mean)
            smoothed.append(Belief(mean, belief.covariance + gain @ (later.covariance - predicted.covariance) @ gain.T))
        return smoothed[::-1]

    def _spread(self, belief: Belief) -> float:
        """Return the variance of a detection around the predicted place, along an axis."""
        return float(belief.covariance[0, 0]) + self.noise**2


def _step(seconds: float) -> Array:
    return np.array([[1.0, seconds], [0.0, 1.0]])
