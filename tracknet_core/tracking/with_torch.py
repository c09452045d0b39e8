"""Networks that torch runs: those of checkpoints, and what exported files leave to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from tracknet_core.assembly import load_model
from tracknet_core.components import check_and_build
from tracknet_core.config import Config
from tracknet_core.contracts import AdjustableCodec, Array, Codec, Detections, UInt8Array, Wanted, WindowSpec
from tracknet_core.errors import ConfigError
from tracknet_core.tracking.answers import Detector, FirstLook, Found, State, blank

AUTO = "auto"
CPU = torch.device("cpu")

Run = Callable[..., tuple[Tensor, State]]
"""(B, P, 3, H, W) uint8 frames on the device, and a state -> logits (B, K, *form), and the state after them."""


def open_checkpoint(path: Path, device: str = AUTO) -> Detector:
    """Return the network of a checkpoint.

    Args:
        path: the file.
        device: of torch, such as ``cpu`` or ``cuda:0``; ``auto`` takes a GPU if there is one.

    Raises:
        CheckpointError: no such file, or no checkpoint.
        ConfigError: no such device, or the network cannot be built here.
    """
    place = _device(device)
    config, model = load_model(path)
    model = model.eval().to(place)
    for parameter in model.parameters():
        if parameter.dim() == 4:  # torch's own way, to(memory_format=…), fails at 3-D convolutions
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    check = FirstLook(path)

    def run(frames: Tensor, *state: Tensor) -> tuple[Tensor, State]:
        logits, after = model.step(frames, state)
        check(lambda: all(bool(values.isfinite().all()) for values in (logits, *after)))
        return logits, after

    start = model.start(torch.from_numpy(blank(model.window)))
    return detector(run, model.codec, model.window, device=place, find_config=lambda: config, state=start)


def detector(
    run: Run,
    codec: Codec,
    window: WindowSpec,
    *,
    device: torch.device = CPU,
    find_config: Callable[[], Config],
    state: State = (),
) -> Detector:
    """Return a network that torch runs as one that takes and gives arrays.

    Args:
        run: the network.
        codec: turns its logits into places.
        window: what it is given, and what it answers for.
        device: where it runs.
        find_config: returns the experiment that it was trained with.
        state: before the first window of a clip.
    """

    @torch.inference_mode()
    def logits(frames: UInt8Array, *before: Tensor) -> tuple[Tensor, State]:
        return run(torch.from_numpy(frames).to(device, non_blocking=True), *before)

    @torch.inference_mode()
    def detections(frames: UInt8Array, *before: Tensor) -> tuple[Found, State]:
        said, after = logits(frames, *before)
        return _arrays(codec.decode(said)), after

    def adjust(wanted: Wanted) -> Detector:
        adjusted = with_more(codec, wanted)
        return detector(run, adjusted, window, device=device, find_config=find_config, state=state)

    return Detector(
        window=window,
        points=codec.points,
        device=str(device),
        detections=detections,
        logits=logits,
        decode=partial(decode_frames, codec),
        adjust=adjust,
        find_codec=lambda: codec,
        find_config=find_config,
        state=state,
        find_threads=lambda: torch.get_num_threads() if device.type == "cpu" else None,
    )


def with_more(codec: Codec, wanted: Wanted) -> Codec:
    """Return a codec that gives what a tracker asks for, as far as it can."""
    return codec.adjusted(wanted) if isinstance(codec, AdjustableCodec) else codec


@torch.inference_mode()
def decode_windows(codec: Codec, logits: Tensor) -> Found:
    """Return what a codec finds in logits (B, K, *form)."""
    return _arrays(codec.decode(logits))


@torch.inference_mode()
def decode_frames(codec: Codec, logits: Sequence[Tensor]) -> Found:
    """Return what a codec finds in logits (*form) of each of F frames."""
    found = decode_windows(codec, torch.stack(list(logits)).unsqueeze(0))  # a window of all these frames
    return Found(*(values[0] for values in found))


def tensor_of(logits: Array) -> Tensor:
    """Return the logits of an exported file as codecs and mergers take them."""
    return torch.from_numpy(logits)


def codec_of(config: Config, window: WindowSpec) -> Codec:
    """Return the codec of an experiment.

    Raises:
        ConfigError: it cannot be built here.
    """
    codec: Codec = check_and_build("codecs", config.network.heatmap, "model.heatmap", image_size=window.image_size)
    return codec


def _arrays(found: Detections) -> Found:
    return Found(found.points.float().cpu().numpy(), found.score.float().cpu().numpy(), found.present.cpu().numpy())


def has_gpu() -> bool:
    """Return whether ``auto`` takes a GPU."""
    return torch.cuda.is_available()


def _device(name: str) -> torch.device:
    if name == AUTO:
        return torch.device("cuda" if has_gpu() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # a torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--device {name}: not a device that torch can use here ({reason}). Try cpu.") from error
    return device
