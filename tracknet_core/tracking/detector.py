"""A trained network as one file, ready to look at frames.

Letters: B windows of a batch, T frames of a window, P pictures (T frames and maybe a background), K target frames, D
detections per frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from tracknet_core.assembly import build_window, check_and_build, load_model
from tracknet_core.checkpoint import stored_config
from tracknet_core.config import Config
from tracknet_core.contracts import AdjustableCodec, Codec, Detections, Format, Wanted, WindowSpec
from tracknet_core.errors import CheckpointError, ConfigError, RegistryError
from tracknet_core.model import State
from tracknet_core.registry import formats

AUTO = "auto"
TORCH = "torch"
CPU = "cpu"
CHECKPOINT_SUFFIX = ".ckpt"

_GREATEST_SIZE = 16384
"""Of a map, along any axis; a file from outside may name any number."""

Step = Callable[[Tensor, State | None], tuple[Tensor, State]]
"""Frames of one window, and the state before it (None at the start of a clip) -> its logits, and the state after it."""


@dataclass(frozen=True)
class Detector:
    """A trained network that is ready to look at frames.

    Attributes:
        config: the experiment that it was trained with.
        codec: turns its logits into places.
        window: what it is given, and what it answers for.
        device: where it runs.
        logits: (B, P, 3, H, W) uint8 frames, on any device -> logits (B, K, *form).
        detections: the same frames -> detections (B, K, D) in pixels of these frames.
        step: of a network that carries a state from a window to the next; None for one whose windows may come in any
            order.
    """

    config: Config
    codec: Codec
    window: WindowSpec
    device: torch.device
    logits: Callable[[Tensor], Tensor]
    detections: Callable[[Tensor], Detections]
    step: Step | None = None

    def adjusted(self, wanted: Wanted) -> Detector:
        """Return the same network with a codec that gives what a tracker asks for, as far as it can."""
        if wanted == Wanted() or not isinstance(self.codec, AdjustableCodec):
            return self
        codec, logits = self.codec.adjusted(wanted), self.logits

        @torch.inference_mode()
        def detections(frames: Tensor) -> Detections:
            return codec.decode(logits(frames))

        return replace(self, codec=codec, detections=detections)


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
    model = model.eval().to(device)
    for parameter in model.parameters():
        if parameter.dim() == 4:  # torch's own way, to(memory_format=…), fails at 3-D convolutions
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    check = _FirstLook(path)

    @torch.inference_mode()
    def logits(frames: Tensor) -> Tensor:
        result: Tensor = model(frames.to(device, non_blocking=True))
        check(result)
        return result

    @torch.inference_mode()
    def detections(frames: Tensor) -> Detections:
        found: Detections = model.codec.decode(logits(frames))
        return found

    @torch.inference_mode()
    def step(frames: Tensor, state: State | None) -> tuple[Tensor, State]:
        frames = frames.to(device, non_blocking=True)
        result, after = model.step(frames, model.start(frames) if state is None else state)
        check(result, *after)
        return result, after

    has_state = bool(model.decoder.state)
    return Detector(config, model.codec, model.window, device, logits, detections, step if has_state else None)


def _from_file(path: Path, form: Format) -> Detector:
    notes = form.notes(path)
    try:
        tree = json.loads(notes["config"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path}: does not say what network it is. Give a file that 'tracknet export' wrote."
        ) from error
    config = stored_config(tree, path, built=[])
    maps = _shapes_of_state(notes, path)
    window = build_window(config)
    codec: Codec = check_and_build("codecs", config.network.heatmap, "model.heatmap", image_size=window.image_size)
    run = form.load(path)

    check = _FirstLook(path)

    def results(frames: Tensor, state: State = ()) -> list[Tensor]:
        found = [torch.from_numpy(array) for array in run(frames.numpy(), *(one.numpy() for one in state))]
        places = found[1 : len(found) - len(state)]
        if places:
            points, score, present = places
            check(found[0], points[present], score[present], *found[len(found) - len(state) :])
        else:
            check(*found)
        return found

    def logits(frames: Tensor) -> Tensor:
        return results(frames)[0]

    def detections(frames: Tensor) -> Detections:
        found, *places = results(frames)
        # A codec that cannot be a graph stays outside of the file.
        return Detections(*places) if places else codec.decode(found)

    def step(frames: Tensor, state: State | None) -> tuple[Tensor, State]:
        before = tuple(torch.zeros(len(frames), *shape) for shape in maps) if state is None else state
        found, *rest = results(frames, before)
        return found, tuple(rest[-len(maps) :])

    detector = Detector(config, codec, window, torch.device(CPU), logits, detections, step if maps else None)
    _check_runs(detector, path)
    check.begin()
    return detector


class _FirstLook:
    """Refuses a network whose answers are no finite numbers, at the first frames of a video that it sees.

    Args:
        path: the file of the network.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.begin()

    def begin(self) -> None:
        """Count what comes next as the first."""
        self._is_over = False

    def __call__(self, *answers: Tensor) -> None:
        """Look at answers, once.

        Raises:
            CheckpointError: a number is not finite.
        """
        if not self._is_over and not all(bool(values.isfinite().all()) for values in answers):
            raise CheckpointError(
                f"{self._path}: gives numbers that are not finite: its training or its export went wrong. Use an "
                "earlier checkpoint, or another format."
            )
        self._is_over = True


def _shapes_of_state(notes: Mapping[str, str], path: Path) -> list[list[int]]:
    """Return the shapes of the maps that a file carries from a window to the next, without the batch.

    Raises:
        CheckpointError: its notes hold something else.
    """
    try:
        shapes = json.loads(notes.get("state", "[]"))
    except ValueError:
        shapes = None
    if isinstance(shapes, list) and all(isinstance(shape, list) for shape in shapes):
        sizes = [size for shape in shapes for size in shape]
        if all(isinstance(size, int) and 0 < size <= _GREATEST_SIZE for size in sizes) and all(map(len, shapes)):
            return shapes
    raise CheckpointError(f"{path}: does not say what state it carries. Give a file that 'tracknet export' wrote.")


def _check_runs(detector: Detector, path: Path) -> None:
    """Run an exported file once, since its graph may be another than its notes say.

    Raises:
        CheckpointError: it is.
    """
    width, height = detector.window.image_size
    count = len(detector.window.targets)
    frames = torch.zeros((1, detector.window.pictures, 3, height, width), dtype=torch.uint8)
    try:
        if detector.step is None:
            found = detector.detections(frames)
        else:
            logits, state = detector.step(frames, None)
            detector.step(frames, state)
            found = detector.codec.decode(logits)
        shape = found.score.shape[:2]
    except CheckpointError:
        raise
    except Exception as error:  # every runtime has errors of its own
        raise CheckpointError(
            f"{path}: its graph does not take what it says to take, windows {tuple(frames.shape)} "
            f"({type(error).__name__}). Export it anew."
        ) from error
    if shape != (1, count):
        raise CheckpointError(f"{path}: its graph gives {tuple(shape)} frames and says (1, {count}). Export it anew.")


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
