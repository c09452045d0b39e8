"""A trained network as one file, ready to look at frames. This module must not import torch."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import NamedTuple

from tracknet_core.contracts import Format
from tracknet_core.errors import CheckpointError, ConfigError, RegistryError
from tracknet_core.hub import is_hub_address
from tracknet_core.model_folder import PORTABLE, is_model_folder
from tracknet_core.registry import formats, models
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.without_torch import open_exported

AUTO = "auto"
TORCH = "torch"
CPU = "cpu"
CHECKPOINT_SUFFIX = ".ckpt"

GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Devices of Linux, where a driver for one of torch's GPUs runs."""

GPU_PROGRAM = "nvidia-smi"
"""What comes with such a driver elsewhere."""


def load_detector(path: Path, *, device: str = AUTO, backend: str = AUTO, later: bool = False) -> Detector:
    """Return the network of a checkpoint, of an exported file or of a folder with weights, in evaluation mode.

    Args:
        path: what ``tracknet run``, ``tracknet export`` or ``tracknet publish`` wrote.
        device: of torch, such as ``cpu`` or ``cuda:0``; ``auto`` takes a GPU if there is one. Exported files run on
            the CPU.
        backend: ``torch`` for checkpoints and weights, or the name of a format; ``auto`` goes by the suffix of the
            file, and leaves out formats whose files can run code of their own. A folder may hold a file beside its
            weights, which is taken where its packages are installed and the network is to run on the CPU.
        later: load an exported file when it is first given frames, if it says enough of itself until then: decoding
            can begin before. What is wrong with its graph is then told only there.

    Raises:
        CheckpointError: no such file, none that this backend runs, or one that is not what it says.
        ConfigError: no such device, or the network cannot be built here.
        RegistryError: no such backend.
    """
    if is_model_folder(path):
        on_cpu = device == CPU or (device == AUTO and (backend != AUTO or not _is_gpu_there()))
        path = _portable_in(path, backend) if on_cpu else path
    form = _format_of(path, backend)
    if form is None:
        # Here rather than above: torch takes seconds to import, and exported files need none of it.
        from tracknet_core.tracking.with_torch import open_checkpoint  # noqa: PLC0415

        return open_checkpoint(path, device)
    if device not in (AUTO, CPU):
        raise ConfigError(f"--device {device}: files of the format '{form.name}' run on the CPU. Leave it out.")
    return open_exported(path, form.reader, form.name, later=later)


def is_network(text: str) -> bool:
    """Return whether a text names a network: by the suffix of a file, as a folder with weights, a model, or an address.

    Files that are named so and do not exist are networks, too, and are missed when they are loaded.
    """
    if is_hub_address(text):
        return True
    path = Path(text).expanduser()
    if path.name.endswith(CHECKPOINT_SUFFIX) or is_model_folder(path) or (not path.exists() and text in models.names()):
        return True  # before formats, whose packages take their time to import
    return any(path.name.endswith(form.reader.suffix) for form in _installed_formats())


def portable_names() -> list[str]:
    """Return how files beside weights are called that run here without torch, and hold no code."""
    return [f"{PORTABLE}{reader.suffix}" for _, reader in _installed_formats() if _is_run(reader)]


class _NamedFormat(NamedTuple):
    name: str
    reader: Format


def _format_of(path: Path, backend: str) -> _NamedFormat | None:
    """Return the format that reads the file; None for torch and its checkpoints."""
    if not path.is_file() and not path.is_dir():
        raise CheckpointError(f"{path}: no such file.")
    if backend == TORCH or (backend == AUTO and (path.suffix == CHECKPOINT_SUFFIX or is_model_folder(path))):
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


def _portable_in(folder: Path, backend: str) -> Path:
    """Return the file in a folder of weights that this backend runs without torch; the folder where there is none."""
    if backend == TORCH:
        return folder
    for name, reader in _installed_formats():
        path = folder / f"{PORTABLE}{reader.suffix}"
        if path.is_file() and _is_run(reader) and backend in (AUTO, name):
            return path
    return folder


def _is_run(reader: Format) -> bool:
    """Return whether files of a format are run here without being asked for: their packages are there, and no code."""
    return not reader.runs_code and all(map(find_spec, reader.needs))


def _is_gpu_there() -> bool:
    """Return whether torch would run a network on a GPU; torch is asked only where a driver of one is seen."""
    if not (any(map(os.path.exists, GPU_DRIVERS)) or which(GPU_PROGRAM)):
        return False
    # Here rather than above: torch takes seconds to import, and most machines have no GPU.
    from tracknet_core.tracking.with_torch import has_gpu  # noqa: PLC0415

    return has_gpu()


def _installed_formats() -> list[_NamedFormat]:
    """Return all formats but those whose package does not import, which is told to whoever names one."""
    found = []
    for name in formats.names():
        with suppress(RegistryError):
            found.append(_NamedFormat(name, formats.get(name)()))
    return found
