"""Players as articulated figures: joints that move, and the capsules that are drawn between them.

A capsule is a tapered line with round ends. The same capsules are painted, cast as shadows, and asked whether they hide
the ball, so that labels and pixels agree.

Letters: N moments, J joints, P parts (capsules).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracknet_plugins.datasets.synthetic.camera import Camera
from tracknet_plugins.datasets.synthetic.sports import Colour

Array = npt.NDArray[np.float64]

(
    PELVIS, CHEST, NECK, HEAD,
    RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_HAND, LEFT_SHOULDER, LEFT_ELBOW, LEFT_HAND,
    RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, RIGHT_TOE, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE, LEFT_TOE,
    FACE, THROAT, RACKET,
) = range(21)  # fmt: skip
JOINTS = 21

_STATURE = 1.8
"""Height in metres of the figure that the numbers below describe."""


class Part(NamedTuple):
    """A capsule between two joints: radii in metres, and which of the outfit's colours it wears."""

    start: int
    end: int
    start_radius: float
    end_radius: float
    colour: str


_LEGS = (
    Part(LEFT_ANKLE, LEFT_TOE, 0.055, 0.045, "shoes"),
    Part(RIGHT_ANKLE, RIGHT_TOE, 0.055, 0.045, "shoes"),
    Part(LEFT_KNEE, LEFT_ANKLE, 0.06, 0.042, "skin"),
    Part(RIGHT_KNEE, RIGHT_ANKLE, 0.06, 0.042, "skin"),
    Part(LEFT_HIP, LEFT_KNEE, 0.088, 0.066, "shorts_shade"),
    Part(RIGHT_HIP, RIGHT_KNEE, 0.088, 0.066, "shorts"),
)
_TRUNK = (
    Part(PELVIS, PELVIS, 0.15, 0.15, "shorts"),
    Part(PELVIS, CHEST, 0.14, 0.175, "shirt"),
    Part(CHEST, NECK, 0.175, 0.09, "shirt"),
    Part(NECK, HEAD, 0.055, 0.06, "skin"),
    Part(HEAD, HEAD, 0.115, 0.115, "hair"),
)
_FACE = (Part(FACE, FACE, 0.09, 0.09, "skin"),)
_ARMS = (
    Part(LEFT_SHOULDER, LEFT_ELBOW, 0.058, 0.046, "shirt_shade"),
    Part(LEFT_ELBOW, LEFT_HAND, 0.042, 0.036, "skin"),
    Part(RIGHT_SHOULDER, RIGHT_ELBOW, 0.058, 0.046, "shirt_shade"),
    Part(RIGHT_ELBOW, RIGHT_HAND, 0.042, 0.036, "skin"),
)


@dataclass(frozen=True)
class Outfit:
    """What a figure wears, RGB by part, and how tall it is in metres."""

    colours: dict[str, Colour]
    stature: float


