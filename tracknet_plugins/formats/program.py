"""What the formats share: the graph of a network, and what is said where that fails."""

from __future__ import annotations

import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor, nn

from tracknet_core.contracts import LARGEST_BATCH
from tracknet_core.errors import CheckpointError, UserError

NAMES = ("logits", "points", "score", "present")
"""What comes out of a file, in this order; of some networks the logits alone."""

NOTES = "notes.json"
"""File inside of torch's archives, a dict of texts."""

Runner = Callable[[Tensor], tuple[Tensor, ...]]


def trace(network: nn.Module, frames: Tensor) -> torch.export.ExportedProgram:
    """Return the graph of a network, with a free number of windows.

    Args:
        network: (B, P, 3, H, W) uint8 frames to a tuple of tensors; in evaluation mode.
        frames: an example of its input.

    Raises:
        UserError: a part of the network does what a graph cannot hold.
    """
    with quiet("the network cannot become a graph"):
        batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
        program = torch.export.export(network, (blank_windows(frames),), dynamic_shapes=({0: batch},), strict=False)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it tells where the sources lie on this machine
    return program


def blank_windows(frames: Tensor) -> Tensor:
    """Return two windows like those of ``frames``: of one, torch would take the number 1 for a part of the network.

    Blank, so that no pictures of the user's get into the file.
    """
    return frames.new_zeros((2, *frames.shape[1:]))


@contextmanager
def _silence() -> Iterator[None]:
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
def quiet(complaint: str) -> Iterator[None]:
    """Run an exporter without gradients and without what it tells about itself; its errors become one message.

    Raises:
        UserError: the exporter failed, in any of its many ways.
    """
    try:
        with torch.no_grad(), _silence():
            yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{complaint}: {type(error).__name__}: {_reason(error).rstrip('.')}. Often it is a shape that a part of "
            "the model makes a fixed number: tensor.shape[0] stays free, len(tensor) does not. Another format may do."
        ) from error


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


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Run a reader without what it tells about itself, and turn whatever foreign bytes do to it into one message.

    Raises:
        CheckpointError: there is no such file, or the reader failed.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    try:
        with _silence():
            yield
    except UserError:
        raise
    except Exception as error:  # every library has errors of its own, mostly RuntimeError
        raise CheckpointError(
            f"{path}: cannot be read as {what} ({_reason(error)}). Give a file that 'tracknet export' wrote."
        ) from error


def _reason(error: Exception) -> str:
    """Return the line of an error that says what is wrong; those that lead to it, such as places in C++, end in ':'."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.endswith(":")), lines[0] if lines else type(error).__name__)


def runner(module: Callable[[Tensor], Iterable[Tensor]]) -> Runner:
    """Return a function that runs what torch has read from a file, without gradients."""

    def run(frames: Tensor) -> tuple[Tensor, ...]:
        with torch.inference_mode():
            return tuple(module(frames))

    return run


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
