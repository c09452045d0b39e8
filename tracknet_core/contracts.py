"""The types on the road of the data, and one Protocol per kind of component.

Letters used in shapes: B batch, T input frames, P pictures of a window (its T frames and, where the network asks for
it, the background of the clip as the last one), K target frames (those that get a heatmap), N samples that pass through
the network, C channels, H x W pixels of the network input, h x w cells of the heatmap, D detections per frame.

Pixel coordinates are ``(x, y)`` with the centre of the top-left pixel at (0, 0), so a point moves between an
image and its resized copy by ``(x + 0.5) * scale - 0.5`` (:func:`rescale`). Sizes are ``(width, height)``.

Constructors of components are keyword-only and typed: they are the schema of the configuration. What the
docstring of a Protocol lists under "assembly supplies" is given by the core to constructors that name it,
and cannot be set by the user. A component may subclass the Protocol of its kind, and so inherit what has a default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Size = tuple[int, int]
"""Width and height, in pixels or cells."""

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


# ----------------------------------------------------------------------------------------------- data


@runtime_checkable
class FrameSource(Protocol):
    """The frames of one clip, read lazily; cheap to make, to pickle and to hold."""

    @property
    def size(self) -> Size:
        """Width and height of the original frames, in pixels."""

    @property
    def fps(self) -> float:
        """Frames per second."""

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
        """


@dataclass(frozen=True)
class Clip:
    """An unbroken run of frames with one label each.

    Attributes:
        name: unique within the dataset, such as ``match1/1_00_01``; patterns of ``data.split`` match it.
        frames: where the pictures come from.
        xy: (N, 2) place of the ball in pixels of the original video; NaN where unknown.
        visibility: (N,) codes of :class:`Visibility`.
        weight: how often its windows are drawn in training, relative to those of other clips.
    """

    name: str
    frames: FrameSource
    xy: FloatArray
    visibility: IntArray
    weight: float = 1.0

    def replace(self, **changes: Any) -> Clip:
        """Return a copy with other attributes."""
        return replace(self, **changes)

    def __len__(self) -> int:
        """Return the number of labelled frames."""
        return len(self.visibility)


@dataclass(frozen=True)
class Window:
    """T frames with labels, in the pixels of ``frames``.

    Attributes:
        frames: (P, H, W, 3) uint8, RGB: T frames in the order of time and, where the network asks for it, the
            background of the clip as the last picture. What changes pictures changes all P of them.
        xy: (T, 2) place of the ball in pixels of ``frames``; NaN where there is none.
        visibility: (T,) codes of :class:`Visibility`.
    """

    frames: UInt8Array
    xy: FloatArray
    visibility: IntArray

    def __len__(self) -> int:
        """Return T, the number of frames; a background does not count."""
        return len(self.visibility)

    def replace(self, **changes: Any) -> Window:
        """Return a copy with other arrays."""
        return replace(self, **changes)

    def at(self, positions: Sequence[int]) -> Window:
        """Return the window of the frames at ``positions``, in that order; the background, if any, stays the last."""
        pictures = [*positions, *range(len(self), len(self.frames))]
        return Window(self.frames[pictures], self.xy[list(positions)], self.visibility[list(positions)])


class Batch(NamedTuple):
    """What the loader gives to the module.

    Attributes:
        frames: (B, P, 3, H, W) uint8, RGB; memory may be channels-last.
        xy: (B, T, 2) float, place of the ball in pixels of ``frames``; NaN where there is none.
        visibility: (B, T) codes of :class:`Visibility`.
        counted: (B, T) bool; False for padding and for frames that another window of the clip reports, which are
            UNLABELLED here.
        original_xy: (B, T, 2) float, place of the ball in pixels of the original video; NaN where there is none.
        original_size: (B, 2) width and height of the original video.
        clip: (B,) index of the clip in its split.
        number: (B, T) number of each frame in its clip; in training as read, before transforms changed the order.
    """

    frames: Tensor
    xy: Tensor
    visibility: Tensor
    counted: Tensor
    original_xy: Tensor
    original_size: Tensor
    clip: Tensor
    number: Tensor


