"""What travels on the road of the data, from the frames of a clip to the balls of its frames.

Letters used in shapes: B batch, T input frames, P pictures of a window (its T frames and, where the network asks for
it, the background of the clip as the last one), K target frames (those that get an answer), N samples that pass through
the network, C channels, H x W pixels of the network input, h x w cells of the codec's grid, D detections per frame, Q
points of a ball.

Pixel coordinates are ``(x, y)`` with the centre of the top-left pixel at (0, 0), so a point moves between an
image and its resized copy by ``(x + 0.5) * scale - 0.5`` (:func:`rescale`). Sizes are ``(width, height)``.

This module must not import torch.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from tracknet_core.errors import ClipError, DataError

if TYPE_CHECKING:
    from torch import Tensor

Size = tuple[int, int]
"""Width and height, in pixels or cells."""

GREATEST_LENGTH = 1000
"""Frames of a window; of more no machine has memory, and a file from outside may name any number."""

GREATEST_SIDE = 16384
"""Pixels."""

Array = npt.NDArray[Any]
UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class Visibility(IntEnum):
    """What a label says about the ball in one frame; the codes of the tennis set (TrackNet), and one more."""

    UNLABELLED = -1  # nobody said anything usable: no training, no score
    ABSENT = 0  # there is no ball in the frame
    EASY = 1
    HARD = 2
    OCCLUDED = 3  # in the frame, but hidden: the place is an estimate

    @property
    def is_visible(self) -> bool:
        """Whether a tracker is expected to find the ball (codes 1 and 2, as WASB counts)."""
        return self in (Visibility.EASY, Visibility.HARD)


class Outcome(IntEnum):
    """Which count a frame adds to under a protocol that counts frames; a figure has the name of each."""

    UNCOUNTED = -1  # none: its label says too little
    TP = 0  # a ball, found close enough
    FP1 = 1  # a ball, found somewhere else
    FP2 = 2  # no ball, and one was found
    TN = 3  # no ball, and none was found
    FN = 4  # a ball, and none was found


class TimedFrame(NamedTuple):
    """A frame on its way into the network.

    Attributes:
        number: of the frame in its clip, 0-based.
        time: presentation time, in seconds from the first frame of the clip.
        picture: (H, W, 3) uint8, RGB.
    """

    number: int
    time: float
    picture: UInt8Array


class PictureSource(Protocol):
    """What is known of the pictures of a clip, wherever they come from."""

    @property
    def size(self) -> Size:
        """Width and height of the original frames, in pixels."""

    @property
    def fps(self) -> float:
        """Frames per second."""


@runtime_checkable
class FrameSource(PictureSource, Protocol):
    """The frames of one clip, read lazily by number; cheap to make, to pickle and to hold.

    A source inherits from this class: it says what has no default here, and of the rest what it knows better.
    """

    @property
    def is_live(self) -> Literal[False]:
        """Whether frames come once, as those of a :class:`LiveSource`."""
        return False

    def __len__(self) -> int:
        """Return the number of frames."""

    def fingerprint(self) -> str | None:
        """Return a text that changes when the pictures may have changed: path, size and time stamp of every file.

        None if the pictures must not be kept in a cache.

        Raises:
            DataError: a file is missing.
        """

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield the frames at strictly ascending ``indices``, each an RGB array (H, W, 3), decoded once.

        Args:
            indices: frame numbers, 0-based, strictly ascending.
            size: width and height to deliver; the original size if None.

        Raises:
            DataError: a frame cannot be read; the message names the file and the frame.
            ClipError: the clip cannot be used; no frame of it is worth another try.
        """

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame, in seconds from the first; evenly spaced by default."""
        return [number / self.fps for number in range(len(self))]

    def kept(self, size: Size) -> UInt8Array | None:
        """Return all frames (N, H, W, 3), read-only, where they lie ready in that size; None, as by default, if not."""
        return None

    @property
    def video(self) -> Path | None:
        """The video file that the frames are the whole of, whose sound is theirs; None, as by default, if none is."""
        return None

    @property
    def offset(self) -> float:
        """Time that ``video`` gives to the first frame, in seconds."""
        return 0.0

    def play(self, size: Size | None = None, *, start: int = 0) -> Generator[TimedFrame, None, None]:
        """Yield the frames from ``start`` to the end; those that cannot be read are left out, the others keep numbers.

        Args:
            size: width and height to deliver; the original size if None.
            start: number of the first frame, 0-based.

        Raises:
            DataError: the clip cannot be opened.
            ClipError: as :meth:`read` raises it.
        """
        times, rest = self.times, range(start, len(self))
        while rest:
            try:
                for number, picture in zip(rest, self.read(rest, size), strict=True):
                    rest = range(number + 1, len(self))
                    yield TimedFrame(number, times[number], picture)
            except ClipError:
                raise
            except DataError:
                rest = rest[1:]


class LiveSource(PictureSource, Protocol):
    """The frames of a camera or a stream, as they come: of unknown number, each once."""

    @property
    def is_live(self) -> Literal[True]:
        """Whether frames come once, unlike those of a :class:`FrameSource`."""
        return True

    def play(self, size: Size | None = None) -> Generator[TimedFrame, None, None]:
        """Yield the frames until the stream ends; those that cannot be decoded are left out, and have no number.

        Args:
            size: width and height to deliver; the original size if None.

        Raises:
            DataError: the stream cannot be opened, or broke off.
        """


A = TypeVar("A")


class Labels(NamedTuple, Generic[A]):
    """What is known of the ball in F frames: NumPy arrays of clips and windows, tensors (B, F, …) of batches.

    A plain ball is one point (Q = 1); a blur streak is two (Q = 2), its ends. What moves pixels moves all points, and
    needs to know nothing else of a streak.

    Attributes:
        points: (F, Q, 2) places in pixels of the frames that they belong to; NaN where unknown or absent.
        visibility: (F,) codes of :class:`Visibility`.
        difficulty: (F,) how hard a frame proved, as a callback measured it; 0 where nobody did.
    """

    points: A
    visibility: A
    difficulty: A

    @property
    def xy(self) -> Any:
        """(F, 2) centres of the ball: the mean of its points."""
        return self.points.mean(-2)  # type: ignore[attr-defined]

    def at(self, frames: Any) -> Labels[A]:
        """Return the labels of some frames: an index along F, as NumPy and torch have them."""
        points, visibility, difficulty = self
        return Labels(points[frames], visibility[frames], difficulty[frames])  # type: ignore[index]


def plain_labels(xy: FloatArray, visibility: IntArray) -> ArrayLabels:
    """Return the labels of a plain ball: (F, 2) places, NaN where unknown or absent, and (F,) codes."""
    return Labels(xy[:, None, :], visibility, np.zeros(len(visibility), np.float32))


ArrayLabels = Labels[npt.NDArray[Any]]
"""Of a clip or a window."""


class Labelled:
    """F frames with a label each."""

    labels: ArrayLabels

    @property
    def xy(self) -> FloatArray:
        """(F, 2) place of the ball in the pixels of the labels; NaN where unknown or absent."""
        centres: FloatArray = self.labels.xy
        return centres

    @property
    def visibility(self) -> IntArray:
        """(F,) codes of :class:`Visibility`."""
        return self.labels.visibility

    def __len__(self) -> int:
        """Return F, the number of labelled frames; a background does not count."""
        return len(self.labels.visibility)


@dataclass(frozen=True)
class Clip(Labelled):
    """An unbroken run of frames with one label each.

    Attributes:
        name: unique within the dataset, such as ``match1/1_00_01``; patterns of ``data.split`` match it.
        frames: where the pictures come from.
        labels: (N,) of its frames, in pixels of the original video.
        weight: how often its windows are drawn in training, relative to those of other clips.
    """

    name: str
    frames: FrameSource
    labels: ArrayLabels
    weight: float = 1.0

    def replace(self, **changes: Any) -> Clip:
        """Return a copy with other attributes."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Window(Labelled):
    """T frames with labels, in the pixels of ``frames``.

    Attributes:
        frames: (P, H, W, 3) uint8, RGB: T frames in the order of time and, where the network asks for it, the
            background of the clip as the last picture. What changes pictures changes all P of them.
        labels: (T,) of the frames, in pixels of ``frames``.
    """

    frames: UInt8Array
    labels: ArrayLabels

    def replace(self, frames: UInt8Array, **labels: Any) -> Window:
        """Return a copy with other pictures, and with other ``points``, ``visibility`` or ``difficulty``."""
        return Window(frames, self.labels._replace(**labels))

    def moved(self, frames: UInt8Array, points: npt.NDArray[Any]) -> Window:
        """Return the window with other pictures, where a ball that lies outside of them is ABSENT.

        Args:
            frames: (P, H, W, 3).
            points: (T, Q, 2) in pixels of these.
        """
        height, width = frames.shape[1:3]
        centre = points.mean(axis=1)
        known = ~np.isnan(centre).any(axis=1)
        outside = known & ~((centre >= -0.5) & (centre < (width - 0.5, height - 0.5))).all(axis=1)
        visibility = self.visibility.copy()
        visibility[outside & (visibility != Visibility.UNLABELLED)] = Visibility.ABSENT
        points = np.where(outside[:, None, None], np.nan, points).astype(np.float32)
        return self.replace(frames, points=points, visibility=visibility)

    def at(self, positions: Sequence[int]) -> Window:
        """Return the window of the frames at ``positions``, in that order; the background, if any, stays the last."""
        pictures = [*positions, *range(len(self), len(self.frames))]
        return Window(self.frames[pictures], self.labels.at(list(positions)))


