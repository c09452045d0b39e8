"""The play: who hits the ball when, where it flies, and where the players run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracknet_plugins.datasets.synthetic.figures import Hit
from tracknet_plugins.datasets.synthetic.physics import STEP, aim, fly, heights
from tracknet_plugins.datasets.synthetic.sports import Shot, Sport

Array = npt.NDArray[np.float64]

NEAR, FAR = -1, 1


@dataclass(frozen=True)
class Play:
    """A rally in world coordinates; times are seconds from the first frame of the clip.

    Attributes:
        start: time of the first place of ``path``.
        path: (M, 3) the ball's places in metres, one per :data:`~.physics.STEP`; none before or after: a ball that is in a
            hand or was picked up is not in play.
        hits: strokes by side.
        bounces: times of the bounces.
    """

    start: float
    path: Array
    hits: dict[int, list[Hit]]
    bounces: list[float]

    def ball(self, times: Array) -> Array:
        """Return the ball's places (..., 3) in metres; NaN where there is no ball in play."""
        at = (times - self.start) / STEP
        number = np.clip(np.floor(at).astype(int), 0, len(self.path) - 2)
        share = (at - number)[..., None]
        places = self.path[number] * (1 - share) + self.path[number + 1] * share
        return np.where(((at >= 0) & (at <= len(self.path) - 1))[..., None], places, np.nan)


def play(sport: Sport, duration: float, rng: np.random.Generator) -> Play:
    """Play a rally that fills ``duration`` seconds, or ends before.

    Some clips start before the serve, others in the middle of the rally. A rally ends with a ball that nobody reaches, with
    one in the net, or with one that is caught.
    """
    shows_serve = rng.random() < 0.4
    begin = rng.uniform(0.15, 0.7) if shows_serve else -rng.uniform(0.8, 2.6)
    side = NEAR if rng.random() < 0.5 else FAR
    place = np.array([rng.uniform(-0.25, 0.25) * sport.width, side * sport.serve_depth, 0.0])
    pieces = [_toss(sport, place)]
    hits: dict[int, list[Hit]] = {NEAR: [], FAR: []}
    bounces: list[float] = []
    clock = begin + (len(pieces[0]) - 1) * STEP
    contact = pieces[0][-1]
    shots = sport.serves
    while clock < duration:
        hits[side].append(Hit(clock, contact))
        flight, landed, received, is_over = _stroke(sport, contact, side, shots, rng, allow_end=clock > 0.8)
        if received is not None:
            flight, landed = flight[: received + 1], [number for number in landed if number < received]
        bounces += [clock + number * STEP for number in landed]
        pieces.append(flight[1:])
        clock += (len(flight) - 1) * STEP
        contact = flight[-1]
        side, shots = -side, sport.shots
        if is_over:
            break
    return Play(begin, np.concatenate(pieces), hits, bounces)


def _toss(sport: Sport, place: Array) -> Array:
    """Return the path (M, 3) of the ball from the server's hand to the racket."""
    release, top, contact = sport.toss
    rise, fall = (2 * (top - release) / 9.81) ** 0.5, (2 * (top - contact) / 9.81) ** 0.5
    times = np.arange(round((rise + fall) / STEP) + 1) * STEP
    height = top - 9.81 / 2 * (times - rise) ** 2
    return np.column_stack([np.full_like(times, place[0]), np.full_like(times, place[1]), height])


def _stroke(
    sport: Sport, contact: Array, side: int, shots: tuple[Shot, ...], rng: np.random.Generator, *, allow_end: bool
) -> tuple[Array, list[int], int | None, bool]:
    """Return the path after a stroke, its bounces, where the receiver takes it (None: never), and whether the rally is over."""
    ending = rng.random() if allow_end else 1.0
    into_net, unreached, caught = ending < 0.025, 0.025 <= ending < 0.08, 0.08 <= ending < 0.12
    for _ in range(12):
        shot = _choose(shots, contact, rng)
        target = np.array([rng.uniform(-0.42, 0.42) * sport.width, -side * rng.uniform(*shot.target_depth)])
        height = rng.uniform(*shot.target_height) if shot.target_height else sport.surface + sport.ball.diameter / 2
        velocity, spin = _launch(sport, contact, target, height, shot, rng, over_net=not into_net)
        if velocity is None:
            continue
        flight, landed = fly(
            sport.ball,
            contact,
            velocity,
            spin,
            2.6,
            sport.floor,
            sport.net_height,
            sport.length / 2 + sport.run_off[0] - 0.1,
        )
        if into_net or unreached:
            return flight, landed, None, True
        received = _receive(sport, flight, landed, side, target, rng)
        if received is not None:
            return flight, landed, received, caught
    # Nothing fits (a ball far out of reach of any shot): it drops where it is.
    flight, landed = fly(
        sport.ball, contact, np.array([0.0, -side, 1.0]), 0.0, 1.0, sport.floor, sport.net_height, sport.length
    )
    return flight, landed, None, True