@dataclass(frozen=True)
class Detections:
    """Candidates for the ball, best first; D of them per frame, fewer where ``present`` is False.

    Attributes:
        xy: (B, K, D, 2) places in pixels.
        score: (B, K, D) confidence, higher is surer; comparable within one codec.
        present: (B, K, D) bool; a frame without a True has no ball.
    """

    xy: Tensor
    score: Tensor
    present: Tensor

    def best(self) -> Detections:
        """Return the first candidate of each frame alone (D = 1)."""
        return Detections(self.xy[..., :1, :], self.score[..., :1], self.present[..., :1])

    def rescaled(self, source: Tensor | Size, target: Tensor) -> Detections:
        """Return the same detections in the pixels of another size.

        Args:
            source: width and height that ``xy`` refers to.
            target: (B, 2) width and height to refer to.
        """
        scale = target.to(self.xy.dtype) / self.xy.new_tensor(source)
        return replace(self, xy=rescale(self.xy, scale[:, None, None, :]))


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


class Dataset(Protocol):
    """A reader of one format. Assembly supplies: ``root`` (Path or None)."""

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {}
    """Splits of papers by name, such as ``wasb``; over the clips of all ``splits``. The name of one that draws frames
    ends in ``_random_frames``."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that are there, such as ``("train", "val")``; a copy may lack some that others have."""

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips of a split, in a fixed order.

        :class:`tracknet_core.labels.LazyClips` opens each when it is asked for, so that one broken clip hides no other.

        Raises:
            DataError: a file or folder is missing or broken; the message names it, and the line.
        """


class Transform(Protocol):
    """One augmentation of a whole window: one draw for all its frames."""

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the changed window; ``xy`` moves with the pixels, ``visibility`` follows what is seen."""

    def output_size(self, size: Size) -> Size:
        """Return the size of the frames that come out when frames of ``size`` go in; the same by default."""
        return size

    def input_frames(self, frames: int) -> int:
        """Return how many consecutive frames must go in for ``frames`` to come out; as many by default."""
        return frames


