"""How a ball flies, bounces and is aimed.

The air slows a ball by ``drag * speed ** 2`` and turns a spinning one by ``spin * speed ** 2``, across its path
(Magnus). Paths are integrated with the midpoint rule. Metres and seconds throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, hypot, inf, radians, sin

import numpy as np
import numpy.typing as npt

from tracknet_plugins.datasets.synthetic.sports import GRAVITY, Ball

Array = npt.NDArray[np.float64]
Floor = Callable[[float, float], float]
"""Height of whatever lies under (x, y)."""

STEP = 1 / 240
_SLOWEST, _FASTEST = 1.0, 110.0
_NICETY = 0.015
"""Relative error of the speed that an aim may have."""
_FAR_BELOW = 3.5
"""Metres below the start at which a falling ball is given up."""


def _accelerate(forward: float, up: float, drag: float, spin: float) -> tuple[float, float]:
    speed = hypot(forward, up)
    return speed * (spin * up - drag * forward), -GRAVITY - speed * (drag * up + spin * forward)


def height_after(ball: Ball, speed: float, elevation: float, spin: float, distance: float) -> float:
    """Return how high a ball is above its start, in metres, after ``distance`` metres over the floor.

    Args:
        ball: what flies.
        speed: at the start, in m/s.
        elevation: of the start, in degrees.
        spin: lift of the rotation, in 1/m.
        distance: in metres.

    Returns:
        The height; minus infinity if the ball falls short by far.
    """
    # Twice as coarse as a path that is seen: aiming needs many of these, and no such accuracy.
    step = 2 * STEP
    forward, up = speed * cos(radians(elevation)), speed * sin(radians(elevation))
    gone = height = 0.0
    while gone < distance:
        if forward < 0.05 or (up < 0 and height < -_FAR_BELOW):
            return -inf
        a, b = _accelerate(forward, up, ball.drag, spin)
        half_forward, half_up = forward + a * step / 2, up + b * step / 2
        a, b = _accelerate(half_forward, half_up, ball.drag, spin)
        gone += half_forward * step
        height += half_up * step
        forward += a * step
        up += b * step
    return height - up * (gone - distance) / forward


def aim(ball: Ball, elevation: float, spin: float, distance: float, rise: float) -> float | None:
    """Return the speed, in m/s, at which a ball passes ``rise`` metres above its start after ``distance`` metres.

    None if no speed does that at this elevation.
    """
    slow, fast = _SLOWEST, _FASTEST
    if height_after(ball, fast, elevation, spin, distance) < rise:
        return None
    while fast - slow > _NICETY * slow:
        middle = (slow * fast) ** 0.5
        is_long = height_after(ball, middle, elevation, spin, distance) > rise
        slow, fast = (slow, middle) if is_long else (middle, fast)
    return fast


def fly(
    ball: Ball,
    start: Array,
    velocity: Array,
    spin: float,
    duration: float,
    floor: Floor,
    net: Callable[[float], float],
    wall: float,
) -> tuple[Array, list[int]]:
    """Return the path of a ball in three dimensions, with its bounces.

    Args:
        ball: what flies.
        start: (3,) metres.
        velocity: (3,) m/s.
        spin: lift of the rotation until the first bounce, in 1/m.
        duration: seconds.
        floor: height under a place.
        net: height of the net's upper edge at an x; it stops a ball that crosses y = 0 below.
        wall: y of the boards at the far end; they stop the ball.

    Returns:
        Places (M, 3), one per :data:`STEP` from the start on; and the numbers of the places right after a bounce.
    """
    x, y, z = (float(value) for value in start)
    u, v, w = (float(value) for value in velocity)
    radius = ball.diameter / 2
    places = [(x, y, z)]
    bounces: list[int] = []
    for number in range(1, round(duration / STEP) + 1):
        ground = hypot(u, v)
        a, b = _accelerate(ground, w, ball.drag, spin)
        half_ground, half_w = ground + a * STEP / 2, w + b * STEP / 2
        a, b = _accelerate(half_ground, half_w, ball.drag, spin)
        share = half_ground / ground if ground > 1e-6 else 0.0
        before = y
        x, y, z = x + u * share * STEP, y + v * share * STEP, z + half_w * STEP
        slow_down = max(0.0, (ground + a * STEP) / ground) if ground > 1e-6 else 0.0
        u, v, w = u * slow_down, v * slow_down, w + b * STEP
        if before * y < 0 and z < net(x):
            y = -y
            u, v, w = 0.3 * u, -0.12 * v, 0.3 * w
        if y > wall and z < 3.0:
            y, v = 2 * wall - y, -0.35 * v
        lowest = floor(x, y) + radius
        # A ball that is already far below a surface is beside it (under the edge of a table), not on it.
        if z < lowest and w < 0 and z > lowest - 0.15:
            z, w = lowest + ball.restitution * (lowest - z), -ball.restitution * w
            u, v, spin = ball.grip * u, ball.grip * v, 0.0
            bounces.append(number)
        places.append((x, y, z))
    return np.array(places), bounces