class Batch(NamedTuple):
    """What the loader gives to the module.

    Attributes:
        frames: (B, P, 3, H, W) uint8, RGB; memory may be channels-last.
        labels: (B, T) of the frames, in pixels of ``frames``.
        counted: (B, T) bool; False for padding and for frames that another window of the clip reports, which are
            UNLABELLED here.
        original_points: (B, T, Q, 2) float, points of the ball in pixels of the original video; NaN without one.
        original_size: (B, 2) width and height of the original video.
        clip: (B,) index of the clip in its split.
        number: (B, T) number of each frame in its clip; in training as read, before transforms changed the order.
    """

    frames: Tensor
    labels: Labels[Tensor]
    counted: Tensor
    original_points: Tensor
    original_size: Tensor
    clip: Tensor
    number: Tensor

    @property
    def original_xy(self) -> Tensor:
        """(B, T, 2) centres of the ball in pixels of the original video: the means of its points."""
        return self.original_points.mean(-2)


@dataclass(frozen=True)
class WindowSpec:
    """Facts about the windows of a network, made once and handed on.

    Attributes:
        length: T, frames of a window.
        targets: the K positions in the window that get an answer, consecutive.
        background: whether a window needs the background of the clip as a further picture.
        image_size: (W, H) of whole frames, in pixels of the network input.
        step: frames between the windows that a trained network is led over a clip with, 1 to K; None for K, so that
            each frame is looked at once.
    """

    length: int
    targets: tuple[int, ...]
    background: bool
    image_size: Size
    step: int | None = None

    @property
    def pictures(self) -> int:
        """P, the pictures of a window."""
        return self.length + self.background

    def apart(self, step: int | None) -> int:
        """Return the frames between windows: as asked for, or else as the network says."""
        return step or self.step or len(self.targets)

    def in_a_row(self, windows: int) -> WindowSpec:
        """Return the spec of several windows in a row as one, which a network with a state goes through in order."""
        step = len(self.targets)
        targets = tuple(range(self.targets[0], self.targets[0] + windows * step))
        return replace(self, length=self.length + (windows - 1) * step, targets=targets)