@runtime_checkable
class BatchTransform(Protocol):
    """An augmentation across the windows of a batch, on the device, after the targets were drawn; kind ``transforms``.

    Its draws come from torch's generator, which the module seeds every epoch.
    """

    def mix(self, frames: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return changed frames, target and weight.

        Args:
            frames: (B, P, 3, H, W) uint8.
            target: (B, K, h, w), as the codec encoded it.
            weight: (B, K), 0 where a frame is left out of the loss.
        """


# ------------------------------------------------------------------------------------------ the model


@dataclass(frozen=True)
class FeatureSpec:
    """Facts about a feature map: its channels, and the input pixels per cell."""

    channels: int
    stride: int


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per RGB channel, for frames scaled to 0..1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Input(Protocol):
    """How T frames (and a background) enter a network; an nn.Module. Assembly supplies: ``frames`` (T)."""

    background: bool = False
    """Whether the input needs the background of the clip as a further picture: P = T + 1."""

    channels: int
    """Channels of a network sample."""

    targets: tuple[int, ...]
    """The K positions in the window that get a heatmap."""

    maps: int
    """Heatmaps per network sample: B * K == N * maps."""

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, P, 3, H, W) normalised frames -> (N, channels, H, W)."""


class Backbone(Protocol):
    """Feature extractor; an nn.Module. Assembly supplies: ``in_channels``, ``image_size`` (W, H)."""

    features: tuple[FeatureSpec, ...]
    """The maps that come out, fine to coarse."""

    normalization: Normalization
    """What the weights expect of RGB frames."""

    def __call__(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per feature, exactly."""


class Decoder(Protocol):
    """Merges feature maps into one; an nn.Module. Assembly supplies: ``in_features``.

    A decoder that does not fit raises ValueError in its constructor, with the strides that it got.
    """

    feature: FeatureSpec
    """The map that comes out."""

    def __call__(self, features: list[Tensor]) -> Tensor:
        """Feature maps -> (N, C, H / stride, W / stride)."""


class Head(Protocol):
    """Feature map to logits; an nn.Module. Assembly supplies: ``in_feature``, ``maps``, ``frames``.

    ``maps`` are the heatmaps per network sample, ``frames`` the frames that a network sample was made of.
    """

    def __call__(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor:
        """Return logits for the target frames.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, P, 3, H, W), the normalised frames, for heads that look at motion.
            size: (w, h) cells of the heatmap to give.

        Returns:
            (N, maps, h, w).
        """


class Codec(Protocol):
    """Places to targets and logits to places; batched tensor code. Assembly supplies: ``image_size`` (W, H)."""

    size: Size
    """(w, h) cells of the heatmap of a whole image; a crop has proportionally fewer."""

    def encode(self, xy: Tensor, visible: Tensor, size: Size) -> Tensor:
        """Return what the logits should become.

        Args:
            xy: (B, K, 2) pixels of the network input; NaN allowed where ``visible`` is False.
            visible: (B, K) bool; False gives an empty target.
            size: (W, H) pixels of the network input, the image or a crop of it.

        Returns:
            (B, K, h, w) for one map per frame.
        """

    def decode(self, logits: Tensor) -> Detections:
        """(B, K, h, w) -> detections in pixels of the network input."""


class Loss(Protocol):
    """How far logits are from the target; an nn.Module."""

    def __call__(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return a scalar.

        Args:
            logits: (B, K, h, w).
            target: (B, K, h, w), as the codec encoded it.
            weight: (B, K), 0 leaves a frame out; the result is finite even if all are 0.
        """


# ---------------------------------------------------------------------------------------- training


class ValidationOutput(NamedTuple):
    """What the module's validation step returns, for callbacks such as previews.

    Attributes:
        logits: (B, K, h, w).
        target: (B, K, h, w), as the codec encoded it.
        detections: places in pixels of the network input.
        targets: the K positions in the window that the maps belong to.
    """

    logits: Tensor
    target: Tensor
    detections: Detections
    targets: tuple[int, ...]


class Network(Protocol):
    """The whole network as callbacks see it: ``pl_module.model``; an nn.Module."""

    input: Input
    backbone: Backbone
    decoder: Decoder
    head: Head
    codec: Codec


OptimizerFactory = Callable[..., "torch.optim.Optimizer"]
"""Kind ``optimizers``. Assembly supplies: ``params``, torch's parameter groups."""

SchedulerFactory = Callable[..., "torch.optim.lr_scheduler.LRScheduler"]
"""Kind ``schedulers``, stepped once per optimizer step. Assembly supplies: ``optimizer``, ``total_steps``,
``steps_per_epoch``."""


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


# ------------------------------------------------------------------------------------ after the network


@dataclass(frozen=True)
class Candidates:
    """What the network found in one frame: D places where the ball may be, best first.

    Attributes:
        number: number of the frame in its clip, 0-based.
        time: presentation time of the frame, in seconds from the first.
        xy: (D, 2) places in pixels of the original video.
        score: (D,) confidence, higher is surer; comparable within one codec.
    """

    number: int
    time: float
    xy: FloatArray
    score: FloatArray


@dataclass(frozen=True)
class TrackPoint:
    """A ball in one frame.

    Attributes:
        xy: place in pixels of the original video.
        score: confidence; that of the detection, or the tracker's own where there was none.
        origin: ``detected`` by the network, ``predicted`` from the past, or ``filled`` in from both sides.
        track: which of several balls; 0 where a tracker follows one.
    """

    xy: tuple[float, float]
    score: float
    origin: Literal["detected", "predicted", "filled"] = "detected"
    track: int = 0


class Tracker(Protocol):
    """Detections of a clip, in order, to the trajectory. Assembly supplies: ``fps``, ``size`` (W, H of the video)."""

    causal: bool = True
    """Whether the balls of a frame are given before a later frame is asked for, as a live stream needs."""

    memory: float = math.inf
    """Seconds of earlier frames that the balls of a frame depend on; as many are seen again when an interrupted run
    goes on. Infinity, the clip from its first frame, is always right."""

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[tuple[TrackPoint, ...]]:
        """Yield the balls of each frame, in order: none, one, or several. A call is a clip of its own."""


class ProtocolMetric(Protocol):
    """Kind ``protocols``: a torchmetrics.Metric with a published rule inside.

    States are sums (``dist_reduce_fx="sum"``) where that is possible, so that clips can be drawn again for intervals;
    those that are lists hold equally many numbers.
    """

    rule: str
    """The rule in a sentence: what is close, in pixels of what, and how recall is counted."""

    def update(self, detections: Detections, xy: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; only the best one of each frame counts.
            xy: (B, K, 2) true places; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`; UNLABELLED frames do not count.
            counted: (B, K) bool; False leaves a frame out.
            size: (B, 2) width and height of the original video, for rules in the pixels of another size.
        """

    def compute(self) -> dict[str, Tensor]:
        """Return the figures by name, such as ``{"f1": …, "precision": …}``.

        Counts are integer tensors, the others floating point. A figure that the frames do not define is NaN, and
        intervals leave it out.
        """


class Format(Protocol):
    """Kind ``formats``: a trained network as a file that runs without tracknet's code.

    The network that is written takes (B, P, 3, H, W) uint8 frames, B being free, and returns a tuple: logits
    (B, K, h, w), ``xy`` (B, K, D, 2) in pixels of the frames, ``score`` (B, K, D) and ``present`` (B, K, D).
    """

    suffix: str
    """Of its files, such as ``.onnx``."""

    runs_code: bool = False
    """Whether loading a file can run code that is inside it; such a file is read only where its backend is named."""

    def check(self, path: Path) -> None:
        """Refuse before the long work what :meth:`save` would refuse: packages are missing, or files are in the way.

        Args:
            path: where the file is going to lie.

        Raises:
            UserError: something is missing, or there already.
        """

    def save(self, network: nn.Module, frames: Tensor, path: Path, notes: Mapping[str, str]) -> None:
        """Write the network.

        Args:
            network: what to write, in evaluation mode, on the CPU.
            frames: an example of its input.
            path: where to; nothing is there yet.
            notes: texts that travel inside the file, where the format has room for them.
        """

    def load(self, path: Path) -> Callable[[Tensor], tuple[Tensor, ...]]:
        """Return a function that runs the file: frames to logits, xy, score, present.

        Raises:
            CheckpointError: the file is not of this format.
        """

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file."""


# Kinds ``callbacks`` and ``loggers`` are Lightning's own types. Assembly supplies: ``paths`` (RunPaths).

SUPPLIED: dict[str, frozenset[str]] = {
    "datasets": frozenset({"root"}),
    "transforms": frozenset(),
    "inputs": frozenset({"frames"}),
    "backbones": frozenset({"in_channels", "image_size"}),
    "decoders": frozenset({"in_features"}),
    "heads": frozenset({"in_feature", "maps", "frames"}),
    "codecs": frozenset({"image_size"}),
    "losses": frozenset(),
    "optimizers": frozenset({"params"}),
    "schedulers": frozenset({"optimizer", "total_steps", "steps_per_epoch"}),
    "trackers": frozenset({"fps", "size"}),
    "protocols": frozenset(),
    "formats": frozenset(),
    "callbacks": frozenset({"paths"}),
    "loggers": frozenset({"paths"}),
}
"""What assembly gives to constructors of each kind, and the user cannot set."""
