"""Paste a synthetic ball into windows that have none."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray, Transform, UInt8Array, Visibility, Window
from tracknet_core.registry import transforms

Points = npt.NDArray[np.floating]


@transforms.register("paste_ball")
class PasteBall(Transform):
    """A bright ball that flies through a window in which every frame is ABSENT, labelled EASY at its centre.

    The ball is an anti-aliased disc, white to yellow, smeared along its way while the shutter is open. The way is a
    parabola within the frame: an even motion and a fall, so it takes the place of a real ball in shape and motion. Any
    frame that is UNLABELLED may hold a ball that nobody marked, and its window stays as it is. A background shows
    nothing that moves, and stays as it is.

    Args:
        diameter: least and greatest diameter of the ball, in pixels of the frames.
        speed: least and greatest mean speed, in pixels per frame; less where the frame has no room.
        fall: greatest acceleration downwards, in pixels per frame squared; less where the frame has no room.
        exposure: least and greatest share of the time between frames in which the shutter is open, 0..1; the
            ball smears over as large a share of its way.
        brightness: least and greatest brightness of the ball, 0..255.
        prob: share of the windows without a ball that get one, 0..1.

    Raises:
        ValueError: a setting out of its range.
    """

    def __init__(
        self,
        *,
        diameter: tuple[float, float] = (3.0, 8.0),
        speed: tuple[float, float] = (1.0, 20.0),
        fall: float = 1.0,
        exposure: tuple[float, float] = (0.1, 0.5),
        brightness: tuple[float, float] = (180.0, 255.0),
        prob: float = 0.3,
    ) -> None:
        for name, bounds, least, greatest in (
            ("diameter", diameter, 1.0, math.inf),
            ("speed", speed, 0.0, math.inf),
            ("exposure", exposure, 0.0, 1.0),
            ("brightness", brightness, 0.0, 255.0),
        ):
            if not (len(bounds) == 2 and least <= bounds[0] <= bounds[1] <= greatest and bounds[1] < math.inf):
                accepted = f"at least {least:g}" if greatest == math.inf else f"from {least:g} to {greatest:g}"
                raise ValueError(f"{name}={list(bounds)} is no range: give [least, greatest], {accepted}")
        if not 0 <= fall < math.inf:
            raise ValueError(
                f"fall={fall} is no acceleration: give pixels per frame squared, at least 0 (straight flight)"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob} is not a probability: give a number from 0 (never) to 1 (always)")
        self.diameter = (float(diameter[0]), float(diameter[1]))
        self.speed = (float(speed[0]), float(speed[1]))
        self.fall = fall
        self.exposure = (float(exposure[0]), float(exposure[1]))
        self.brightness = (float(brightness[0]), float(brightness[1]))
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window with a ball, or as it is."""
        if (window.visibility != Visibility.ABSENT).any() or rng.random() >= self.prob:
            return window
        height, width = window.frames.shape[1:3]
        radius = rng.uniform(*self.diameter) / 2
        if min(width, height) <= 2 * radius + 1:  # no room
            return window
        open_share = rng.uniform(*self.exposure)
        colour = rng.uniform(*self.brightness) * np.array((1.0, 1.0, rng.uniform(0.5, 1.0)))
        path = self._path(rng, len(window), np.array((radius, radius)), np.array((width - 1, height - 1)) - radius)

        frames = window.frames.copy()
        xy: FloatArray = path(np.arange(len(window))).astype(np.float32)
        for i in range(len(window)):
            start, end = path(np.array((i - open_share / 2, i + open_share / 2)))
            count = 2 * math.ceil(np.linalg.norm(end - start)) + 1  # closer than a pixel: the smear shows no beads
            times = i + open_share * ((np.arange(count) + 0.5) / count - 0.5)
            _draw(frames[i], path(times), radius, colour)
        points = np.broadcast_to(
            xy[:, None], window.labels.points.shape
        )  # of a streak, both ends: it is painted as a disc
        return window.replace(frames, points=points, visibility=np.full_like(window.visibility, Visibility.EASY))

    def _path(self, rng: np.random.Generator, frames: int, low: Points, high: Points) -> _Path:
        """Return a way that stays between the corners ``low`` and ``high`` for all ``frames``."""
        start, end = rng.uniform(low, high), rng.uniform(low, high)
        way = end - start
        reach = rng.uniform(*self.speed) * frames
        way = way * min(1.0, reach / max(float(np.linalg.norm(way)), 1e-9))
        # A parabola rises above its chord by fall * frames ** 2 / 8 at most, and there is so much room above:
        room = min(start[1], start[1] + way[1]) - low[1]
        fall = min(rng.uniform(0, self.fall), 8 * room / frames**2)
        return _Path(start, way / frames, fall, frames)


class _Path:
    """Places over time, in frames; the first frame is exposed about 0, so the way begins at -0.5.

    Args:
        start: (x, y) at time -0.5, in pixels.
        step: mean way per frame, in pixels.
        fall: acceleration downwards, in pixels per frame squared.
        frames: length in time.
    """

    def __init__(self, start: Points, step: Points, fall: float, frames: int) -> None:
        self._start, self._step, self._fall, self._frames = start, step, fall, frames

    def __call__(self, times: npt.NDArray[np.integer | np.floating]) -> Points:
        """Return the places (N, 2) at ``times`` (N,)."""
        passed = times + 0.5
        places: Points = self._start + passed[:, None] * self._step
        places[:, 1] += self._fall / 2 * passed * (passed - self._frames)
        return places


def _draw(frame: UInt8Array, places: Points, radius: float, colour: Points) -> None:
    """Blend a disc into the frame, which is at each of ``places`` (N, 2) for an equal part of the exposure."""
    left, top = np.floor(places.min(axis=0) - radius).astype(int).clip(0).tolist()
    right, bottom = (np.ceil(places.max(axis=0) + radius).astype(int) + 1).tolist()
    box = frame[top:bottom, left:right]
    rows, columns = np.arange(top, top + box.shape[0]), np.arange(left, left + box.shape[1])
    distance = np.hypot(rows[:, None] - places[:, 1, None, None], columns - places[:, 0, None, None])  # (N, h, w)
    cover = np.clip(radius + 0.5 - distance, 0, 1).mean(axis=0)[..., None]  # an edge pixel is covered in part
    box[:] = np.rint(box + cover * (colour - box))
