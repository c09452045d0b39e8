"""Which windows of the training clips are drawn, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tracknet_core.config import Sampling
from tracknet_core.contracts import Clip, FloatArray, Visibility
from tracknet_core.errors import ConfigError
from tracknet_core.loading.windows import Place

_DRAWS = 2**16
"""Phases that a draw chooses from; a power of two keeps their sums exact."""


@dataclass(frozen=True)
class TrainingPlaces:
    """Windows in proportion to rates, evenly along each clip and at a drawn phase; their number follows from no draw.

    Where all rates are 1, that is a window every ``stride`` frames. A place with a rate above ``stride`` comes more
    than once, one with a low rate in some epochs only (systematic sampling).

    Attributes:
        frames: frames of each clip.
        length: frames that a window reads.
        stride: frames between the starts of windows, on average, where the rate is 1.
        rates: for each clip, how often a window that starts at a frame is drawn with a stride of 1; all 1 if None.
    """

    frames: Sequence[int]
    length: int
    stride: int
    rates: Sequence[FloatArray] | None = None

    def __call__(self, clip: int, draw: int) -> list[Place]:
        """Return the windows of a clip, ascending; ``draw`` is any whole number."""
        frames = self.frames[clip]
        rates = np.ones(starts_of(frames, self.length)) if self.rates is None else self.rates[clip]
        passed = np.cumsum(rates, dtype=np.float64)
        if passed[-1] <= 0:
            return []
        count = max(1, int(passed[-1] / self.stride + 1e-6))
        marks = (np.arange(count) + draw % _DRAWS / _DRAWS) * (passed[-1] / count)
        starts = np.minimum(np.searchsorted(passed, marks, side="right"), len(rates) - 1)
        return [self._place(clip, int(start), frames) for start in starts]

    def _place(self, clip: int, start: int, frames: int) -> Place:
        numbers = np.arange(start, start + self.length)
        return Place(clip, np.minimum(numbers, frames - 1), numbers < frames)


def starts_of(frames: int, length: int) -> int:
    """Return how many windows of ``length`` lie in a clip; one of repeated frames in a clip that is too short."""
    return max(1, frames - length + 1)


def sampling_rates(clips: Sequence[Clip], length: int, sampling: Sampling) -> list[FloatArray]:
    """Return how often a window at each place is drawn, for each clip; on average 1 where a frame has a label.

    Windows without any labelled frame teach nothing and are not drawn. The others are drawn in proportion to the
    weight of their clip, the factors of ``sampling.clips`` whose pattern matches its name, and what makes the share of
    those that show a ball ``sampling.ball``.

    Args:
        clips: the clips of the split.
        length: frames that a window reads.
        sampling: the section ``data.sampling``.

    Raises:
        ConfigError: a pattern matches no clip, or there is nothing to draw.
    """
    for pattern in sampling.clips:
        if not any(fnmatchcase(clip.name, pattern) for clip in clips):
            examples = ", ".join(clip.name for clip in clips[:3])
            raise ConfigError(f"data.sampling.clips: '{pattern}' matches none of the clips, such as {examples}.")
    labelled = [_any_in_window(clip.visibility != Visibility.UNLABELLED, length) for clip in clips]
    visible = [code for code in Visibility if code.is_visible]
    ball = [_any_in_window(np.isin(clip.visibility, visible), length) for clip in clips]
    rates = [_factor(clip, sampling) * has_label for clip, has_label in zip(clips, labelled, strict=True)]
    if sampling.ball is not None:
        with_ball = sum(float(rate[has].sum()) for rate, has in zip(rates, ball, strict=True))
        without = sum(float(rate[~has].sum()) for rate, has in zip(rates, ball, strict=True))
        if with_ball > 0 and without > 0:
            rates = [
                np.where(has, rate * sampling.ball / with_ball, rate * (1 - sampling.ball) / without)
                for rate, has in zip(rates, ball, strict=True)
            ]
    total = sum(float(rate.sum()) for rate in rates)
    if total <= 0:
        raise ConfigError("data: no window of the training clips has a label (with the settings of data.sampling).")
    windows = sum(int(has_label.sum()) for has_label in labelled)
    return [(rate * (windows / total)).astype(np.float32) for rate in rates]


def _any_in_window(flags: np.ndarray[Any, np.dtype[np.bool_]], length: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each start whether a frame of the window has the flag."""
    if len(flags) < length:
        return np.array([flags.any()])
    return np.asarray(sliding_window_view(flags, length).any(axis=1))


def _factor(clip: Clip, sampling: Sampling) -> float:
    factors = (factor for pattern, factor in sampling.clips.items() if fnmatchcase(clip.name, pattern))
    return float(np.prod([clip.weight, *factors]))
