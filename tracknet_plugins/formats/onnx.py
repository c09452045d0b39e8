"""ONNX, for every runtime that reads it; run here by ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracknet_core.contracts import Array, Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.beside import check_weights
from tracknet_plugins.formats.onnx_notes import read_notes
from tracknet_plugins.formats.reading import Runner, asked_threads, needing, reading, require_onnx, threads

if TYPE_CHECKING:
    from torch import Tensor, nn

LIGHT = 0.035
"""Most seconds of one processor that a network takes for a window to stay on one thread.

To share out each of its hundred small layers costs such a network a quarter more work, and decoding the video beside it
takes a whole processor.
"""


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

        It has as many threads as are asked for (:func:`.reading.asked_threads`), else one for each processor, or a
        single one where the first window that it sees takes no more than ``LIGHT``.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: ONNX Runtime is not installed.
        """
        with needing("onnx"):
            import onnxruntime  # noqa: F401, PLC0415 - takes its time, and other formats need none of it

        check_weights(self.notes(path), path)
        return _Graph(path)

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


class _Graph:
    """Runs a file, by a number of threads that its first window decides unless somebody else did.

    Args:
        path: the file.

    Attributes:
        threads: how many there are.

    Raises:
        CheckpointError: ONNX Runtime cannot read it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        asked = asked_threads()
        self._is_chosen = asked is not None
        self.threads = asked or 1
        self._session = _open(path, self.threads)
        self._names = [given.name for given in self._session.get_inputs()]

    def __call__(self, *inputs: Array) -> tuple[Array, ...]:
        """Return what the network gives for frames and the maps of its state."""
        begun = time.thread_time()  # of this thread alone, so that what else the machine does hardly counts
        given = dict(zip(self._names, map(np.ascontiguousarray, inputs), strict=True))
        answers = tuple(self._session.run(None, given))
        if not self._is_chosen:
            self._choose((time.thread_time() - begun) / len(inputs[0]))
        return answers

    def _choose(self, seconds: float) -> None:
        """Give a network all processors if a window takes many seconds of one."""
        self._is_chosen = True
        if seconds > LIGHT and threads() > 1:
            self.threads = threads()
            self._session = _open(self._path, self.threads)


def _open(path: Path, count: int) -> Any:
    """Return an ``onnxruntime.InferenceSession`` with so many threads."""
    import onnxruntime  # noqa: PLC0415 - as in load

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count
    options.log_severity_level = 3  # errors
    # Threads that wait for work sleep: they share the cores with the decoding of the video.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with reading(path, "ONNX"):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