@dataclass(frozen=True)
class Figure:
    """One person over time.

    Attributes:
        joints: (N, J, 3) metres.
        outfit: colours and stature.
        racket_head: radius in metres; 0 for a person without a racket.
        is_bat: whether the head is a closed blade (table tennis) rather than strings.
        faces_camera: whether the front is seen, with the arms before the body, or the back.
    """

    joints: Array
    outfit: Outfit
    racket_head: float
    is_bat: bool
    faces_camera: bool

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is painted, back to front; a racket with strings hides nothing and is not among it."""
        bat = (Part(RACKET, RACKET, self.racket_head, self.racket_head, "bat"),) if self.is_bat else ()
        return (*_LEGS, *_TRUNK, *_FACE, *_ARMS, *bat) if self.faces_camera else (*bat, *_ARMS, *_LEGS, *_TRUNK)

    def capsules(self, camera: Camera) -> Array:
        """Return (N, P, 6): x, y, radius at the start and at the end of each of the parts, in pixels."""
        xy, scale = camera.project(self.joints)
        starts = [part.start for part in self.parts]
        ends = [part.end for part in self.parts]
        radii = np.array([part[2:4] for part in self.parts]) * (self.outfit.stature / _STATURE)
        return np.concatenate(
            [
                xy[:, starts],
                scale[:, starts, None] * radii[:, :1],
                xy[:, ends],
                scale[:, ends, None] * radii[:, 1:],
            ],
            axis=-1,
        )


def covered(points: Array, capsules: Array) -> npt.NDArray[np.bool_]:
    """Return (..., K): which of the points (..., K, 2) lie on one of the capsules (..., P, 6), all in pixels."""
    ends = capsules[..., None, :, :]
    along = ends[..., 3:5] - ends[..., :2]
    offset = points[..., None, :] - ends[..., :2]
    share = np.clip((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    distance = np.linalg.norm(offset - share[..., None] * along, axis=-1)
    radius = ends[..., 2] + share * (ends[..., 5] - ends[..., 2])
    return np.asarray((distance < radius).any(-1))


@dataclass(frozen=True)
class Hit:
    """A stroke of a player: seconds from the first frame, and the place of the ball in metres."""

    time: float
    place: Array


def animate(
    times: Array,
    track: Array,
    hits: list[Hit],
    *,
    side: int,
    hand: int,
    stature: float,
    racket: float,
    crouch: float,
    rng: np.random.Generator,
) -> Array:
    """Return the joints (N, J, 3) of a player who runs along a track and swings at the ball.

    Args:
        times: (N,) seconds.
        track: (N, 2) where the player stands, in metres.
        hits: the player's strokes; each must be within reach of the track.
        side: -1 for the player near the camera, who looks away from it; 1 for the far one.
        hand: 1 for a right-handed player, -1 for a left-handed one.
        stature: height of the player, in metres.
        racket: length from the hand to the middle of the racket's head, in metres.
        crouch: how far the pelvis is lowered while waiting, in metres.
        rng: small differences of gait.
    """
    size = stature / _STATURE
    forward = np.array([0.0, -side, 0.0])
    # The side of the racket hand: the right of somebody who looks along `forward`, mirrored for a left-hander.
    outward = np.array([-side * hand, 0.0, 0.0])
    up = np.array([0.0, 0.0, 1.0])

    step = float(times[1] - times[0])
    velocity = np.gradient(track, step, axis=0)
    speed = np.linalg.norm(velocity, axis=1)
    heading = velocity / np.maximum(speed, 0.4)[:, None]
    stride = np.clip(0.12 + 0.16 * speed, 0.0, 0.62) * size
    phase = rng.uniform(0, 2 * np.pi) + np.cumsum(speed / np.maximum(stride * 1.9, 0.2) + 0.5) * step * np.pi
    bounce = 0.03 * np.abs(np.sin(times * 7 + rng.uniform(0, 6)))

    joints = np.zeros((len(times), JOINTS, 3))
    heading3 = np.column_stack([heading, np.zeros(len(times))])
    lowered = crouch * np.clip(1.2 - speed / 5, 0.4, 1.0) - bounce
    pelvis = np.column_stack([track, (0.95 * size - lowered)])
    lean = 0.12 * heading3 + (0.1 + 0.5 * crouch) * forward
    joints[:, PELVIS] = pelvis
    joints[:, CHEST] = pelvis + size * (0.36 * up + 0.7 * lean)
    joints[:, NECK] = pelvis + size * (0.54 * up + 1.1 * lean)
    joints[:, HEAD] = pelvis + size * (0.73 * up + 1.35 * lean)
    joints[:, FACE] = joints[:, HEAD] + size * (0.05 * forward - 0.035 * up)

    spread = 0.11 + 0.35 * crouch
    for sign, hip, knee, ankle, toe in (
        (1, RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, RIGHT_TOE),
        (-1, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE, LEFT_TOE),
    ):
        swing = np.sin(phase + (sign > 0) * np.pi)
        lift = np.maximum(0.0, np.cos(phase + (sign > 0) * np.pi))
        joints[:, hip] = pelvis + sign * 0.1 * size * outward
        foot = np.column_stack([track, np.full(len(times), 0.06)])
        foot = foot + sign * spread * outward + (swing * stride)[:, None] * heading3
        foot[:, 2] += lift * np.clip(speed / 4, 0, 1) * 0.28 + bounce
        joints[:, ankle] = foot
        facing = forward + 0.8 * heading3
        joints[:, toe] = foot + 0.17 * size * facing / np.linalg.norm(facing, axis=1, keepdims=True) - [0, 0, 0.02]
        joints[:, knee] = _bend(joints[:, hip], foot, 0.46 * size, 0.46 * size, forward + 0.3 * heading3)

    joints[:, RIGHT_SHOULDER] = joints[:, NECK] + size * (0.19 * outward - 0.05 * up)
    joints[:, LEFT_SHOULDER] = joints[:, NECK] + size * (-0.19 * outward - 0.05 * up)
    free = joints[:, LEFT_SHOULDER] + size * (
        -0.18 * outward - 0.3 * up + 0.22 * forward + (0.16 * np.sin(phase))[:, None] * forward
    )
    grip, blade = _swing(times, joints[:, RIGHT_SHOULDER], hits, forward, outward, up, size, racket)
    joints[:, RIGHT_HAND] = grip
    joints[:, LEFT_HAND] = free
    joints[:, RIGHT_ELBOW] = _bend(joints[:, RIGHT_SHOULDER], grip, 0.3 * size, 0.28 * size, outward - up - forward)
    joints[:, LEFT_ELBOW] = _bend(joints[:, LEFT_SHOULDER], free, 0.3 * size, 0.28 * size, -outward - up - forward)
    joints[:, THROAT] = grip + 0.45 * racket * blade
    joints[:, RACKET] = grip + racket * blade
    return joints


def _bend(start: Array, end: Array, upper: float, lower: float, towards: Array) -> Array:
    """Return the middle joint (N, 3) of a limb of two bones, bent towards a direction."""
    line = end - start
    reach = np.linalg.norm(line, axis=1, keepdims=True)
    direction = line / np.maximum(reach, 1e-6)
    reach = np.clip(reach, abs(upper - lower) + 1e-3, upper + lower)
    along = (reach**2 + upper**2 - lower**2) / (2 * reach)
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    towards = np.broadcast_to(towards, line.shape)
    across = towards - (towards * direction).sum(1, keepdims=True) * direction
    across = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    return np.asarray(start + along * direction + aside * across)


def _swing(
    times: Array,
    shoulder: Array,
    hits: list[Hit],
    forward: Array,
    outward: Array,
    up: Array,
    size: float,
    racket: float,
) -> tuple[Array, Array]:
    """Return the hand (N, 3), and the direction (N, 3) from it to the racket's head.

    The hand passes through a few poses per stroke: ready, drawn back, at the ball, followed through, ready.
    """
    ready = 0.1 * outward - 0.32 * up + 0.34 * forward
    ready_blade = 0.45 * up + 0.6 * forward - 0.25 * outward
    moments: list[float] = [-1e3]
    poses: list[Array] = [np.concatenate([ready, ready_blade])]
    for hit in sorted(hits, key=lambda item: item.time):
        from_shoulder = hit.place - np.array([np.interp(hit.time, times, shoulder[:, axis]) for axis in range(3)])
        distance = max(float(np.linalg.norm(from_shoulder)), 1e-3)
        blade = from_shoulder / distance
        is_overhead = from_shoulder[2] > 0.25
        aside = 1.0 if float(from_shoulder @ outward) > -0.1 else -0.6
        back = (0.25 * aside * outward - 0.3 * forward) + (0.2 if is_overhead else -0.15) * up
        back_blade = aside * 0.5 * outward - 0.4 * forward + (-0.4 if is_overhead else 0.5) * up
        through = -0.25 * aside * outward + 0.42 * forward + (-0.25 if is_overhead else 0.12) * up
        through_blade = -0.7 * aside * outward + 0.3 * forward + (-0.5 if is_overhead else 0.5) * up
        reach = min(max(distance - racket, 0.15), 0.58 * size)
        for offset, hand, direction in (
            (-0.55, ready, ready_blade),
            (-0.2, back, back_blade),
            (0.0, reach * blade / size, blade),
            (0.16, through, through_blade),
            (0.5, ready, ready_blade),
        ):
            moments.append(hit.time + offset)
            poses.append(np.concatenate([hand, direction]))
    order = np.argsort(moments, kind="stable")
    track = np.stack(poses)[order]
    at = np.array(moments)[order]
    values = np.column_stack([np.interp(times, at, track[:, column]) for column in range(6)])
    blade = values[:, 3:]
    blade = blade / np.maximum(np.linalg.norm(blade, axis=1, keepdims=True), 1e-6)
    return shoulder + size * values[:, :3], blade
