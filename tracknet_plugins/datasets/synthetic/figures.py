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
from tracknet_plugins.datasets.synthetic.textures import smooth_line

Array = npt.NDArray[np.float64]

(
    PELVIS, CHEST, NECK, HEAD,
    SWING_SHOULDER, SWING_ELBOW, SWING_HAND, FREE_SHOULDER, FREE_ELBOW, FREE_HAND,
    SWING_HIP, SWING_KNEE, SWING_ANKLE, SWING_TOE, FREE_HIP, FREE_KNEE, FREE_ANKLE, FREE_TOE,
    FACE, THROAT, RACKET,
) = range(21)  # fmt: skip
JOINTS = 21
"""Of a body; SWING is the side of the racket hand, FREE the other."""

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
    Part(FREE_ANKLE, FREE_TOE, 0.055, 0.045, "shoes"),
    Part(SWING_ANKLE, SWING_TOE, 0.055, 0.045, "shoes"),
    Part(FREE_KNEE, FREE_ANKLE, 0.06, 0.042, "skin"),
    Part(SWING_KNEE, SWING_ANKLE, 0.06, 0.042, "skin"),
    Part(FREE_HIP, FREE_KNEE, 0.088, 0.066, "shorts_shade"),
    Part(SWING_HIP, SWING_KNEE, 0.088, 0.066, "shorts"),
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
    Part(FREE_SHOULDER, FREE_ELBOW, 0.058, 0.046, "shirt_shade"),
    Part(FREE_ELBOW, FREE_HAND, 0.042, 0.036, "skin"),
    Part(SWING_SHOULDER, SWING_ELBOW, 0.058, 0.046, "shirt_shade"),
    Part(SWING_ELBOW, SWING_HAND, 0.042, 0.036, "skin"),
)


