"""The play: who hits the ball when, where it flies, and where the players run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tracknet_plugins.datasets.synthetic.figures import Hit
from tracknet_plugins.datasets.synthetic.physics import STEP, aim, fly, height_after
from tracknet_plugins.datasets.synthetic.sports import GRAVITY, Shot, Sport

Array = npt.NDArray[np.float64]
Ending = Literal["hit back", "into the net", "out of reach", "caught"]

NEAR, FAR = -1, 1

_SHARE_WITH_SERVE = 0.45
_LEAD, _MISSED = (0.15, 0.6), (0.8, 2.6)
"""Seconds from the first frame to the toss; and from the toss to the first frame, where a clip starts later."""
_PAUSE = (0.4, 1.2)
"""Seconds without a ball between two rallies."""
_HOLD, _REST = (0.3, 2.2), (0.3, 2.5)
"""Seconds in the server's hand, and on the floor after a rally, of a ball that is labelled there too."""
_CHANCES_OF_IDLE = (0.8, 0.07, 0.1, 0.03)
"""More rallies end where a ball at rest is to be seen."""
_ENDINGS: tuple[Ending, ...] = ("hit back", "into the net", "out of reach", "caught")
_CHANCES = (0.92, 0.02, 0.03, 0.03)
_LONGEST_FLIGHT = 2.6
_ATTEMPTS = 12


@dataclass(frozen=True)
class Hold:
    """A ball in a server's hand: seconds from the first frame, side, and place (3,) in metres."""

    start: float
    end: float
    side: int
    place: Array


@dataclass(frozen=True)
class Play:
    """Rallies in world coordinates; times are seconds from the first frame of the clip.

    Attributes:
        start: time of the first place of ``path``.
        path: (M, 3) the ball's places in metres, one per :data:`~.physics.STEP`; NaN between two rallies.
        hits: strokes by side.
        bounces: (time, x, y, z) of the bounces on the floor or the table.
        holds: balls in hands, before serves; none where ``path`` begins with the toss.
    """

    start: float
    path: Array
    hits: dict[int, list[Hit]]
    bounces: Array
    holds: tuple[Hold, ...] = ()

    def ball(self, times: Array) -> Array:
        """Return the ball's places (..., 3) in metres; NaN where there is no ball in play."""
        at = (times - self.start) / STEP
        number = np.clip(np.floor(at).astype(int), 0, len(self.path) - 2)
        share = (at - number)[..., None]
        places = self.path[number] * (1 - share) + self.path[number + 1] * share
        return np.where(((at >= 0) & (at <= len(self.path) - 1))[..., None], places, np.nan)


class _Flight(NamedTuple):
    """From a stroke to the next.

    Attributes:
        places: (M, 3) metres.
        bounces: the numbers of the places right after a bounce.
        is_last: whether nobody plays on.
        stays: whether the same side plays on.
    """

    places: Array
    bounces: list[int]
    is_last: bool
    stays: bool = False


def play(sport: Sport, duration: float, rng: np.random.Generator, *, idle: bool = False) -> Play:
    """Play for ``duration`` seconds.

    Some clips start before the serve, others in the middle of a rally. A rally ends with a ball in the net, with one
    that nobody reaches, or with one that is caught; after a pause there is another serve. With ``idle``, the ball is
    there before a serve, in the server's hand, and after a rally, where it came to lie.
    """
    start = rng.uniform(*_LEAD) if rng.random() < _SHARE_WITH_SERVE else -rng.uniform(*_MISSED)
    pieces: list[Array] = []
    hits: dict[int, list[Hit]] = {NEAR: [], FAR: []}
    bounces = []
    holds: list[Hold] = []
    clock = start  # the time of the next place
    while not pieces or clock < duration:
        side, shots, is_over = (NEAR if rng.random() < 0.5 else FAR), sport.serves, False
        toss = _toss(sport, rng.uniform(-0.25, 0.25) * sport.width, side * sport.serve_depth)
        if idle:
            pieces.append(_held(toss[0], rng))
            holds.append(Hold(clock, clock + len(pieces[-1]) * STEP, side, toss[0]))
            clock = holds[-1].end
        pieces.append(toss)
        clock += len(toss) * STEP
        # A server who holds the ball gets ready for a stroke, be it after the end of the clip.
        while not is_over and (clock < duration or (idle and shots is sport.serves)):
            contact, moment = pieces[-1][-1], clock - STEP
            hits[side].append(Hit(moment, contact))
            # No rally ends before somebody has seen it.
            chances = _CHANCES_OF_IDLE if idle else _CHANCES
            ending = _ENDINGS[rng.choice(len(_ENDINGS), p=chances)] if moment > 0 else "hit back"
            places, bounced, is_over, stays = _stroke(sport, contact, side, shots, ending, rng)
            bounces += [[moment + number * STEP, *places[number]] for number in bounced]
            pieces.append(places[1:])
            clock += len(pieces[-1]) * STEP
            side, shots = side if stays else -side, sport.shots
        if idle and is_over and ending != "caught":
            pieces.append(np.repeat(pieces[-1][-1:], round(rng.uniform(*_REST) / STEP), axis=0))
            clock += len(pieces[-1]) * STEP
        pieces.append(np.full((round(rng.uniform(*_PAUSE) / STEP), 3), np.nan))
        clock += len(pieces[-1]) * STEP
    return Play(start, np.concatenate(pieces), hits, np.array(bounces).reshape(-1, 4), tuple(holds))


