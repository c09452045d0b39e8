"""The one windowing: a run of frames, or of their numbers, cut into windows of which every frame gets an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from tracknet_core.contracts import IntArray, WindowSpec

F = TypeVar("F")


@dataclass(frozen=True)
class Place:
    """Where a window lies.

    Attributes:
        clip: index of the clip in its split.
        numbers: (T,) frame numbers; repeated where the clip is shorter than the window.
        counted: (T,) bool; frames that this window reports.
    """

    clip: int
    numbers: IntArray
    counted: np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class EvaluationPlaces:
    """Windows that report every frame exactly once, none lost at the end.

    Attributes:
        frames: frames of each clip.
        window: what the network is given.
    """

    frames: Sequence[int]
    window: WindowSpec

    def __call__(self, clip: int, draw: int) -> list[Place]:
        """Return the windows of a clip, ascending; nothing is drawn."""
        places: list[Place] = []
        reported = 0
        for excerpt in cut(range(self.frames[clip]), self.window, len(self.window.targets)):
            end = excerpt.start + len(excerpt.targets)
            counted = np.zeros(self.window.length, dtype=np.bool_)
            for position, number in zip(self.window.targets, range(excerpt.start, end), strict=False):
                counted[position] = number >= reported
            places.append(Place(clip, np.array(excerpt.frames, dtype=np.int64), counted))
            reported = end
        return places


class Excerpt(NamedTuple, Generic[F]):
    """A window that was cut out of a run of frames.

    Attributes:
        start: place of the first target in the run, 0-based; ascends from window to window.
        frames: the frames of the window; repeated where the run is too short.
        targets: those of them that get an answer; fewer at the end of a run shorter than they are.
    """

    start: int
    frames: Sequence[F]
    targets: Sequence[F]


def cut(frames: Iterable[F], window: WindowSpec, step: int) -> Iterator[Excerpt[F]]:
    """Cut a run of frames into windows, each as soon as its last frame is there: their number need not be known.

    Windows start ``step`` frames apart. As none reaches beyond the end, the last moves back into the run: repeated
    frames would show it no motion. Every frame is a target of one window at least.

    Args:
        frames: of a clip, in order; or their numbers.
        window: what the network is given.
        step: frames between the starts of windows, 1 to K.
    """
    length, targets = window.length, window.targets
    held: deque[F] = deque(maxlen=length)
    count = 0
    lead = targets[0]  # frames of a window before its first target: at the start of a clip the first frame, repeated
    start = -lead

    def excerpt(start: int) -> Excerpt[F]:
        numbers = [min(max(number, 0), count - 1) for number in range(start, start + length)]
        inside = [held[number - (count - len(held))] for number in numbers]
        reported = [inside[target] for target in targets if start + target < count]
        return Excerpt(start + lead, inside, reported)

    reported = 0
    for frame in frames:
        held.append(frame)
        count += 1
        if count == start + length:
            yield excerpt(start)
            reported = start + targets[-1] + 1
            start += step
    while reported < count:
        start = min(start, max(count - targets[-1] - 1, -lead))
        yield excerpt(start)
        reported = start + targets[-1] + 1
        start += step