def _choose(shots: tuple[Shot, ...], contact: Array, rng: np.random.Generator) -> Shot:
    fitting = [
        shot
        for shot in shots
        if shot.contact[0] <= contact[2] <= shot.contact[1] and shot.depth[0] <= abs(contact[1]) <= shot.depth[1]
    ] or list(shots)
    weights = np.array([shot.weight for shot in fitting])
    return fitting[rng.choice(len(fitting), p=weights / weights.sum())]


def _launch(
    sport: Sport, contact: Array, target: Array, height: float, shot: Shot, rng: np.random.Generator, *, over_net: bool
) -> tuple[Array | None, float]:
    """Return the velocity (3,) that brings the ball to the target over the net, and the spin; None if there is none."""
    elevation, spin = rng.uniform(*shot.elevation), rng.uniform(*shot.spin)
    way = target - contact[:2]
    distance = float(np.hypot(*way))
    to_net = distance * abs(contact[1]) / (abs(contact[1]) + abs(target[1]))
    clearance = sport.surface + max(sport.net_top) + 1.5 * sport.ball.diameter - contact[2]
    if not over_net:
        elevation, distance, height = max(elevation - 8, -8.0), to_net, sport.surface + 0.6 * sport.net_top[0]
    for _ in range(10):
        speed = aim(sport.ball, elevation, spin, distance, height - contact[2])
        if speed is not None:
            passed = heights(sport.ball, speed, elevation, spin, (to_net,))
            if not over_net or (passed and passed[0] > clearance):
                flat = speed * np.cos(np.radians(elevation)) * way / np.hypot(*way)
                return np.array([*flat, speed * np.sin(np.radians(elevation))]), spin
        elevation += 2.5
    return None, 0.0


def _receive(
    sport: Sport, flight: Array, landed: list[int], side: int, target: Array, rng: np.random.Generator
) -> int | None:
    """Return the number of the place in ``flight`` where the other side hits the ball, or None if it gets away."""
    if sport.reach is None:
        beyond = np.flatnonzero(np.abs(flight[:, 1] - target[1]) < 0.05)
        return int(beyond[0]) if len(beyond) else None
    if not landed:
        return None
    (low, high), (near, far) = sport.reach
    after, until = landed[0], landed[1] if len(landed) > 1 else len(flight)
    numbers = np.arange(after, until)
    depth = -side * flight[numbers, 1]
    in_reach = numbers[
        (flight[numbers, 2] > low) & (flight[numbers, 2] < high) & (depth > near) & (depth < far)
    ]
    return int(rng.choice(in_reach)) if len(in_reach) else None


def run(
    sport: Sport, play: Play, side: int, times: Array, reach: float, partner: float | None, hand: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return where a player stands, (N, 2) metres.

    The player is beside the ball at each of the own strokes, and drifts back to the base in between.

    Args:
        sport: the preset.
        play: the rally.
        side: of the player.
        times: (N,) seconds, evenly spaced.
        reach: distance sideways at which the player hits the ball, in metres.
        partner: x that a player of a double who hits nothing keeps to; None for one who hits.
        hand: 1 for right-handed, -1 for left-handed.
        rng: the player's habits.
    """
    moments: list[float] = []
    places: list[Array] = []
    base = np.array([0.0 if partner is None else partner, side * sport.base * rng.uniform(0.92, 1.08)])
    for hit in play.hits[side] if partner is None else []:
        # A ball overhead is hit straight above, one at the waist at arm's length on the hand's side or across the body.
        aside = reach * (0.35 if hit.place[2] > 1.8 else 1.0)
        hand_side = -side * hand if rng.random() < 0.65 else side * hand
        stand = np.array([hit.place[0] - aside * hand_side, hit.place[1] + side * 0.3])
        stand[1] = side * np.clip(abs(stand[1]), *sport.roam)
        moments.append(hit.time)
        places.append(stand)
    for hit in play.hits[-side]:
        last = max((number for number, moment in enumerate(moments) if moment < hit.time), default=None)
        home = base + rng.normal(0, 0.25, 2) * [sport.width / 6, 0.6]
        if last is not None:
            home = 0.65 * home + 0.35 * places[last]
        if not any(abs(moment - hit.time) < 0.2 for moment in moments):
            moments.append(hit.time)
            places.append(home)
    if not moments:
        return np.broadcast_to(base, (len(times), 2)).copy()
    order = np.argsort(moments)
    at, track = np.array(moments)[order], np.stack(places)[order]
    fine = np.stack([np.interp(times, _eased(at), track[:, axis]) for axis in (0, 1)], axis=1)
    return _smooth(fine, width=round(0.35 / float(times[1] - times[0])))


def _eased(moments: Array) -> Array:
    return moments


def _smooth(track: Array, width: int) -> Array:
    """Return the track (N, 2) averaged over a sliding window, so that nobody turns on the spot."""
    width = max(1, width) | 1
    padded = np.pad(track, ((width // 2, width // 2), (0, 0)), mode="edge")
    summed = np.cumsum(np.vstack([np.zeros((1, 2)), padded]), axis=0)
    return np.asarray((summed[width:] - summed[:-width]) / width)