def _held(place: Array, rng: np.random.Generator) -> Array:
    """Return the path (M, 3) of a ball in a hand, which is never quite still, until it is let go of at a place."""
    times = np.arange(round(rng.uniform(*_HOLD) / STEP))[::-1] * STEP
    return np.asarray(place + 0.03 * np.sin(times[:, None] * rng.uniform(1, 4, 3)))


def _toss(sport: Sport, x: float, y: float) -> Array:
    """Return the path (M, 3) of the ball from the server's hand to the racket."""
    release, top, contact = sport.toss
    rise, fall = (2 * (top - release) / GRAVITY) ** 0.5, (2 * (top - contact) / GRAVITY) ** 0.5
    times = np.arange(round((rise + fall) / STEP) + 1) * STEP
    height = top - GRAVITY / 2 * (times - rise) ** 2
    return np.column_stack([np.full_like(times, x), np.full_like(times, y), height])


def _stroke(
    sport: Sport, contact: Array, side: int, shots: tuple[Shot, ...], ending: Ending, rng: np.random.Generator
) -> _Flight:
    """Hit the ball from ``contact`` (3,), with one of the shots that are possible there."""
    for _ in range(_ATTEMPTS):
        shot = _choose(shots, contact, rng)
        to = side if shot.stays else -side
        target = np.array([rng.uniform(-0.42, 0.42) * sport.width, to * rng.uniform(*shot.target_depth)])
        launched = _launch(sport, contact, target, shot, rng, into_net=ending == "into the net")
        if launched is None:
            continue
        places, bounces = _fly(sport, contact, *launched)
        if ending in ("into the net", "out of reach"):
            return _Flight(places, bounces, is_last=True)
        received = _receive(sport, places, bounces, target, rng)
        if received is not None:
            within = [number for number in bounces if number < received]
            return _Flight(places[: received + 1], within, is_last=ending == "caught", stays=shot.stays)
    # From here no shot comes back: the ball drops at the player's feet.
    places, bounces = _fly(sport, contact, np.array([0.0, -0.5 * side, 1.0]), 0.0)
    return _Flight(places, bounces, is_last=True)


def _choose(shots: tuple[Shot, ...], contact: Array, rng: np.random.Generator) -> Shot:
    """Draw one of the shots that can be played from a place, or any if none can."""
    height, depth = contact[2], abs(contact[1])
    fitting = [
        shot
        for shot in shots
        if shot.contact[0] <= height <= shot.contact[1] and shot.depth[0] <= depth <= shot.depth[1]
    ]
    weights = np.array([shot.weight for shot in fitting or shots])
    return (fitting or shots)[rng.choice(len(weights), p=weights / weights.sum())]


def _launch(
    sport: Sport, contact: Array, target: Array, shot: Shot, rng: np.random.Generator, *, into_net: bool
) -> tuple[Array, float] | None:
    """Return the velocity (3,) that brings the ball to the target (2,), and its spin; None if there is none."""
    elevation, spin = rng.uniform(*shot.elevation), rng.uniform(*shot.spin)
    height = rng.uniform(*shot.target_height) if shot.target_height else sport.surface + sport.ball.diameter / 2
    way = target - contact[:2]
    distance = float(np.hypot(*way))
    to_net = distance * abs(contact[1]) / float(abs(way[1]))
    must_pass: float | None = sport.surface + max(sport.net_top) + 1.5 * sport.ball.diameter - contact[2]
    if shot.stays:
        must_pass, into_net = None, False
    if shot.bounces_at is not None:
        # A serve that bounces on the server's side first: aimed at that bounce, whatever comes after it.
        distance *= (abs(contact[1]) - rng.uniform(*shot.bounces_at)) / float(abs(way[1]))
        must_pass = None
    if into_net:
        elevation, distance, height = max(elevation - 8.0, -8.0), to_net, sport.surface + 0.6 * sport.net_top[0]
        must_pass = None
    for steeper in np.arange(0.0, 25.0, 2.5).tolist():
        angle = elevation + steeper
        speed = aim(sport.ball, angle, spin, distance, height - contact[2])
        if speed is None:
            continue
        if must_pass is None or height_after(sport.ball, speed, angle, spin, to_net) > must_pass:
            along, up = speed * np.cos(np.radians(angle)), speed * np.sin(np.radians(angle))
            return np.array([*(along * way / np.hypot(*way)), up]), spin
    return None