def plain_parts(blade: float, *, faces_camera: bool) -> tuple[Part, ...]:
    """Return a plain body, back to front.

    Args:
        blade: radius of a bat's closed blade, in metres; 0 for none.
        faces_camera: whether the front is seen.
    """
    bat = (Part(RACKET, RACKET, blade, blade, "bat"),) if blade else ()
    return (*_LEGS, *_TRUNK, *_FACE, *_ARMS, *bat) if faces_camera else (*bat, *_ARMS, *_LEGS, *_TRUNK)


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
        parts: what is painted, back to front; a racket with strings hides nothing and is not among it.
    """

    joints: Array
    outfit: Outfit
    racket_head: float
    is_bat: bool
    faces_camera: bool
    parts: tuple[Part, ...]

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


class _Axes(NamedTuple):
    """Directions (3,) of a body: where it looks, where its racket hand is, and up."""

    forward: Array
    outward: Array
    up: Array


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
        times: (N,) seconds, evenly spaced.
        track: (N, 2) where the player stands, in metres.
        hits: the player's strokes; each should be within reach of the track.
        side: -1 for the player near the camera, who looks away from it; 1 for the far one.
        hand: 1 for a right-handed player, -1 for a left-handed one.
        stature: height of the player, in metres.
        racket: length from the hand to the middle of the racket's head, in metres.
        crouch: how far the pelvis is lowered while waiting, in metres.
        rng: small differences of gait.
    """
    axes = _Axes(np.array([0.0, -side, 0.0]), np.array([-side * hand, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    size = stature / _STATURE
    step = float(times[1] - times[0])
    velocity = np.column_stack([np.gradient(track, step, axis=0), np.zeros(len(times))])
    speed = np.linalg.norm(velocity, axis=1)
    heading = velocity / np.maximum(speed, 0.4)[:, None]
    # Half a turn of the phase is a step; somebody who waits still treads a little.
    stride = np.clip(0.12 + 0.16 * speed, 0.0, 0.62) * size
    cadence = speed / np.maximum(1.9 * stride, 0.2) + 0.5
    phase = rng.uniform(0, 2 * np.pi) + np.cumsum(cadence) * step * np.pi
    bounce = 0.03 * np.abs(np.sin(7 * times + rng.uniform(0, 6)))

    joints = np.zeros((len(times), JOINTS, 3))
    lowered = crouch * np.clip(1.2 - speed / 5, 0.4, 1.0) - bounce
    pelvis = np.column_stack([track, 0.95 * size - lowered])
    lean = 0.12 * heading + (0.1 + 0.5 * crouch) * axes.forward
    for joint, height, bent in ((PELVIS, 0.0, 0.0), (CHEST, 0.36, 0.7), (NECK, 0.54, 1.1), (HEAD, 0.73, 1.35)):
        joints[:, joint] = pelvis + size * (height * axes.up + bent * lean)
    joints[:, FACE] = joints[:, HEAD] + size * (0.05 * axes.forward - 0.035 * axes.up)

    for sign, hip, knee, ankle, toe in (
        (1, SWING_HIP, SWING_KNEE, SWING_ANKLE, SWING_TOE),
        (-1, FREE_HIP, FREE_KNEE, FREE_ANKLE, FREE_TOE),
    ):
        swing, lift = sign * np.sin(phase), np.maximum(0.0, sign * np.cos(phase))
        foot = np.column_stack([track, 0.06 + 0.28 * lift * np.clip(speed / 4, 0, 1) + bounce])
        foot = foot + sign * (0.11 + 0.35 * crouch) * axes.outward + (swing * stride)[:, None] * heading
        facing = axes.forward + 0.8 * heading
        facing = facing / np.linalg.norm(facing, axis=1, keepdims=True)
        joints[:, hip] = pelvis + sign * 0.1 * size * axes.outward
        joints[:, knee] = _bend(joints[:, hip], foot, 0.46 * size, 0.46 * size, axes.forward + 0.3 * heading)
        joints[:, ankle] = foot
        joints[:, toe] = foot + 0.17 * size * facing - 0.02 * axes.up

    for sign, shoulder in ((1, SWING_SHOULDER), (-1, FREE_SHOULDER)):
        joints[:, shoulder] = joints[:, NECK] + size * (sign * 0.19 * axes.outward - 0.05 * axes.up)
    grip, blade = _swing(times, joints[:, SWING_SHOULDER], hits, axes, size, racket)
    joints[:, SWING_HAND] = grip
    joints[:, THROAT] = grip + 0.45 * racket * blade
    joints[:, RACKET] = grip + racket * blade
    pumping = (0.22 + 0.16 * np.sin(phase))[:, None] * axes.forward
    joints[:, FREE_HAND] = joints[:, FREE_SHOULDER] + size * (pumping - 0.18 * axes.outward - 0.3 * axes.up)
    for sign, shoulder, elbow, hand_joint in (
        (1, SWING_SHOULDER, SWING_ELBOW, SWING_HAND),
        (-1, FREE_SHOULDER, FREE_ELBOW, FREE_HAND),
    ):
        bend = sign * axes.outward - axes.up - axes.forward
        joints[:, elbow] = _bend(joints[:, shoulder], joints[:, hand_joint], 0.3 * size, 0.28 * size, bend)
    return joints


def fidgeting(joints: Array, times: Array, hits: list[float], rng: np.random.Generator) -> Array:
    """Return joints (N, J, 3) of a player whose hands, racket and head are never still, but at the ball.

    Args:
        joints: as :func:`animate` returns them.
        times: (N,) seconds, evenly spaced.
        hits: seconds of the strokes, around which nothing changes.
        rng: how lively the player is.
    """
    joints = joints.copy()
    step = float(times[1] - times[0])
    calm = np.ones(len(times))
    for moment in hits:
        calm = np.minimum(calm, np.clip(np.abs(times - moment) / 0.2 - 0.5, 0, 1))

    def wave(amplitude: float, seconds: float) -> Array:
        lines = [smooth_line(len(times), seconds / step, rng) for _ in range(3)]
        return calm[:, None] * amplitude * np.column_stack(lines)

    free, swing, turn = (wave(rng.uniform(0.02, 0.3), rng.uniform(0.15, 0.8)) for _ in range(3))
    joints[:, FREE_HAND] += free
    joints[:, FREE_ELBOW] += 0.4 * free
    joints[:, [SWING_HAND, THROAT, RACKET]] += 0.7 * swing[:, None]
    joints[:, SWING_ELBOW] += 0.3 * swing
    blade = joints[:, RACKET] - joints[:, SWING_HAND]
    length = np.linalg.norm(blade, axis=1, keepdims=True)
    turned = blade + 4 * turn * length
    turned *= length / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)
    joints[:, THROAT] += 0.45 * (turned - blade)
    joints[:, RACKET] += turned - blade
    joints[:, [HEAD, FACE]] += 0.15 * wave(0.3, 0.6)[:, None]
    return joints


def holding(joints: Array, times: Array, start: float, end: float, ball: Array) -> Array:
    """Return joints (N, J, 3) of a player who has the ball in the free hand from ``start`` to ``end``.

    Args:
        joints: as :func:`animate` returns them.
        times: (N,) seconds.
        start: seconds; the hand is on its way a moment earlier.
        end: seconds; the hand goes back after it.
        ball: (N, 3) metres; NaN without one.
    """
    joints = joints.copy()
    share = np.clip(np.minimum((times - start) / 0.25 + 1, (end - times) / 0.15 + 1), 0, 1)
    known = np.flatnonzero(~np.isnan(ball).any(1) & (share > 0))
    shoulder, hand = joints[known, FREE_SHOULDER], joints[known, FREE_HAND]
    way = hand + share[known, None] * (ball[known] - hand) - shoulder
    length = np.linalg.norm(way, axis=1, keepdims=True)
    upper, lower = (
        float(np.linalg.norm(joints[0, end_joint] - joints[0, start_joint]))
        for start_joint, end_joint in ((FREE_SHOULDER, FREE_ELBOW), (FREE_ELBOW, FREE_HAND))
    )
    # A longer arm is not seen, a ball that floats beside the hand is.
    longer = np.maximum(1, length / (0.98 * (upper + lower)))
    joints[known, FREE_HAND] = shoulder + way
    down = np.array([0.0, 0.0, -1.0])
    joints[known, FREE_ELBOW] = _bend(shoulder, shoulder + way, longer * upper, longer * lower, down)
    return joints


def _bend(start: Array, end: Array, upper: float | Array, lower: float | Array, towards: Array) -> Array:
    """Return the middle joint (N, 3) of a limb of two bones, bent towards a direction."""
    line = end - start
    reach = np.linalg.norm(line, axis=1, keepdims=True)
    direction = line / np.maximum(reach, 1e-6)
    reach = np.clip(reach, np.abs(np.subtract(upper, lower)) + 1e-3, np.add(upper, lower))
    along = (reach**2 + upper**2 - lower**2) / (2 * reach)
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    towards = np.broadcast_to(towards, line.shape)
    across = towards - (towards * direction).sum(1, keepdims=True) * direction
    across = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    return np.asarray(start + along * direction + aside * across)


def _swing(
    times: Array, shoulder: Array, hits: list[Hit], axes: _Axes, size: float, racket: float
) -> tuple[Array, Array]:
    """Return the hand (N, 3), and the direction (N, 3) from it to the racket's head.

    The hand passes through a few poses per stroke: ready, drawn back, at the ball, followed through, ready. A pose is
    the hand's place against the shoulder, for a figure of normal size, and the racket's direction.
    """
    forward, outward, up = axes
    ready = np.concatenate([0.1 * outward - 0.32 * up + 0.34 * forward, 0.45 * up + 0.6 * forward - 0.25 * outward])
    poses = [(-np.inf, ready)]
    for hit in hits:
        to_ball = hit.place - np.array([np.interp(hit.time, times, shoulder[:, axis]) for axis in range(3)])
        distance = max(float(np.linalg.norm(to_ball)), 1e-3)
        reach = min(max(distance - racket, 0.15), 0.58 * size)
        high = to_ball[2] > 0.25
        aside = (1.0 if to_ball @ outward > -0.1 else -0.6) * outward  # forehand or backhand
        back = [
            0.25 * aside - 0.3 * forward + (0.2 if high else -0.15) * up,
            0.5 * aside - 0.4 * forward + (-0.4 if high else 0.5) * up,
        ]
        through = [
            -0.25 * aside + 0.42 * forward + (-0.25 if high else 0.12) * up,
            -0.7 * aside + 0.3 * forward + (-0.5 if high else 0.5) * up,
        ]
        poses += [
            (hit.time - 0.55, ready),
            (hit.time - 0.2, np.concatenate(back)),
            (hit.time, np.concatenate([reach / size * to_ball / distance, to_ball / distance])),
            (hit.time + 0.16, np.concatenate(through)),
            (hit.time + 0.5, ready),
        ]
    poses.sort(key=lambda pose: pose[0])
    moments = np.maximum([moment for moment, _ in poses], times[0] - 10)
    values = np.array([pose for _, pose in poses])
    between = np.column_stack([np.interp(times, moments, column) for column in values.T])
    blade = between[:, 3:]
    blade = blade / np.maximum(np.linalg.norm(blade, axis=1, keepdims=True), 1e-6)
    return shoulder + size * between[:, :3], blade
