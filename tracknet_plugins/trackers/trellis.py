"""The best path through the candidates of a clip: dynamic programming over pairs of places and over `no ball`.

Letters: C places per frame, G frames before one that a ball can come from, S = 1 + G * C pasts of a place: the path
begins at it, or comes from one of C places of one of the G frames before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray
from tracknet_plugins.trackers.motion import Array

LEAST_SECONDS = 1e-3
"""Between two frames, for clocks that stand still or run backwards."""


@dataclass(frozen=True)
class Costs:
    """What a path pays, in logits of a detection's score: an odd of 10 to 1 outweighs a cost of 2.3.

    Attributes:
        start: for a path that begins.
        miss: for each frame without a detection within a path.
        hit: most that a change of velocity costs, however large: a hit is paid once.
        rest: for each frame in which the ball stands still.
        agility: standard deviation of the change of velocity along an axis after one second; after t seconds it is
            ``agility * sqrt(t)``.
        speed: standard deviation of a new ball's velocity along an axis.
        noise: standard deviation of a place along an axis.
        slow: velocity from which a ball does not stand still at all.
    """

    start: float
    miss: float
    hit: float
    rest: float
    agility: float
    speed: float
    noise: float
    slow: float


class Link(NamedTuple):
    """What a path is in a frame.

    Attributes:
        place: number of the place that it goes through.
        past: number of its past, 0..S-1.
    """

    place: int
    past: int


class _Column(NamedTuple):
    """What is kept of a frame.

    Attributes:
        before: (C, S) of each place and past, the past of the place before.
        ended: the link of the path that is best if it ends here; None if no ball here is better.
    """

    before: npt.NDArray[np.intp]
    ended: Link | None


class Trellis:
    """Grows by a frame at a time, keeps a window of frames, and says which path is best at the moment.

    Args:
        places: C, most of a frame.
        reach: G, frames before one that a ball can come from: one more than may be missing.
        costs: what a path pays.
        window: frames that are kept.
    """

    def __init__(self, places: int, reach: int, costs: Costs, window: int) -> None:
        self._places, self._reach, self._costs = places, reach, costs
        pasts = 1 + reach * places
        self._columns: deque[_Column] = deque(maxlen=window)
        self._length = 0
        self._path: dict[int, Link | None] = {}
        # Of the last G frames, the latest first. Places and velocities are complex numbers, x + iy.
        self._time = np.full(reach, -math.inf)
        self._at = np.zeros((reach, places, 1), dtype=complex)
        self._velocity = np.zeros((reach, places, pasts, 1), dtype=complex)
        self._cost = np.full((reach, places, pasts, 1), math.inf)
        self._missed = costs.miss * np.arange(reach)[:, None, None]

    def add(self, time: float, xy: FloatArray, evidence: Array) -> None:
        """Add a frame.

        Args:
            time: of the frame, in seconds.
            xy: (D, 2) places, at most C.
            evidence: (D,) what speaks for each, in logits; 0 is as likely as not.
        """
        here = np.zeros(self._places, dtype=complex)
        here.real[: len(xy)], here.imag[: len(xy)] = xy.T
        own = np.full(self._places, math.inf)
        own[: len(xy)] = -evidence

        # Of every place before (G, C), with each of its pasts (S), to every place here (C').
        costs = self._costs
        seconds = np.maximum(time - self._time, LEAST_SECONDS)  # (G,)
        velocity = (here - self._at) / seconds[:, None, None]  # (G, C, C')
        change = velocity[:, :, None] - self._velocity  # (G, C, S, C')
        usual = np.empty((self._reach, 1, self._velocity.shape[2], 1))
        # The noise of three places is in the change between two velocities, twice in the middle one: 1 + 4 + 1.
        usual[:, 0, 1:, 0] = (costs.agility**2 * seconds + 6 * (costs.noise / seconds) ** 2)[:, None]
        usual[:, 0, 0, 0] = costs.speed**2
        paid = (change.real**2 + change.imag**2) * (0.5 / usual)
        np.minimum(paid, costs.hit, out=paid)
        paid += self._cost
        past = paid.argmin(axis=2)  # (G, C, C')
        still = costs.rest * np.maximum(1 - np.abs(velocity) / costs.slow, 0)
        best = paid.min(axis=2) + still + self._missed + own  # (G, C, C')

        pasts = self._cost.shape[2]
        cost = np.empty((self._places, pasts))  # (C', S), beside the best path that has ended, which costs 0
        cost[:, 0] = costs.start + own
        cost[:, 1:] = best.reshape(-1, self._places).T
        before = np.zeros(cost.shape, dtype=np.intp)
        before[:, 1:] = past.reshape(-1, self._places).T
        place, slot = divmod(int(cost.argmin()), pasts)
        least = float(cost[place, slot])
        ended = Link(place, slot) if least < 0 else None
        self._columns.append(_Column(before, ended))
        self._length += 1

        self._time[1:], self._time[0] = self._time[:-1], time
        self._at[1:], self._at[0, :, 0] = self._at[:-1], here
        self._velocity[1:] = self._velocity[:-1]
        self._velocity[0, :, 1:, 0] = velocity.reshape(-1, self._places).T
        self._cost[1:], self._cost[0, ..., 0] = self._cost[:-1], cost
        if least < 0:
            self._cost -= least  # only differences count, and sums do not grow with the clip

    def best(self) -> Mapping[int, Link | None]:
        """Return what the best path is in the frames that are kept, by their place in the clip: a link, or no ball.

        Frames that a path leaves out are not in it.
        """
        first = self._length - len(self._columns)
        for old in [at for at in self._path if at < first]:
            del self._path[old]
        at, link = self._length - 1, None
        while at >= first:
            column = self._columns[at - first]
            link = column.ended if link is None else link
            if self._path.get(at, _NOWHERE) == link:
                break  # from here back it is what it was before
            self._path[at] = link
            if link is None or link.past == 0:
                at, link = at - 1, None
            else:
                skipped, place = divmod(link.past - 1, self._places)
                for missed in range(at - skipped, at):
                    self._path.pop(missed, None)
                at, link = at - skipped - 1, Link(place, int(column.before[link]))
        return self._path


_NOWHERE = Link(-1, -1)
