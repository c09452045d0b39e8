"""ONNX, for every runtime that reads it; run here by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracknet_core.contracts import Array, Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.beside import check_weights
from tracknet_plugins.formats.onnx_notes import read_notes
from tracknet_plugins.formats.reading import Runner, needing, reading, require_onnx, threads

if TYPE_CHECKING:
    from torch import Tensor, nn


@formats.register("onnx")
class ONNX(Format):
    """An ``.onnx`` file: input ``frames``, outputs ``logits``, ``points``, ``score`` and ``present``.

    A network with a state also takes ``state_0`` and so on, and gives ``state_0_after``, which the next window takes.

    Such a file holds numbers and known operations, no code: the format for files of strangers.

    Args:
        int8: multiply with whole numbers of 8 bits, whose ranges are found on the example frames. Faster on processors
            with instructions for that (VNNI), a quarter of the size, and less exact.
    """

    suffix = ".onnx"
    needs = ("onnxruntime",)

    def __init__(self, *, int8: bool = False) -> None:
        self.int8 = int8

    def check(self, path: Path) -> None:
        """Refuse at once what :meth:`save` cannot do.

        Raises:
            UserError: a package is missing.
        """
        require_onnx("onnx")

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        """Write the graph, with a free number of windows; the notes are its metadata.

        Args:
            network: what to write.
            inputs: an example of what it takes, frames and a state; with ``int8`` the windows to calibrate with.
            path: where to.
            notes: texts that travel inside the file.

        Raises:
            UserError: a package is missing, or a part of the network does what a graph cannot hold.
        """
        self._write(network, inputs, path, notes)

    def save_beside(
        self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str], weights: Path
    ) -> None:
        """Write the graph alone; it takes its weights out of a file beside it, wherever they are that file's tensors.

        Args:
            network: what to write.
            inputs: as those of :meth:`save`, like the rest.
            path: where to.
            notes: texts that travel inside the file.
            weights: the file of safetensors, in the same folder.

        Raises:
            UserError: a package is missing, or a part of the network does what a graph cannot hold.
        """
        self._write(network, inputs, path, notes, weights)

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file on the CPU.

        :func:`.reading.threads` counts its threads.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: ONNX Runtime is not installed.
        """
        with needing("onnx"):
            import onnxruntime  # noqa: PLC0415 - takes its time, and other formats need none of it

        check_weights(self.notes(path), path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 3  # errors
        # Threads that wait for work sleep: they share the cores with the decoding of the video.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with reading(path, "ONNX"):
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [given.name for given in session.get_inputs()]

        def run(*inputs: Array) -> tuple[Array, ...]:
            given = dict(zip(names, map(np.ascontiguousarray, inputs), strict=True))
            return tuple(session.run(None, given))

        return run

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file.

        Raises:
            CheckpointError: the file is not of this format.
        """
        with reading(path, "ONNX"):
            return read_notes(path)

    def _write(
        self,
        network: nn.Module,
        inputs: Sequence[Tensor],
        path: Path,
        notes: Mapping[str, str],
        weights: Path | None = None,
    ) -> None:
        self.check(path)
        # Here rather than above: torch takes seconds to import, and running a file needs none of it.
        from tracknet_plugins.formats.graph import write_onnx  # noqa: PLC0415

        write_onnx(network, inputs, path, notes, int8=self.int8, weights=weights)
