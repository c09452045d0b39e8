"""From frames to candidates: a trained network as one file, its windows over a clip, and what overlapping ones say.

Letters: B windows of a batch, T frames of a window, P pictures (T frames and maybe a background), K target frames, D
detections per frame.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from tracknet_core.assembly import check_and_build
from tracknet_core.checkpoint import load_model, stored_config
from tracknet_core.config import Config
from tracknet_core.contracts import (
    Candidates,
    Codec,
    Detections,
    Format,
    FrameSource,
    Input,
    Size,
    UInt8Array,
    rescale,
)
from tracknet_core.errors import CheckpointError, ConfigError, DataError, RegistryError
from tracknet_core.loading.background import median, sampled_frames
from tracknet_core.registry import formats
from tracknet_core.video.live import DECODING_NICENESS, TimedFrame, ahead, play

Ensemble = Literal["none", "pool", "mean", "triangular"]

AUTO = "auto"
TORCH = "torch"
CPU = "cpu"
CHECKPOINT_SUFFIX = ".ckpt"

Part = TypeVar("Part")

_EPSILON = 1e-6  # of a probability, so that its logit is finite
_READ_AHEAD = 64  # frames at the size of the network: 28 MB at 512 x 288


@dataclass(frozen=True)
class Detector:
    """A trained network that is ready to look at frames.

    Attributes:
        config: the experiment that it was trained with.
        codec: turns its logits into places.
        frames: T, frames of a window.
        targets: the K positions in the window that get a heatmap, consecutive.
        background: whether a window needs the background of the clip as a further picture.
        image_size: (W, H) that the network takes, in pixels.
        device: where it runs.
        logits: (B, P, 3, H, W) uint8 frames, on any device -> logits (B, K, h, w).
        detections: the same frames -> detections (B, K, D) in pixels of these frames.
    """

    config: Config
    codec: Codec
    frames: int
    targets: tuple[int, ...]
    background: bool
    image_size: Size
    device: torch.device
    logits: Callable[[Tensor], Tensor]
    detections: Callable[[Tensor], Detections]


def load_detector(path: Path, *, device: str = AUTO, backend: str = AUTO) -> Detector:
    """Return the network of a checkpoint or of an exported file, in evaluation mode.

    Args:
        path: what ``tracknet run`` or ``tracknet export`` wrote.
        device: of torch, such as ``cpu`` or ``cuda:0``; ``auto`` takes a GPU if there is one. Exported files run on
            the CPU.
        backend: ``torch`` for checkpoints, or the name of a format; ``auto`` goes by the suffix of the file, and leaves
            out formats whose files can run code of their own.

    Raises:
        CheckpointError: no such file, none that this backend runs, or one that is not what it says.
        ConfigError: no such device, or the network cannot be built here.
        RegistryError: no such backend.
    """
    form = _format_of(path, backend)
    if form is None:
        return _from_checkpoint(path, _device(device))
    if device not in (AUTO, CPU):
        raise ConfigError(f"--device {device}: files of the format '{form.name}' run on the CPU. Leave it out.")
    return _from_file(path, form.reader)


def _from_checkpoint(path: Path, device: torch.device) -> Detector:
    config, model = load_model(path)
    model = model.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def logits(frames: Tensor) -> Tensor:
        result: Tensor = model(frames.to(device, non_blocking=True))
        return result

    @torch.inference_mode()
    def detections(frames: Tensor) -> Detections:
        found: Detections = model.codec.decode(logits(frames))
        return found

    return _detector(config, device, logits, detections, codec=model.codec)


def _from_file(path: Path, form: Format) -> Detector:
    notes = form.notes(path)
    try:
        tree = json.loads(notes["config"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path}: does not say what network it is. Give a file that 'tracknet export' wrote."
        ) from error
    config = stored_config(tree, path, built=[])
    run = form.load(path)

    def logits(frames: Tensor) -> Tensor:
        return run(frames)[0]

    def detections(frames: Tensor) -> Detections:
        found, *places = run(frames)
        # A codec that cannot be a graph stays outside of the file.
        return Detections(*places) if places else detector.codec.decode(found)

    detector = _detector(config, torch.device(CPU), logits, detections)
    _check_runs(detector, path)
    return detector


def _check_runs(detector: Detector, path: Path) -> None:
    """Run an exported file once, since its graph may be another than its notes say.

    Raises:
        CheckpointError: it is.
    """
    width, height = detector.image_size
    count = len(detector.targets)
    frames = torch.zeros((1, detector.frames + detector.background, 3, height, width), dtype=torch.uint8)
    try:
        shape = detector.detections(frames).score.shape[:2]
    except Exception as error:  # every runtime has errors of its own
        raise CheckpointError(
            f"{path}: its graph does not take what it says to take, windows {tuple(frames.shape)} "
            f"({type(error).__name__}). Export it anew."
        ) from error
    if shape != (1, count):
        raise CheckpointError(f"{path}: its graph gives {tuple(shape)} frames and says (1, {count}). Export it anew.")


def _detector(
    config: Config,
    device: torch.device,
    logits: Callable[[Tensor], Tensor],
    detections: Callable[[Tensor], Detections],
    codec: Codec | None = None,
) -> Detector:
    size = config.data.preprocess.resize
    if size is None:
        raise ConfigError("data.preprocess.resize: null, but the network needs the size of its input.")
    length = config.data.sequence.frames
    # Nobody has checked the nodes of an exported file: parts of the network that it needs not may be missing here.
    input_: Input = check_and_build("inputs", config.model.input, "model.input", frames=length)
    return Detector(
        config=config,
        codec=codec or check_and_build("codecs", config.model.heatmap, "model.heatmap", image_size=size),
        frames=length,
        targets=tuple(input_.targets),
        background=input_.background,
        image_size=(size[0], size[1]),
        device=device,
        logits=logits,
        detections=detections,
    )


def _device(name: str) -> torch.device:
    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # a torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--device {name}: not a device that torch can use here ({reason}). Try cpu.") from error
    return device


class _NamedFormat(NamedTuple):
    name: str
    reader: Format


def _format_of(path: Path, backend: str) -> _NamedFormat | None:
    """Return the format that reads the file; None for torch and its checkpoints."""
    if not path.is_file() and not path.is_dir():
        raise CheckpointError(f"{path}: no such file.")
    if backend == TORCH or (backend == AUTO and path.suffix == CHECKPOINT_SUFFIX):
        return None
    readers = _installed_formats() if backend == AUTO else [_NamedFormat(backend, formats.get(backend)())]
    fitting = [form for form in readers if path.name.endswith(form.reader.suffix)]
    if not fitting:
        accepted = {form.reader.suffix for form in readers} | ({CHECKPOINT_SUFFIX} if backend == AUTO else set())
        raise CheckpointError(
            f"{path}: not a file for the backend '{backend}', which runs {', '.join(sorted(accepted))}. "
            "'tracknet export' makes one from a checkpoint."
        )
    if backend == AUTO and fitting[0].reader.runs_code:
        raise CheckpointError(
            f"{path}: loading such a file can run code that is inside it. If you know where it comes from: "
            f"--backend {fitting[0].name}"
        )
    return fitting[0]


def _installed_formats() -> list[_NamedFormat]:
    """Return all formats but those whose package does not import, which is told to whoever names one."""
    found = []
    for name in formats.names():
        with suppress(RegistryError):
            found.append(_NamedFormat(name, formats.get(name)()))
    return found


# --------------------------------------------------------------------------------------------- clips


def detect_clip(
    detector: Detector,
    frames: FrameSource,
    *,
    step: int | None = None,
    ensemble: Ensemble | None = None,
    batch_size: int = 8,
) -> Iterator[Candidates]:
    """Yield the candidates of every frame of a clip that can be read, in order; decoding runs ahead in a thread.

    Args:
        detector: the network.
        frames: the clip.
        step: frames between the starts of windows, 1 to K; K by default, so that each frame is looked at once.
        ensemble: what overlapping windows make of a frame; see :func:`detect`.
        batch_size: windows that pass through the network together.

    Raises:
        DataError: the clip cannot be opened.
        ValueError: a parameter is out of its range.
    """
    background = clip_background(frames, detector.image_size) if detector.background else None
    decoded = play(frames, detector.image_size, skip_broken=True)
    with closing(ahead(decoded, _READ_AHEAD, niceness=DECODING_NICENESS)) as pictures:
        yield from detect(
            detector,
            pictures,
            frames.size,
            step=step,
            ensemble=ensemble,
            batch_size=batch_size,
            background=background,
        )


def clip_background(frames: FrameSource, size: Size) -> UInt8Array:
    """Return the background of a clip as training takes it: the median of frames evenly along it, RGB (H, W, 3).

    Frames that cannot be decoded are left out.

    Args:
        frames: the clip.
        size: width and height in pixels.

    Raises:
        DataError: no frame can be read.
    """
    sampled = sampled_frames(len(frames))
    try:
        return median(frames.read(sampled, size))
    except DataError:  # to leave a broken frame out, all are decoded
        wanted = set(sampled)
        readable = [frame.picture for frame in play(frames, size, skip_broken=True) if frame.number in wanted]
        if not readable:
            raise
        return median(readable)


def detect(
    detector: Detector,
    frames: Iterable[TimedFrame],
    size: Size,
    *,
    step: int | None = None,
    ensemble: Ensemble | None = None,
    batch_size: int = 8,
    background: UInt8Array | None = None,
) -> Iterator[Candidates]:
    """Yield the candidates of every frame, in order, while frames come in: their number need not be known.

    Windows start ``step`` frames apart. As no window reaches beyond the end, the last moves back into the clip; one of
    a clip that is shorter than T repeats its last frame. Where windows overlap, ``ensemble`` says what becomes of it:

    - ``none``: a frame belongs to the first window that reports it;
    - ``pool``: the detections of all windows stand side by side, highest score first, as in WASB (Tarashima et al.
      2023) with a step of 1. As in its code nothing is merged: a ball that three windows see is there three times;
    - ``mean``: the probabilities of the heatmaps are averaged, and decoded once;
    - ``triangular``: the same, with the weight min(i + 1, K - i) at place i of the K targets, as in TrackNetV3 (Chen &
      Wang 2023).

    The averages take logits whose sigmoid is a probability, as all codecs of single heatmaps do.

    Args:
        detector: the network.
        frames: pictures of the size that the network takes, (H, W, 3).
        size: width and height that the places are wanted in: those of the original video, in pixels.
        step: frames between the starts of windows, 1 to K; K by default, so that each frame is looked at once.
        ensemble: None takes ``none`` for a step of K and ``pool`` for a smaller one.
        batch_size: windows that pass through the network together; 1 keeps the delay of a live stream short.
        background: (H, W, 3), for networks that need it.

    Raises:
        ValueError: a parameter is out of its range.
    """
    count = len(detector.targets)
    step = count if step is None else step
    ensemble = ensemble or ("none" if step == count else "pool")
    check_windows(detector, step, ensemble, batch_size)
    if detector.background and background is None:
        raise ValueError("background: None, but this network looks at the background of the clip as well.")
    merger = _MERGERS[ensemble](detector, size)
    windows = _windows(frames, detector.frames, detector.targets, step)
    while batch := list(islice(windows, batch_size)):
        yield from merger.merge(batch, _stack(batch, background))
    yield from merger.rest()


def check_windows(detector: Detector, step: int | None, ensemble: str | None, batch_size: int) -> None:
    """Check how a detector is to be led over a clip.

    Raises:
        ValueError: a parameter is out of its range.
    """
    count = len(detector.targets)
    if step is not None and not 1 <= step <= count:
        raise ValueError(
            f"step: {step} is out of range. Give 1 to {count}, the frames that a window of this network reports."
        )
    if ensemble is not None and ensemble not in get_args(Ensemble):
        raise ValueError(f"ensemble: '{ensemble}' is unknown. Give one of {', '.join(get_args(Ensemble))}.")
    if batch_size < 1:
        raise ValueError(f"batch_size: {batch_size} windows are too few. Give at least 1.")


# ------------------------------------------------------------------------------------------- windows


class _Arrays(NamedTuple):
    """Detections as NumPy arrays, moved from the device at once: (…, D, 2) places, (…, D) scores and presence."""

    xy: np.ndarray[Any, Any]
    score: np.ndarray[Any, Any]
    present: np.ndarray[Any, Any]


def _arrays(found: Detections) -> _Arrays:
    return _Arrays(found.xy.float().cpu().numpy(), found.score.float().cpu().numpy(), found.present.cpu().numpy())


class _Window(NamedTuple):
    """T frames, and those of them that get a heatmap.

    Attributes:
        start: place of the first target in the run of frames, 0-based; ascends from window to window.
        pictures: T pictures (H, W, 3).
        targets: the frame at each of the K targets; fewer at the end of a clip shorter than K.
    """

    start: int
    pictures: Sequence[UInt8Array]
    targets: Sequence[TimedFrame]


def _windows(frames: Iterable[TimedFrame], length: int, targets: tuple[int, ...], step: int) -> Iterator[_Window]:
    """Cut a run of frames into windows, each as soon as its last frame is there; the same as ``EvaluationPlaces``."""
    held: deque[TimedFrame] = deque(maxlen=length)
    count = 0
    lead = targets[0]  # frames of a window before its first target: at the start of a clip the first frame, repeated
    start = -lead

    def window(start: int) -> _Window:
        numbers = [min(max(number, 0), count - 1) for number in range(start, start + length)]
        inside = [held[number - (count - len(held))] for number in numbers]
        reported = [inside[target] for target in targets if start + target < count]
        return _Window(start + lead, [frame.picture for frame in inside], reported)

    reported = 0
    for frame in frames:
        held.append(frame)
        count += 1
        if count == start + length:
            yield window(start)
            reported = start + targets[-1] + 1
            start += step
    while reported < count:
        # The last window moves back into the clip: repeated frames would show it no motion.
        start = min(start, max(count - targets[-1] - 1, -lead))
        yield window(start)
        reported = start + targets[-1] + 1
        start += step


def _stack(windows: Sequence[_Window], background: UInt8Array | None) -> Tensor:
    """Return (B, P, 3, H, W) uint8, whose memory is channels-last as frames come."""
    last = [] if background is None else [background]
    pictures = np.stack([picture for window in windows for picture in (*window.pictures, *last)])
    batch = torch.from_numpy(pictures)  # (B * P, H, W, 3)
    return batch.reshape(len(windows), -1, *batch.shape[1:]).movedim(-1, 2)


# --------------------------------------------------------------------------------- overlapping windows


class _Merger(ABC):
    """What becomes of frames that several windows report.

    Args:
        detector: the network.
        size: width and height of the original video, in pixels.
    """

    def __init__(self, detector: Detector, size: Size) -> None:
        self._detector = detector
        self._scale = np.array(size, np.float32) / np.array(detector.image_size, np.float32)

    @abstractmethod
    def merge(self, windows: Sequence[_Window], frames: Tensor) -> Iterator[Candidates]:
        """Yield the frames that are final after these windows.

        Args:
            windows: B of them, in order.
            frames: (B, P, 3, H, W), their pictures.
        """

    @abstractmethod
    def rest(self) -> Iterator[Candidates]:
        """Yield the frames that waited for a further window."""

    def _candidates(self, frames: Sequence[TimedFrame], found: _Arrays) -> list[Candidates]:
        """Return what was found in each of ``frames``, in pixels of the original video."""
        return [
            Candidates(frame.number, frame.time, rescale(xy[present], self._scale), score[present])
            for frame, xy, score, present in zip(frames, *found, strict=False)  # a short clip has fewer frames
        ]

    def _found(self, windows: Sequence[_Window], frames: Tensor) -> Iterator[tuple[_Window, list[Candidates]]]:
        found = _arrays(self._detector.detections(frames))
        for window, *parts in zip(windows, *found, strict=True):
            yield window, self._candidates(window.targets, _Arrays(*parts))


class _First(_Merger):
    """A frame belongs to the first window that reports it."""

    def __init__(self, detector: Detector, size: Size) -> None:
        super().__init__(detector, size)
        self._reported = 0

    def merge(self, windows: Sequence[_Window], frames: Tensor) -> Iterator[Candidates]:
        for window, candidates in self._found(windows, frames):
            yield from candidates[self._reported - window.start :]
            self._reported = window.start + len(candidates)

    def rest(self) -> Iterator[Candidates]:
        yield from ()


class _Pool(_Merger):
    """The detections of all windows, highest score first."""

    def __init__(self, detector: Detector, size: Size) -> None:
        super().__init__(detector, size)
        self._held: dict[int, list[Candidates]] = {}

    def merge(self, windows: Sequence[_Window], frames: Tensor) -> Iterator[Candidates]:
        for window, candidates in self._found(windows, frames):
            yield from self._release(window.start)
            for place, one in enumerate(candidates, window.start):
                self._held.setdefault(place, []).append(one)

    def rest(self) -> Iterator[Candidates]:
        yield from self._release(None)

    def _release(self, start: int | None) -> Iterator[Candidates]:
        for parts in _taken(self._held, start):
            score = np.concatenate([part.score for part in parts])
            order = np.argsort(-score, kind="stable")
            xy = np.concatenate([part.xy for part in parts])
            yield Candidates(parts[0].number, parts[0].time, xy[order], score[order])


class _Mean(_Merger):
    """Probabilities are averaged, and decoded once."""

    def __init__(self, detector: Detector, size: Size) -> None:
        super().__init__(detector, size)
        self._weights = self.weights(len(detector.targets))
        self._held: dict[int, list[tuple[TimedFrame, float, Tensor]]] = {}

    @staticmethod
    def weights(count: int) -> list[float]:
        """Return the weight of each of the K targets."""
        return [1.0] * count

    @torch.inference_mode()
    def _probabilities(self, frames: Tensor) -> Tensor:
        return self._detector.logits(frames).float().sigmoid()

    def merge(self, windows: Sequence[_Window], frames: Tensor) -> Iterator[Candidates]:
        for window, maps in zip(windows, self._probabilities(frames), strict=True):
            yield from self._release(window.start)
            weighted = zip(window.targets, self._weights, maps, strict=False)  # a short clip has fewer frames
            for place, part in enumerate(weighted, window.start):
                self._held.setdefault(place, []).append(part)

    def rest(self) -> Iterator[Candidates]:
        yield from self._release(None)

    def _release(self, start: int | None) -> Iterator[Candidates]:
        ready = _taken(self._held, start)
        if ready:
            found = _arrays(self._decode(ready))
            yield from self._candidates([parts[0][0] for parts in ready], _Arrays(*(values[0] for values in found)))

    @torch.inference_mode()
    def _decode(self, ready: list[list[tuple[TimedFrame, float, Tensor]]]) -> Detections:
        means = [
            torch.stack([weight * heatmap for _, weight, heatmap in parts]).sum(0) / sum(part[1] for part in parts)
            for parts in ready
        ]
        return self._detector.codec.decode(torch.stack(means).unsqueeze(0).logit(_EPSILON))


class _Triangular(_Mean):
    """The farther a frame is from the ends of its window, the more the window counts."""

    @staticmethod
    def weights(count: int) -> list[float]:
        return [float(min(i + 1, count - i)) for i in range(count)]


_MERGERS: dict[str, type[_Merger]] = {"none": _First, "pool": _Pool, "mean": _Mean, "triangular": _Triangular}


def _taken(held: dict[int, list[Part]], start: int | None) -> list[list[Part]]:
    """Take out, in order, the frames before place ``start``, which no later window reports; all if None."""
    places = sorted(place for place in held if start is None or place < start)
    return [held.pop(place) for place in places]
