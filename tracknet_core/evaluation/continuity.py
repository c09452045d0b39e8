"""Whether the places of a clip are the way of a ball: what counts of single frames cannot tell."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np

from tracknet_core.contracts import FloatArray, IntArray, Visibility
from tracknet_core.evaluation.results import BoolArray, Continuity

JUMP = 0.1
"""Widths of the video; a ball seldom goes further from one frame to the next."""


def visible(visibility: IntArray) -> BoolArray:
    """Return (N,) whether a tracker is expected to find the ball, of (N,) codes."""
    return np.isin(visibility, [int(code) for code in Visibility if code.is_visible])


def continuity(ways: Iterable[tuple[FloatArray, BoolArray, float]]) -> Continuity:
    """Return how whole and how smooth ways are, as one count over all of them.

    Args:
        ways: for each clip the places (N, 2) in pixels of the original video, NaN where there is none; (N,) whether
            the truth shows a ball there; and the width of the video in pixels.
    """
    fragments = jumps = longest_gap = 0
    bends = [np.empty(0)]
    for xy, expected, width in ways:
        present: BoolArray = np.asarray(np.isfinite(xy).all(axis=1))
        fragments += sum(found for found, _ in groupby(map(bool, present)))
        gaps = (len(list(run)) for missing, run in groupby(map(bool, expected & ~present)) if missing)
        longest_gap = max([longest_gap, *gaps])
        # A difference with a frame without a ball is NaN: neither a jump nor a bend.
        steps = np.diff(xy.astype(np.float64), axis=0)
        jumps += int((np.linalg.norm(steps, axis=1) > JUMP * width).sum())
        bend = np.linalg.norm(np.diff(steps, axis=0), axis=1)
        bends.append(bend[np.isfinite(bend)])
    pooled = np.concatenate(bends)
    return Continuity(fragments, longest_gap, jumps, float(np.median(pooled)) if len(pooled) else float("nan"))
