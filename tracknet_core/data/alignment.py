"""Whether labels lie on the ball: an offset in time, labels of another resolution or beside it, seen from motion alone.

What moves fast is at a place in one frame and neither in the one before nor in the one after. So the lesser of the two
differences to the neighbouring frames is high at the ball's place in its own frame, and nowhere else along its flight.
Each label is asked when that happened at its place: in its own frame, or some frames earlier or later. Where one
answer stands out, it is a vote. The votes of a well-labelled clip agree on "now"; those of labels that are a frame late
agree on "one frame ago"; labels of another resolution get hardly any votes, until they are scaled to the video. A
moving camera or a player who walks by makes the answers equal, which is no vote, or scatters them. Where labels drift
off the ball, most answers are that nothing moves there at any time; a ball that is said to be hard to see may leave no
trace, and gives no such answer.

Letters: S scales tried, N frames around a label, R offsets tried, P side of the patch that is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import Clip, Size, UInt8Array, Visibility

_REACH = 3  # offsets of up to so many frames are tried
_NEIGHBOURS = 2 * _REACH + 3  # frames around a label; the outermost offsets have neighbours too
_WIDTH = 640  # pixels; a ball on television keeps 2 to 6 of them, and decoding at this width is cheap
_RADIUS = 2  # of the patch, in pixels of the small frame: 5 px of 1280, a few times the error of a good label
_PEAK = 4  # pixels of the patch that are averaged: less than a ball covers, more than noise does
_VISIBLE = [code for code in Visibility if code.is_visible]
_STEP = 3.0  # pixels of the small frame; a slower ball is still within the patch in the next frame
_FLOOR = 12.0  # grey levels; noise and compression stay below
_CLEAR = 1.5  # how far above every other offset the first must be to be a vote

# In each of 28 well-labelled rallies of broadcast badminton, the frame of the label has 88 % of the votes or more; no
# other scale has more than 4 votes at any offset. These limits are far from both.
_MIN_VOTES = 6
_MIN_SHARE = 0.6
_TIMES_THE_CLAIM = 4

# Of labels that say "now" or "never", 90 % and more say "now" in each of 28 well-labelled rallies of broadcast
# badminton; 33 % and less where labels drift off by 40 px of 1280 until the end of the clip; 10 % and less, in ten
# rallies, where they lie 12 px beside the ball.
_MIN_ANSWERS = 10
_ASTRAY_SHARE = 0.4

_LABEL_SIZES: tuple[Size, ...] = (
    (1, 1),  # fractions of width and height
    (256, 144),
    (512, 288),
    (640, 360),
    (854, 480),
    (960, 540),
    (1024, 576),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
    (3840, 2160),
)
"""Sizes in which pictures are labelled or given to networks."""


@dataclass(frozen=True)
class Misfit:
    """Labels that fit the pictures better elsewhere.

    Attributes:
        late: by how many frames the labels come late; negative if early.
        labelled_size: width and height, in pixels, of the pictures that the places belong to; (1, 1) if they are
            fractions, None if they belong to the video's own.
        votes: labels that say so.
        of: labels that say anything, at this scale.
    """

    late: int
    labelled_size: Size | None
    votes: int
    of: int


@dataclass(frozen=True)
class Astray:
    """Labels of a fast ball in places where nothing moves.

    Attributes:
        never: labels in places where nothing passes, for some frames before and after; not of a ball hard to see.
        now: labels where something passes in their own frame alone.
    """

    never: int
    now: int


class Alignment:
    """Collects the votes of one clip, frame by frame, in a memory that does not grow with the clip.

    Args:
        clip: its labels and the size of its frames; no frame is read from it.
    """

    def __init__(self, clip: Clip) -> None:
        width, height = clip.frames.size
        self.size: Size = small_size(clip.frames.size)
        others = [size for size in _LABEL_SIZES if not 0.95 < size[0] / width < 1.05]
        self._sizes: list[Size | None] = [None, *others]
        scales = np.array([(1.0, 1.0), *((width / w, height / h) for w, h in others)])
        self._to_small = scales * (self.size[0] / width)  # (S, 2)
        self._places = clip.xy.astype(np.float64)
        self._wanted = np.stack([_fast(clip, self._places * scale) for scale in self._to_small])  # (S, labels)
        self._is_hard = clip.visibility == Visibility.HARD
        self._ring = np.zeros((_NEIGHBOURS, self.size[1], self.size[0], 3), np.uint8)
        self._seen = 0
        self._votes = np.zeros((len(self._sizes), 2 * _REACH + 1), np.int64)  # (S, R)
        self._never = 0

    def add(self, frame: UInt8Array) -> None:
        """Take the next frame of the clip, RGB of ``size``; all of them must come, in order."""
        self._ring[self._seen % _NEIGHBOURS] = frame
        self._seen += 1
        label = self._seen - 1 - _NEIGHBOURS // 2  # the frame in the middle of those in the ring
        if self._seen >= _NEIGHBOURS and self._wanted[:, label].any():
            self._vote(self._places[label] * self._to_small, self._wanted[:, label], hard=bool(self._is_hard[label]))

    @property
    def votes(self) -> dict[Size | None, tuple[int, ...]]:
        """Votes for each offset from -3 to 3 frames, by the size that the labels are taken to belong to."""
        return {size: tuple(map(int, votes)) for size, votes in zip(self._sizes, self._votes, strict=True)}

    def misfit(self) -> Misfit | None:
        """Return what fits better than the labels as they are, if a clear majority of enough votes says so."""
        scale, offset = map(int, np.unravel_index(self._votes.argmax(), self._votes.shape))
        if (scale, offset) == (0, _REACH):
            return None
        votes, of = int(self._votes[scale, offset]), int(self._votes[scale].sum())
        claim = int(self._votes[0, _REACH])
        if votes < max(_MIN_VOTES, _MIN_SHARE * of, _TIMES_THE_CLAIM * claim):
            return None
        return Misfit(_REACH - offset, self._sizes[scale], votes, of)

    def astray(self) -> Astray | None:
        """Return how many labels lie where nothing moves, if they are the most of enough; None if the labels fit."""
        now = int(self._votes[0, _REACH])
        answers = self._never + now
        if answers < _MIN_ANSWERS or now >= _ASTRAY_SHARE * answers:
            return None
        return Astray(self._never, now)

    def _vote(self, points: npt.NDArray[np.float64], wanted: npt.NDArray[np.bool_], *, hard: bool) -> None:
        """Count the votes of one label.

        Args:
            points: (S, 2) places in the small frame. The half-pixel rule, which moves them by less than a pixel and is
                none for fractions, is left out.
            wanted: (S,) scales at which the label may vote.
            hard: whether the ball is said to be hard to see.
        """
        width, height = self.size
        inside = np.all((points >= _RADIUS) & (points < (width - _RADIUS - 1, height - _RADIUS - 1)), axis=1)
        scales = np.flatnonzero(wanted & inside)
        if not len(scales):
            return
        columns, rows = np.rint(points[scales]).astype(np.int64).T
        order = (self._seen + np.arange(_NEIGHBOURS)) % _NEIGHBOURS  # oldest first
        patch = np.arange(-_RADIUS, _RADIUS + 1)
        pixels = self._ring[
            order[:, None, None, None],
            rows[:, None, None] + patch[:, None],
            columns[:, None, None] + patch,
        ].astype(np.int16)  # (N, S, P, P, 3)
        differences = np.abs(np.diff(pixels, axis=0))
        flashes = np.minimum(differences[1:], differences[:-1]).max(axis=-1)  # (R, S, P, P)
        flashes = flashes.reshape(*flashes.shape[:2], -1)
        peaks = np.partition(flashes, -_PEAK, axis=-1)[..., -_PEAK:].mean(axis=-1)  # (R, S)
        second, first = np.partition(peaks, -2, axis=0)[-2:]
        clear = (first > _FLOOR) & (first > _CLEAR * second)
        np.add.at(self._votes, (scales[clear], peaks.argmax(axis=0)[clear]), 1)
        if not hard:
            self._never += int((first[scales == 0] <= _FLOOR).sum())


def small_size(size: Size) -> Size:
    """Return the size at which frames are looked at: that of the video, at most 640 pixels wide."""
    scale = min(1.0, _WIDTH / size[0])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _fast(clip: Clip, places: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which labels may vote: a visible ball that, as far as its neighbours are labelled, moves on at once.

    Args:
        clip: whose labels.
        places: (N, 2) in pixels of the small frame.
    """
    visible: npt.NDArray[np.bool_] = np.isin(clip.visibility, _VISIBLE) & np.isfinite(places).all(axis=1)
    steps = np.hypot(*np.diff(places, axis=0).T)
    slow = visible[1:] & visible[:-1] & (steps < _STEP)
    fast = visible.copy()
    fast[1:] &= ~slow
    fast[:-1] &= ~slow
    return fast
