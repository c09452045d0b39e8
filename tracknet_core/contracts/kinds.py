"""One Protocol per kind of component: what it is given, and what it gives.

Constructors of components are keyword-only and typed: they are the schema of the configuration. What the
docstring of a Protocol lists under "assembly supplies" is given by the core to constructors that name it,
and cannot be set by the user. A component may subclass the Protocol of its kind, and so inherit what has a default.

Letters are those of :mod:`tracknet_core.contracts.road`. This module must not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from tracknet_core.contracts.road import (
    HEATMAP,
    Array,
    Batch,
    Candidates,
    Clip,
    Cost,
    Detections,
    FeatureSpec,
    Form,
    Labels,
    Normalization,
    PublishedSplit,
    Size,
    Target,
    TrackedFrame,
    Wanted,
    Window,
)

if TYPE_CHECKING:
    import lightning.pytorch
    import numpy as np
    import torch
    from torch import Tensor, nn

PLAIN = Normalization(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""Frames at 0..1."""


Answer = TypeVar("Answer", Candidates, "Tensor")
"""What a window says of a frame."""


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

        :class:`~tracknet_core.clips.LazyClips` opens each when it is asked for: a broken clip hides no other.

        Raises:
            DataError: a file or folder is missing or broken; the message names it, and the line.
        """


@runtime_checkable
class WritingDataset(Protocol):
    """What a dataset may be beside a reader: one that writes clips in its own layout; kind ``datasets``."""

    @staticmethod
    def write(
        splits: Mapping[str, Sequence[Clip]],
        output: Path,
        *,
        frames: Literal["video", "images"],
        crf: int,
        on_clip: Callable[[str], None],
    ) -> str:
        """Write clips, and return what a person wants to know.

        Args:
            splits: the clips of each split.
            output: folder that is new or empty.
            frames: video files, or one image without loss for each frame.
            crf: x264's constant rate factor of what is encoded, 0 (lossless but for colours in 4:2:0) to 51.
            on_clip: is called with the name of each clip when it has been written.

        Raises:
            ConfigError: the layout has no such split.
            DataError: ``output`` is not empty, or a clip cannot be read, or has no place in the layout.
        """


class Transform(Protocol):
    """One augmentation of a whole window: one draw for all its frames."""

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the changed window; all points move with the pixels, ``visibility`` follows what is seen."""

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

    forms: tuple[str, ...] = (HEATMAP.name,)
    """The forms of targets that it takes: their names, or their layouts where it asks for no meaning."""

    def mix(self, frames: Tensor, target: Target) -> tuple[Tensor, Target]:
        """Return changed frames and what they should become.

        Args:
            frames: (B, P, 3, H, W) uint8.
            target: as the codec encoded it.
        """


class Input(Protocol):
    """How T frames (and a background) enter a network; an nn.Module. Assembly supplies: ``frames`` (T)."""

    background: bool = False
    """Whether the input needs the background of the clip as a further picture: P = T + 1."""

    channels: int
    """Channels of a network sample."""

    targets: tuple[int, ...]
    """The K positions in the window that get an answer, consecutive."""

    maps: int
    """Target frames per network sample: B * K == N * maps."""

    def __call__(self, frames: Tensor) -> Tensor:
        """(B, P, 3, H, W) normalised frames -> (N, channels, H, W)."""


