"""A trained network as one file, ready to look at frames. This module must not import torch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tracknet_core.contracts import Format
from tracknet_core.errors import CheckpointError, ConfigError, RegistryError
from tracknet_core.registry import formats
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.without_torch import open_exported

AUTO = "auto"
TORCH = "torch"
CPU = "cpu"
CHECKPOINT_SUFFIX = ".ckpt"


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
        # Here rather than above: torch takes seconds to import, and exported files need none of it.
        from tracknet_core.tracking.with_torch import open_checkpoint  # noqa: PLC0415

        return open_checkpoint(path, device)
    if device not in (AUTO, CPU):
        raise ConfigError(f"--device {device}: files of the format '{form.name}' run on the CPU. Leave it out.")
    return open_exported(path, form.reader)


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
