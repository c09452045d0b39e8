"""torch's own file of a graph (torch.export), for programs with torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracknet_core.contracts import Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.reading import NOTES, Runner, archived_notes, reading

if TYPE_CHECKING:
    from torch import Tensor, nn


@formats.register("exported")
class Exported(Format):
    """A ``.pt2`` file of ``torch.export``: ``torch.export.load(path).module()(frames)`` gives the same numbers.

    For compilers on top of torch (AOTInductor, ExecuTorch). Loading such a file can run code that is inside it, so load
    none of a stranger: ONNX files hold numbers and known operations only. :meth:`notes` runs nothing.
    """

    runs_code = True
    suffix = ".pt2"

    def __init__(self) -> None:
        pass

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        """Write the graph, with a free number of windows; the notes are its extra file ``notes.json``.

        Raises:
            UserError: a part of the network does what a graph cannot hold.
        """
        # Here rather than above: torch takes seconds to import, and looking at what formats there are needs none of it.
        import torch  # noqa: PLC0415

        from tracknet_plugins.formats.program import quiet, trace  # noqa: PLC0415

        program = trace(network, inputs)
        with quiet("the graph cannot be saved"):
            torch.export.save(program, path, extra_files={NOTES: json.dumps(dict(notes))})

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file, with the threads and on the device of torch.

        Raises:
            CheckpointError: the file is not of this format.
        """
        # Here rather than above, as in save.
        import torch  # noqa: PLC0415

        from tracknet_plugins.formats.program import runner  # noqa: PLC0415

        archived_notes(path)  # of a file that is no archive, this says more than torch
        with reading(path, "a program of torch.export"):
            return runner(torch.export.load(path).module())

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file.

        Raises:
            CheckpointError: the file is not of this format.
        """
        return archived_notes(path)
