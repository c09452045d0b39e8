"""The graph of a network as torch has it: how it is made, and how it is run."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tracknet_core.contracts import LARGEST_BATCH, Array
from tracknet_core.errors import UserError
from tracknet_plugins.formats.reading import Runner, reason_of, silence


def trace(network: nn.Module, inputs: Sequence[Tensor]) -> torch.export.ExportedProgram:
    """Return the graph of a network, with a free number of windows.

    Args:
        network: tensors to a tuple of tensors; in evaluation mode.
        inputs: an example of what it takes; those after the first are its ``*arguments``.

    Raises:
        UserError: a part of the network does what a graph cannot hold.
    """
    with quiet("the network cannot become a graph"):
        free = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        shapes = (free, (free,) * (len(inputs) - 1)) if len(inputs) > 1 else (free,)
        program = torch.export.export(network, blank_windows(inputs), dynamic_shapes=shapes, strict=False)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it tells where the sources lie on this machine
    return program


def blank_windows(inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return two windows like those of ``inputs``: of one, torch would take the number 1 for a part of the network.

    Blank, so that no pictures of the user's get into the file.
    """
    return tuple(tensor.new_zeros((2, *tensor.shape[1:])) for tensor in inputs)


@contextmanager
def quiet(complaint: str) -> Iterator[None]:
    """Run an exporter without gradients and without what it tells about itself; its errors become one message.

    Raises:
        UserError: the exporter failed, in any of its many ways.
        OSError: the disk is full.
    """
    try:
        with torch.no_grad(), silence():
            yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # a full disk is no fault of the network
        raise UserError(
            f"{complaint}: {type(error).__name__}: {reason_of(error).rstrip('.')}. Often it is a shape that a part of "
            "the model makes a fixed number: tensor.shape[0] stays free, len(tensor) does not. Another format may do."
        ) from error


def runner(module: Callable[..., Iterable[Tensor]]) -> Runner:
    """Return a function that runs what torch has read from a file, without gradients."""

    def run(*inputs: Array) -> tuple[Array, ...]:
        with torch.inference_mode():
            return tuple(tensor.numpy() for tensor in module(*map(torch.from_numpy, inputs)))

    return run