@dataclass(frozen=True)
class Form:
    """What a head gives for one target frame, and a loss compares.

    Attributes:
        name: what the numbers mean: ``heatmap``, ``classes``, ``offsets``, ``sides``, or a codec's own.
        channels: numbers per cell; None for a single one, which has no axis of its own.
        layout: ``map``, cells of a grid (h, w); or ``sides``, the cells along its two sides in a row, (w + h,).
        indices: whether what is right in a cell is one of the channels, so that a target is its number, int64.
    """

    name: str
    channels: int | None = None
    layout: Literal["map", "sides"] = "map"
    indices: bool = False

    def shape(self, cells: Size) -> tuple[int, ...]:
        """Return the shape of the answer for a grid of (w, h) cells."""
        width, height = cells
        grid = (height, width) if self.layout == "map" else (width + height,)
        return grid if self.channels is None else (self.channels, *grid)

    def target_shape(self, cells: Size) -> tuple[int, ...]:
        """Return the shape of a target: that of an answer, without the channels where it is the number of one."""
        return replace(self, channels=None).shape(cells) if self.indices else self.shape(cells)

    def fits(self, accepted: Sequence[str]) -> bool:
        """Return whether a part takes this form: its name, or its layout for parts that ask for no meaning."""
        return self.name in accepted or self.layout in accepted

    def __str__(self) -> str:
        return f"'{self.name}'" + ("" if self.channels is None else f" ({self.channels} channels)")