def _fly(sport: Sport, start: Array, velocity: Array, spin: float) -> tuple[Array, list[int]]:
    wall = sport.length / 2 + sport.run_off[0] - 0.1
    return fly(sport.ball, start, velocity, spin, _LONGEST_FLIGHT, sport.floor, sport.net_height, wall)


def _receive(sport: Sport, places: Array, bounces: list[int], target: Array, rng: np.random.Generator) -> int | None:
    """Return the number of the place where the other side hits the ball, or None if it cannot."""
    side = np.sign(target[1])
    depth = side * places[:, 1]
    if sport.reach is None:
        # A pass may come from farther away from the net than it goes.
        comes_back = depth[0] > side * target[1] > 0
        there = np.flatnonzero(depth <= side * target[1] if comes_back else depth >= side * target[1])
        return int(there[0]) if len(there) else None
    landed = [number for number in bounces if depth[number] > 0]
    if not landed or (sport.surface and places[landed[0], 2] < sport.surface):
        return None
    low, high = sport.reach
    until = landed[1] if len(landed) > 1 else len(places)
    numbers = np.arange(landed[0], until)
    height = places[numbers, 2]
    within = (height > low[0]) & (height < low[1]) & (depth[numbers] > high[0]) & (depth[numbers] < high[1])
    return int(rng.choice(numbers[within])) if within.any() else None


@dataclass(frozen=True)
class Role:
    """A player's part in the rally.

    Attributes:
        side: -1 near the camera, 1 far.
        hand: 1 for right-handed, -1 for left-handed.
        partner_at: x in metres that the partner who hits nothing keeps to; None for the player who hits.
        home: (x, y) metres of the place in a team; None for one of one or two players.
        turn: which strokes of the side are this player's: the first, and then each one after so many; None for all.
    """

    side: int
    hand: int
    partner_at: float | None = None
    home: tuple[float, float] | None = None
    turn: tuple[int, int] | None = None

    def strokes(self, hits: list[Hit]) -> list[Hit]:
        """Return which of the strokes of the side are this player's."""
        if self.partner_at is not None:
            return []
        return hits if self.turn is None else hits[self.turn[0] :: self.turn[1]]


def run(sport: Sport, rally: Play, role: Role, times: Array, rng: np.random.Generator) -> Array:
    """Return where a player stands, (N, 2) metres, at ``times`` (N,), evenly spaced seconds.

    Players are beside the ball at their own strokes and on the way back to the base at the others'.
    """
    side = role.side
    reach = 0.45 + 0.7 * sport.racket[0]
    base = np.array([role.partner_at or 0.0, side * sport.base * rng.uniform(0.92, 1.08)])
    if role.home is not None:
        base = np.array(role.home)
    moments, places = [float(times[0])], [base]
    strokes = [(hit.time, by, hit.place) for by in (NEAR, FAR) for hit in rally.hits[by]]
    own = {hit.time for hit in role.strokes(rally.hits[side])}
    waits = {min(hit.time for hit in rally.hits[hold.side] if hit.time > hold.end): hold.start for hold in rally.holds}
    for moment, by, ball in sorted(strokes, key=lambda stroke: stroke[0]):
        home = base + rng.normal(0, 0.25, 2) * [sport.width / 6, 0.6]
        if by != side or moment not in own:
            place = 0.65 * home + 0.35 * places[-1]
        else:
            # A ball overhead is hit from almost below, one at the waist at arm's length, on either side of the body.
            # A ball that the server holds has to be within reach of the hand as well.
            aside = reach * (0.35 if ball[2] > 1.8 or moment in waits else 1.0)
            forehand = 1 if rng.random() < 0.65 else -1
            place = np.array([ball[0] + forehand * role.hand * side * aside, ball[1] + 0.3 * side])
            place[1] = side * np.clip(side * place[1], *sport.roam)
            if moment in waits:  # a server stands ready
                moments.append(waits[moment] - 0.3)
                places.append(place)
        moments.append(moment)
        places.append(place)
    order = np.argsort(moments, kind="stable")
    at, track = np.array(moments)[order], np.array(places)[order]
    straight = np.column_stack([np.interp(times, at, track[:, axis]) for axis in (0, 1)])
    return _smooth(straight, round(0.35 / float(times[1] - times[0])))


def _smooth(track: Array, width: int) -> Array:
    """Return the track (N, 2) averaged over a sliding window, so that nobody turns on the spot."""
    width = width | 1
    padded = np.pad(track, ((width // 2, width // 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).mean(-1))