class Backbone(Protocol):
    """Feature extractor; an nn.Module. Assembly supplies: ``in_channels``, ``frames``, ``image_size``, ``fetch``.

    ``frames`` are the frames that a network sample was made of, ``image_size`` is (W, H). ``fetch`` says whether
    pretrained weights may be fetched or read. It is False where a checkpoint brings all weights: the network is then
    the same, from random weights, so that a checkpoint works without a network or a file.
    """

    features: tuple[FeatureSpec, ...]
    """The maps that come out, fine to coarse."""

    normalization: Normalization = PLAIN
    """What the weights expect of RGB frames; frames at 0..1 by default."""

    def __call__(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per feature, exactly."""


class Decoder(Protocol):
    """Merges feature maps into one; an nn.Module. Assembly supplies: ``in_features``.

    A decoder that does not fit raises ValueError in its constructor, with the strides that it got.
    """

    feature: FeatureSpec
    """The map that comes out."""

    state: tuple[FeatureSpec, ...] = ()
    """The maps that it carries from a window to the next, all 0 at the start of a clip; none by default."""

    def __call__(self, features: list[Tensor], *state: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Feature maps -> (N, C, H / stride, W / stride).

        A decoder with a state is given its maps (N, C_i, H / s_i, W / s_i) after the features, and gives those for the
        next window after its own.
        """


class Head(Protocol):
    """A map to logits; an nn.Module. Assembly supplies: ``in_feature``, ``maps``, ``form``, ``frames``, ``image_size``.

    ``maps`` are the target frames per network sample, ``form`` is what the codec wants for each, ``frames`` are those
    that a sample was made of, ``image_size`` is (W, H). A head that cannot give the form raises ValueError when made.
    """

    forms: tuple[str, ...] = (HEATMAP.name,)
    """The forms that it gives: their names, or their layouts where it asks for no meaning."""

    def __call__(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor | list[Tensor]:
        """Return logits for the target frames.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, P, 3, H, W), the normalised frames, for heads that look at motion.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, maps, *form.shape(size)). In training it may be a list of several (deep supervision), of which the last
            one counts in the end.
        """


class Codec(Protocol):
    """Places to targets and logits to places; batched tensor code. Assembly supplies: ``image_size`` (W, H)."""

    size: Size
    """(w, h) cells of the grid of a whole image; a crop has proportionally fewer."""

    form: Form = HEATMAP
    """What a head must give for one target frame; one heatmap by default."""

    points: int = 1
    """Q, points of a ball that it finds: 2 for the ends of a streak."""

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Return what the logits should become. What a hidden ball trains is the codec's to say.

        Args:
            labels: (B, K) of the target frames, in pixels of the network input. UNLABELLED frames have no weight.
            size: (W, H) pixels of the network input, the image or a crop of it.
        """

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return what several windows say of one frame together; the weighted mean of the logits by default.

        Args:
            logits: (M, *form) of M windows.
            weights: (M,) how much each counts, positive.

        Returns:
            (*form), to be decoded.
        """
        mean: Tensor = (weights.view(-1, *[1] * (logits.dim() - 1)) * logits).sum(0) / weights.sum()
        return mean

    def decode(self, logits: Tensor) -> Detections:
        """(B, K, *form) -> detections in pixels of the network input."""


@runtime_checkable
class AdjustableCodec(Protocol):
    """What a codec may be beside: one that finds more places in the same answers; kind ``codecs``."""

    def adjusted(self, wanted: Wanted) -> Codec:
        """Return the codec as it is but for its decoding, which gives at least what is wanted, as far as it can."""


class Loss(Protocol):
    """How far logits are from the target; an nn.Module."""

    forms: tuple[str, ...] = (HEATMAP.name,)
    """The forms that it compares: their names, or their layouts where it asks for no meaning."""

    def __call__(self, logits: Tensor, target: Target) -> Cost:
        """Return a sum and what it is to be divided by: the same count of a whole batch, in how many parts it may come.

        Args:
            logits: (B, K, *form).
            target: as the codec encoded it; a frame with weight 0 changes neither sum nor count.
        """


class Network(Protocol):
    """The whole network as callbacks see it: ``pl_module.model``; an nn.Module."""

    input: Input
    backbone: Backbone
    decoder: Decoder
    head: Head
    codec: Codec


class TrainingFrames(Protocol):
    """The frames of the training clips as callbacks see them: ``trainer.datamodule``."""

    difficulty: Tensor
    """(F,) float32, of all frames of the training clips, clip after clip. Windows that are read later have in their
    labels what is written here."""

    def every_training_frame(self) -> Iterable[Batch]:
        """Return batches that count every frame of the training clips once, in windows as training has them."""

    def places(self, batch: Batch) -> Tensor:
        """Return (B, T), where in ``difficulty`` the frames of a training batch are."""


OptimizerFactory = Callable[..., "torch.optim.Optimizer"]
"""Kind ``optimizers``. Assembly supplies: ``params``, torch's parameter groups."""

SchedulerFactory = Callable[..., "torch.optim.lr_scheduler.LRScheduler"]
"""Kind ``schedulers``, stepped once per optimizer step. Assembly supplies: ``optimizer``, ``total_steps``,
``steps_per_epoch``."""


class Merger(Protocol[Answer]):
    """What overlapping windows make of one frame. Assembly supplies: ``targets`` (K), ``codec``.

    Frames are held and given out by the core: a merger sees one frame, and remembers none.
    """

    reads: Literal["candidates", "logits"]
    """What an answer is: :class:`Candidates`, or the logits of the frame in the codec's form, a tensor."""

    immediate: bool = False
    """Whether the first answer is final, so that a frame need not wait for later windows, which are not asked."""

    def __call__(self, answers: Sequence[Answer], positions: Sequence[int]) -> Answer:
        """Return the answer for the frame.

        Args:
            answers: of the windows that report it, in order; one at least.
            positions: place of the frame among the K targets of each of these windows.
        """


class Tracker(Protocol):
    """Candidates of a clip, in order, to tracked frames. Assembly supplies: ``fps``, ``size`` (W, H of the video)."""

    delay: float = 0
    """Later frames that are asked for before the balls of a frame are given. Infinity, where there is no limit, is not
    for live streams."""

    wanted: Wanted = Wanted()
    """What it asks of the codec."""

    memory: float = math.inf
    """Seconds of earlier frames that the balls of a frame depend on; as many are seen again when an interrupted run
    goes on. Infinity, the clip from its first frame, is always right."""

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield each frame, in order, by its number and time, with its balls. A call is a clip of its own."""


@runtime_checkable
class LearnedTracker(Protocol):
    """What a tracker may be beside: one that learns from trajectories, an nn.Module; kind ``trackers``.

    Assembly supplies to it also ``frames``, T of its training windows. A checkpoint brings its weights to each clip.
    """

    def cost(self, labels: Labels[Tensor], size: Tensor) -> Cost:
        """Return how wrong it is about trajectories; what it hides of them are draws of torch's generator.

        Args:
            labels: (B, T) in pixels of the original video; UNLABELLED where a clip is shorter than a window.
            size: (B, 2) width and height of the original video.
        """


class Output(Protocol):
    """What a writer is at work on: it grows by a frame at a time."""

    earlier: Sequence[int] = ()
    """Numbers of the frames that it holds already, ascending, which an interrupted run left; none by default."""

    def read_earlier(self) -> Iterator[TrackedFrame]:
        """Yield the frames that it holds already; none by default."""
        yield from ()

    def write(self, frame: TrackedFrame) -> None:
        """Add a frame."""


class Writer(Protocol):
    """Tracked frames of a clip to files. Assembly supplies: ``clip`` (ClipFacts).

    Writers stand side by side: each is given every frame, in order, by a thread of its own. The constructor writes
    nothing.
    """

    paths: tuple[Path, ...]
    """The files that it leaves, known before the work, so that none is overwritten."""

    part: Path | None = None
    """Where an interrupted run leaves what :meth:`open` goes on with; None, as by default, if it always starts anew."""

    def open(self, run: Mapping[str, str], *, resume: bool) -> AbstractContextManager[Output]:
        """Begin, or go on. The files get their names where the block ends without an error, and else do not appear.

        Args:
            run: what the frames depend on, by name; what is there of another run is not gone on with.
            resume: go on with ``part``, if it is there.

        Raises:
            DataError: a file cannot be written, or ``part`` cannot be gone on with.
        """


class ProtocolMetric(Protocol):
    """Kind ``protocols``: a torchmetrics.Metric with a published rule inside.

    States are sums (``dist_reduce_fx="sum"``) where that is possible, so that clips can be drawn again for intervals;
    those that are lists hold equally many numbers.
    """

    rule: str
    """The rule in a sentence: what is close, in pixels of what, and how recall is counted."""

    def update(self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; only the best one of each frame counts.
            points: (B, K, Q, 2) true points of each ball, whose mean is its place; NaN where there is none. Q
                may differ from that of the detections.
            visibility: (B, K) codes of :class:`Visibility`; UNLABELLED frames do not count.
            counted: (B, K) bool; False leaves a frame out.
            size: (B, 2) width and height of the original video, for rules in the pixels of another size.
        """

    def compute(self) -> dict[str, Tensor]:
        """Return the figures by name, such as ``{"f1": …, "precision": …}``.

        Counts are integer tensors, the others floating point. A figure that the frames do not define is NaN, and
        intervals leave it out.
        """


@runtime_checkable
class FrameRule(Protocol):
    """What a protocol may be beside: one that counts frames, and so can say what became of each; kind ``protocols``."""

    def outcomes(
        self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor
    ) -> Tensor:
        """Return (B, K) int64, the :class:`Outcome` of each frame of what ``update`` is given; nothing is counted."""


LARGEST_BATCH = 2**16
"""Windows that a file takes at once; without a bound, torch 2.6 exports no 3-D convolutions."""


class Format(Protocol):
    """Kind ``formats``: a trained network as a file that runs without tracknet's code.

    The network that is written takes (B, P, 3, H, W) uint8 frames, B being free up to ``LARGEST_BATCH``. One with a
    state takes its maps as well, each (B, C, h, w) float32. It returns a tuple: logits (B, K, *form); ``points``
    (B, K, D, Q, 2) in pixels of the frames, ``score`` (B, K, D) and ``present`` (B, K, D), unless its decoding cannot
    be a graph; and the maps of the state for the next window.
    """

    suffix: str
    """Of its files, such as ``.onnx``."""

    runs_code: bool = False
    """Whether loading a file can run code that is inside it; such a file is read only where its backend is named."""

    needs: tuple[str, ...] = ()
    """Modules of optional packages that running a file takes."""

    def check(self, path: Path) -> None:
        """Refuse before the long work what :meth:`save` would refuse: packages are missing, or files are in the way.

        Args:
            path: where the file is going to lie.

        Raises:
            UserError: something is missing, or there already.
        """

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        """Write the network.

        Args:
            network: what to write, in evaluation mode, on the CPU.
            inputs: an example of what it takes, in order: frames, and the maps of its state.
            path: where to; nothing is there yet.
            notes: texts that travel inside the file, where the format has room for them.
        """

    def load(self, path: Path) -> Callable[..., tuple[Array, ...]]:
        """Return a function that runs the file: what the network takes, and gives, as NumPy arrays.

        It may have an attribute ``threads``, how many it runs on, which is told to whoever waits.

        Raises:
            CheckpointError: the file is not of this format.
        """

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file."""


class Converter(Protocol):
    """Weights as others publish them to those of a network or tracker here."""

    experiment: str
    """The experiment whose network or tracker it is, by its name or path."""

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return what to change in it for the content of a published file, as ``key=value``."""

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here; what has no place here keeps its name, and is told."""


TrainedModel = Callable[[], Path]
"""Kind ``models``: what a package ships trained. The folder of the files that ``tracknet publish`` writes."""

LightningCallback = Callable[..., "lightning.pytorch.Callback"]
"""Kind ``callbacks``. Assembly supplies: ``paths`` (RunPaths)."""

LightningLogger = Callable[..., "lightning.pytorch.loggers.Logger"]
"""Kind ``loggers``. Assembly supplies: ``paths`` (RunPaths)."""
