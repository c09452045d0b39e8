"""Where on the road the balls that a protocol misses were lost: in the network, in the tracker, or on the way between.

A rule that counts frames says which balls are missed. What the network had found before the tracker tells those that it
never saw from those that were left out, and the origin of a place those that a tracker made up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch

from tracknet_core.contracts import FloatArray, FrameRule, Outcome, Visibility
from tracknet_core.evaluation.frames import Frames
from tracknet_core.evaluation.results import BoolArray, ClipResult, Fate, Misses, MissTable

SPEEDS = (5.0, 10.0, 20.0, 40.0)
"""Where one class of speed ends and the next begins, in pixels of the original video per frame."""

UNKNOWN_SPEED = "unknown"

_PLAIN = {
    Outcome.TP: Fate.FOUND,
    Outcome.FP1: Fate.ELSEWHERE,
    Outcome.FP2: Fate.FALSE_ALARM,
    Outcome.TN: Fate.NOTHING,
    Outcome.FN: Fate.NOT_FOUND,
    Outcome.UNCOUNTED: Fate.UNCOUNTED,
}


def miss_table(rule: FrameRule, clips: Sequence[ClipResult]) -> MissTable:
    """Return what became of the balls of all clips, of each clip, and of each class of visibility and of speed."""
    fates = {clip.name: fates_of(rule, clip) for clip in clips}
    visibility = _classes((code.name.lower() for code in Visibility), clips, fates, _visibilities)
    speed = _classes((*map(_speed_class, (0.0, *SPEEDS)), UNKNOWN_SPEED), clips, fates, _speeds)
    knows_candidates = all(clip.prediction.candidates is not None for clip in clips)
    knows_made = all(clip.prediction.made is not None for clip in clips)

    def counted(letters: str) -> Misses:
        return misses(letters, knows_candidates=knows_candidates, knows_made=knows_made)

    return MissTable(
        overall=counted("".join(fates.values())),
        visibility={name: counted(letters) for name, letters in visibility.items()},
        speed={name: counted(letters) for name, letters in speed.items()},
        clips={name: counted(letters) for name, letters in fates.items()},
        fates=fates,
    )


def fates_of(rule: FrameRule, clip: ClipResult) -> str:
    """Return (N,) letters of :class:`Fate`, what became of each frame of a clip."""
    frames = Frames.of(clip)
    outcomes = rule.outcomes(*frames.as_batch).flatten().tolist()
    had = _had(rule, clip, frames)
    made = np.zeros(len(clip), bool) if clip.prediction.made is None else clip.prediction.made
    return "".join(map(_fate, outcomes, had.tolist(), made.tolist()))


def misses(fates: str, *, knows_candidates: bool = True, knows_made: bool = True) -> Misses:
    """Count what became of balls.

    Args:
        fates: letters of :class:`Fate`; frames without a ball do not count here.
        knows_candidates: whether it is known what the network found before the tracker.
        knows_made: whether it is known which places are a tracker's own.
    """
    count = Counter(fates)
    found, not_found, elsewhere, dropped, filled = (
        count[fate] for fate in (Fate.FOUND, Fate.NOT_FOUND, Fate.ELSEWHERE, Fate.DROPPED, Fate.FILLED)
    )
    return Misses(
        balls=found + not_found + elsewhere + dropped + filled,
        found=found,
        not_found=not_found,
        elsewhere=elsewhere,
        dropped=dropped if knows_candidates else None,
        filled=filled if knows_made else None,
    )


def speeds(clip: ClipResult) -> FloatArray:
    """Return (N,) pixels of the original video that the ball moves in a frame; NaN where nobody knows.

    It is the way from its place in the frame before, or to that in the next if there is none before.
    """
    known = np.where((clip.visibility > Visibility.ABSENT)[:, np.newaxis], clip.xy, np.float32(np.nan))
    steps = np.linalg.norm(np.diff(known, axis=0), axis=1)
    before, after = (np.pad(steps, side, constant_values=np.nan) for side in ((1, 0), (0, 1)))
    return np.where(np.isfinite(before), before, after)[: len(clip)].astype(np.float32)


def _fate(outcome: int, had: bool, made: bool) -> Fate:
    fate = _PLAIN[Outcome(outcome)]
    if had and fate in (Fate.NOT_FOUND, Fate.ELSEWHERE):
        return Fate.DROPPED
    return Fate.FILLED if made and fate is Fate.ELSEWHERE else fate


def _had(rule: FrameRule, clip: ClipResult, frames: Frames) -> BoolArray:
    """Return (N,) whether a candidate of the network would have been the ball."""
    had = np.zeros(len(clip), bool)
    candidates = clip.prediction.candidates or ()
    frame_of = np.repeat(np.arange(len(candidates)), list(map(len, candidates)))  # (M,) of each candidate
    if len(frame_of):
        each = frames.at(torch.from_numpy(frame_of))._replace(
            points=torch.from_numpy(np.concatenate(candidates)).view(-1, 1, 1, 1, 2),
            present=torch.ones(len(frame_of), 1, 1, dtype=torch.bool),
        )
        right = (rule.outcomes(*each.as_batch) == Outcome.TP).flatten().numpy()
        had[frame_of[right]] = True
    return had


def _classes(
    names: Iterable[str],
    clips: Sequence[ClipResult],
    fates: Mapping[str, str],
    class_of: Callable[[ClipResult], Sequence[str]],
) -> dict[str, str]:
    """Return the letters of the frames of each class that has a ball, in the order of ``names``."""
    letters: dict[str, list[str]] = {name: [] for name in names}
    for clip in clips:
        for fate, name in zip(fates[clip.name], class_of(clip), strict=True):
            letters[name].append(fate)
    joined = {name: "".join(of_class) for name, of_class in letters.items()}
    return {name: of_class for name, of_class in joined.items() if misses(of_class).balls}


def _visibilities(clip: ClipResult) -> list[str]:
    return [Visibility(code).name.lower() for code in clip.visibility.tolist()]


def _speeds(clip: ClipResult) -> list[str]:
    return list(map(_speed_class, speeds(clip).tolist()))


def _speed_class(speed: float) -> str:
    if math.isnan(speed):
        return UNKNOWN_SPEED
    number = bisect_right(SPEEDS, speed)
    if number == len(SPEEDS):
        return f"{SPEEDS[-1]:g} px and more"
    return f"{(0.0, *SPEEDS)[number]:g} to {SPEEDS[number]:g} px"
