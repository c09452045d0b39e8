"""Where two evaluations of the same clips differ, frame by frame: one is right, and the other wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tracknet_core.contracts import FloatArray, Point
from tracknet_core.evaluation.results import Fate
from tracknet_core.evaluation.saved_runs import SavedRun


@dataclass(frozen=True)
class Disagreement:
    """Frames in a row that the first run has right and another wrong, or the other way round.

    Attributes:
        run: number of the other run.
        clip: where they are.
        first: number of the first of these frames, 0-based.
        last: number of the last.
        fates: what became of them in the first run, and in the other.
        frame: the one to look at: where the two places are farthest from each other, else the middle one.
        places: there, of the first run and of the other, in pixels of the original video; None without a ball.
    """

    run: int
    clip: str
    first: int
    last: int
    fates: tuple[Fate, Fate]
    frame: int
    places: tuple[Point | None, Point | None]

    def __len__(self) -> int:
        """Return how many frames they are."""
        return self.last - self.first + 1


def disagreements(protocol: str, runs: Sequence[SavedRun], clips: Sequence[str]) -> list[Disagreement]:
    """Return where each run and the first one differ under a protocol, in the order of runs, clips and frames."""
    return [
        found
        for number, run in enumerate(runs[1:], start=1)
        for clip in clips
        for found in _in_clip(protocol, runs[0], run, number, clip)
    ]


def gained_and_lost(protocol: str, first: SavedRun, other: SavedRun, clips: Sequence[str]) -> tuple[int, int]:
    """Return how many frames are right in the other run and wrong in the first, and how many the other way round."""
    gained = lost = 0
    for clip in clips:
        for one, two in _fates(protocol, first, other, clip):
            gained += two.is_right and not one.is_right
            lost += one.is_right and not two.is_right
    return gained, lost


def _fates(protocol: str, first: SavedRun, other: SavedRun, clip: str) -> list[tuple[Fate, Fate]]:
    letters = zip(first.frames[clip].fates[protocol], other.frames[clip].fates[protocol], strict=True)
    return [(Fate(one), Fate(two)) for one, two in letters]


def _in_clip(protocol: str, first: SavedRun, other: SavedRun, number: int, clip: str) -> Iterator[Disagreement]:
    fates = _fates(protocol, first, other, clip)
    places = [run.frames[clip].xy for run in (first, other)]
    apart = np.linalg.norm(places[0] - places[1], axis=1)
    for pair, run in groupby(range(len(fates)), key=fates.__getitem__):
        if pair[0].is_right == pair[1].is_right:
            continue
        frames = list(run)
        of_run = apart[frames]
        frame = frames[len(frames) // 2] if np.isnan(of_run).all() else frames[int(np.nanargmax(of_run))]
        one, two = (_place(of_clip, frame) for of_clip in places)
        yield Disagreement(number, clip, frames[0], frames[-1], pair, frame, (one, two))


def _place(xy: FloatArray, frame: int) -> Point | None:
    x, y = xy[frame].tolist()
    return None if np.isnan(x + y) else (x, y)
