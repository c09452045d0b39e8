"""What the formats share: names, and one message for whatever goes wrong in somebody else's library.

This module must not import torch.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path

from tracknet_core.contracts import Array
from tracknet_core.errors import CheckpointError, UserError

Runner = Callable[..., tuple[Array, ...]]

NOTES = "notes.json"
"""File inside of torch's archives, a dict of texts."""

_ANSWER = ("logits", "points", "score", "present", "further_points", "further_score", "further_present")


def input_names(count: int) -> list[str]:
    """Return what the inputs of a file are called, in order: frames, and the maps of a state."""
    return ["frames", *_state_names(count - 1)]


def output_names(inputs: int, count: int) -> list[str]:
    """Return what comes out of a file, in order: of some networks the logits alone, of some a state after all.

    Args:
        inputs: how many inputs there are.
        count: how many outputs.
    """
    states = inputs - 1
    return [*_ANSWER[: count - states], *(f"{name}_after" for name in _state_names(states))]


def _state_names(count: int) -> list[str]:
    return [f"state_{i}" for i in range(count)]


@contextmanager
def silence() -> Iterator[None]:
    """Run a library without what it tells in warnings, in the log and in print."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Turn a missing package into the command that installs it.

    Args:
        extra: the optional dependencies of tracknet that the block imports.

    Raises:
        UserError: a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"the format '{extra}' needs the package '{error.name}', which is not installed: "
            f"pip install 'tracknet[{extra}]'"
        ) from error


def require_onnx(extra: str) -> None:
    """Import what writing ONNX takes.

    Args:
        extra: the optional dependencies of tracknet that hold it.

    Raises:
        UserError: a package is not installed.
    """
    with needing(extra):
        import onnx  # noqa: F401, PLC0415
        import onnxruntime  # noqa: F401, PLC0415
        import onnxscript  # noqa: F401, PLC0415


def threads() -> int:
    """Return how many threads a runtime gets: those that are asked for, else one for each processor that is ours."""
    return asked_threads() or (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


def asked_threads() -> int | None:
    """Return what OMP_NUM_THREADS says, of whole numbers from 1 on; None where it says nothing."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else None


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Run a reader without what it tells about itself, and turn whatever foreign bytes do to it into one message.

    Raises:
        CheckpointError: there is no such file, or the reader failed.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    try:
        with silence():
            yield
    except UserError:
        raise
    except Exception as error:  # every library has errors of its own, mostly RuntimeError
        raise CheckpointError(
            f"{path}: cannot be read as {what} ({reason_of(error)}). Give a file that 'tracknet export' wrote."
        ) from error


def reason_of(error: Exception) -> str:
    """Return the line of an error that says what is wrong; those that lead to it, such as places in C++, end in ':'."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.endswith(":")), lines[0] if lines else type(error).__name__)


def archived_notes(path: Path) -> dict[str, str]:
    """Return the notes inside an archive of torch's, without running anything of it; none of one without notes.

    Raises:
        CheckpointError: not an archive, or its notes are no texts.
    """
    with reading(path, "an archive of torch"), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/{NOTES}")]
        notes: dict[str, str] = json.loads(archive.read(names[0])) if names else {}
        if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
            raise ValueError(f"{NOTES} holds something else than texts")
    return notes