HEATMAP = Form("heatmap")
"""One heatmap per target frame, which most parts are made for."""


class Target(NamedTuple):
    """What logits should become.

    Attributes:
        values: (B, K, *form); of a form with ``indices`` the number of the right channel, int64, without their axis.
        weight: (B, K) float, how much a frame counts in the loss; 0 leaves it out.
        has_ball: (B, K) bool, whether a ball is drawn in the frame.
    """

    values: Tensor
    weight: Tensor
    has_ball: Tensor


@dataclass(frozen=True)
class Cost:
    """A loss as a ratio that is not yet taken, so that parts of a batch add up to the whole.

    Attributes:
        total: scalar, the sum over all that counts.
        count: scalar, what it is divided by: frames, cells or balls. 0 divides by nothing.
    """

    total: Tensor
    count: Tensor

    def mean(self) -> Tensor:
        """Return the loss of this batch alone."""
        return self.total / self.count.where(self.count > 0, 1.0)


@dataclass(frozen=True)
class Detections:
    """Candidates for the ball, best first; D of them per frame, fewer where ``present`` is False.

    Attributes:
        points: (B, K, D, Q, 2) places in pixels, Q points of a ball: one, or the two ends of a streak.
        score: (B, K, D) confidence, higher is surer; comparable within one codec.
        present: (B, K, D) bool; a frame without a True has no ball.
    """

    points: Tensor
    score: Tensor
    present: Tensor

    @classmethod
    def at(cls, xy: Tensor, score: Tensor, present: Tensor) -> Detections:
        """Return detections of plain balls at ``xy`` (B, K, D, 2)."""
        return cls(xy.unsqueeze(-2), score, present)

    @property
    def xy(self) -> Tensor:
        """(B, K, D, 2) centres in pixels: the means of the points."""
        return self.points.mean(-2)

    def best(self) -> Detections:
        """Return the first candidate of each frame alone (D = 1)."""
        return Detections(self.points[..., :1, :, :], self.score[..., :1], self.present[..., :1])

    def rescaled(self, source: Tensor | Size, target: Tensor) -> Detections:
        """Return the same detections in the pixels of another size.

        Args:
            source: width and height that ``points`` refer to.
            target: (B, 2) width and height to refer to.
        """
        scale = target.to(self.points.dtype) / self.points.new_tensor(source)
        return replace(self, points=rescale(self.points, scale[:, None, None, None, :]))


def rescale(xy: Any, scale: Any) -> Any:
    """Move points into an image resized by ``scale``: pixel centres stay centres (half-pixel rule)."""
    return (xy + 0.5) * scale - 0.5


@dataclass(frozen=True)
class RandomFrames:
    """A split that draws single frames; neighbouring frames are near-duplicates, so what is scored was trained on.

    Attributes:
        shares: share of the frames of each split, such as ``{"train": 0.7, "val": 0.3}``.
        seed: of the draw.
    """

    shares: Mapping[str, float]
    seed: int = 0


PublishedSplit = Mapping[str, Sequence[str]] | RandomFrames
"""Patterns of clip names for each split, or the share of the frames that is drawn for it."""


@dataclass(frozen=True)
class FeatureSpec:
    """Facts about a feature map.

    Attributes:
        channels: of the map; those of all its frames.
        stride: input pixels per cell.
        frames: frames whose channels lie one after the other in the map; 1 where time is no axis of its own.
    """

    channels: int
    stride: int
    frames: int = field(default=1, repr=False)  # said by shapes already, and by few networks at all


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per RGB channel, for frames scaled to 0..1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class ValidationOutput(NamedTuple):
    """What the module's validation step returns, for callbacks such as previews.

    Attributes:
        logits: (B, K, *form).
        target: as the codec encoded it.
        detections: places in pixels of the network input.
        targets: the K positions in the window that the answers belong to.
    """

    logits: Tensor
    target: Target
    detections: Detections
    targets: tuple[int, ...]


