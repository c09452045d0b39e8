"""ONNX, for every runtime that reads it; run here by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Array, Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.graph import require_onnx, write_onnx
from tracknet_plugins.formats.program import Runner
from tracknet_plugins.formats.reading import needing, reading


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
        self.check(path)
        write_onnx(network, inputs, path, notes, int8=self.int8)

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file on the CPU, with as many threads as torch has.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: ONNX Runtime is not installed.
        """
        with needing("onnx"):
            import onnxruntime  # noqa: PLC0415 - an optional dependency

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
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
            UserError: a package is missing.
        """
        with needing("onnx"):
            import onnx  # noqa: PLC0415 - an optional dependency

        with reading(path, "ONNX"):
            model = onnx.load(path, load_external_data=False)
            if not model.graph.output:  # an empty file is a message of protobuf, too
                raise ValueError("no graph inside")
            return {prop.key: prop.value for prop in model.metadata_props}