@dataclass(frozen=True)
class RunPaths:
    """Where a run writes.

    Attributes:
        run_id: ``run-<timestamp>-s<seed>``.
        logs: folder of this run's logs and previews.
        checkpoints: folder that all runs share; files carry the ``run_id``.
    """

    run_id: str
    logs: Path
    checkpoints: Path


@dataclass(frozen=True)
class ClipFacts:
    """What a writer may need to know of a clip, before any of its frames is looked at.

    Attributes:
        name: how messages call it, such as the path of the video.
        place: where its outputs go: a path to put suffixes to.
        source: its pictures, which come once where it is live; opened when it is asked.
        points: Q, points of a ball: 2 for the ends of a streak.
    """

    name: str
    place: Path
    source: FrameSource | LiveSource
    points: int = 1

    def path(self, suffix: str) -> Path:
        """Return the path of the output with a suffix, such as ``.csv`` or ``_overlay.mp4``."""
        return self.place.with_name(f"{self.place.name}{suffix}")


@dataclass(frozen=True)
class Candidates:
    """What the network found in one frame: D places where the ball may be, best first.

    Attributes:
        number: number of the frame in its clip, 0-based.
        time: presentation time of the frame, in seconds from the first.
        points: (D, Q, 2) points of each ball in pixels of the original video: its place, or the ends of its streak.
        score: (D,) confidence, higher is surer; comparable within one codec.
    """

    number: int
    time: float
    points: FloatArray
    score: FloatArray

    @classmethod
    def at(cls, number: int, time: float, xy: FloatArray, score: FloatArray) -> Candidates:
        """Return plain balls, whose one point (D, 2) is their place."""
        return cls(number, time, xy[:, np.newaxis], score)

    @cached_property
    def xy(self) -> FloatArray:
        """(D, 2) places in pixels of the original video, each the mean of its points."""
        xy: FloatArray = self.points.mean(axis=1)
        return xy

    def ball(self, index: int) -> TrackPoint:
        """Return a candidate as it was found."""
        points = tuple((x, y) for x, y in self.points[index].tolist())
        return TrackPoint(points, float(self.score[index]))


@dataclass(frozen=True)
class Wanted:
    """What a tracker asks of a codec; by default nothing that an experiment does not say anyway.

    Attributes:
        candidates: per frame, at least.
        score: candidates from this one on, at least; for codecs whose scores are probabilities, 0..1.
    """

    candidates: int = 1
    score: float = 1.0


Point = tuple[float, float]
"""x and y, in pixels."""


@dataclass(frozen=True)
class TrackPoint:
    """A ball in one frame.

    Attributes:
        points: Q points in pixels of the original video: its place, or the ends of its streak.
        score: confidence; that of the detection, or the tracker's own where there was none.
        origin: ``detected`` by the network, ``predicted`` from the past, or ``filled`` in from both sides.
        track: which of several balls; 0 where a tracker follows one.
    """

    points: tuple[Point, ...]
    score: float
    origin: Literal["detected", "predicted", "filled"] = "detected"
    track: int = 0

    @classmethod
    def at(
        cls, xy: Point, score: float, origin: Literal["detected", "predicted", "filled"] = "detected", track: int = 0
    ) -> TrackPoint:
        """Return a plain ball, whose one point is its place."""
        return cls((xy,), score, origin, track)

    @property
    def xy(self) -> Point:
        """Place in pixels of the original video: the mean of the points."""
        return sum(x for x, _ in self.points) / len(self.points), sum(y for _, y in self.points) / len(self.points)

    def moved_to(self, xy: Point) -> TrackPoint:
        """Return the ball with its place at ``xy``, from which its points keep their offsets."""
        before = self.xy
        points = tuple((xy[0] + (x - before[0]), xy[1] + (y - before[1])) for x, y in self.points)
        return replace(self, points=points)


@dataclass(frozen=True)
class TrackedFrame:
    """The balls of one frame.

    Attributes:
        number: of the frame in its clip, 0-based.
        time: presentation time, in seconds from the first frame.
        balls: places in pixels of the original video; none, one, or several.
    """

    number: int
    time: float
    balls: tuple[TrackPoint, ...] = ()
