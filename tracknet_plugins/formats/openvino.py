"""OpenVINO's own files, for its runtime on Intel's processors and others with the same instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracknet_core.contracts import Array, Format
from tracknet_core.errors import CheckpointError, DataError
from tracknet_core.registry import formats
from tracknet_plugins.formats.reading import Runner, needing, reading, require_onnx, threads

if TYPE_CHECKING:
    from torch import Tensor, nn

SECTION = "tracknet"
"""Where the notes stand in what OpenVINO calls the runtime information of a model."""

WEIGHTS = ".bin"
"""Suffix of the second file, of the same name."""


@formats.register("openvino")
class OpenVINO(Format):
    """An ``.xml`` file with the graph and, beside it, a ``.bin`` file of the same name with the weights.

    The way there is an ONNX file, so that both formats hold the same graph. Such files hold numbers and known
    operations, no code.

    Args:
        int8: multiply with whole numbers of 8 bits, whose ranges are found on the example frames.
    """

    suffix = ".xml"
    needs = ("openvino",)

    def __init__(self, *, int8: bool = False) -> None:
        self.int8 = int8

    def check(self, path: Path) -> None:
        """Refuse at once what :meth:`save` cannot do.

        Raises:
            DataError: the file for the weights is there already.
            UserError: a package is missing.
        """
        with needing("openvino"):
            import openvino  # noqa: F401, PLC0415 - an optional dependency

        require_onnx("openvino")
        if (weights := path.with_suffix(WEIGHTS)).exists():
            raise DataError(
                f"{weights}: there is a file already, and the weights go there. Choose another name, or move it away."
            )

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        """Write the graph, with a free number of windows.

        Args:
            network: what to write.
            inputs: an example of what it takes, frames and a state; with ``int8`` the windows to calibrate with.
            path: where to write the graph; the weights go beside it.
            notes: texts that travel inside the file.

        Raises:
            DataError: the file for the weights is there already.
            UserError: a package is missing, or a part of the network does what a graph cannot hold.
        """
        self.check(path)
        import openvino  # noqa: PLC0415 - an optional dependency

        # Here rather than above: torch takes seconds to import, and running a file needs none of it.
        from tracknet_plugins.formats.graph import write_onnx  # noqa: PLC0415

        intermediate = path.with_suffix(".onnx")
        write_onnx(network, inputs, intermediate, {}, int8=self.int8)
        model = openvino.Core().read_model(intermediate)
        for key, text in notes.items():
            model.set_rt_info(text, [SECTION, key])
        openvino.save_model(model, path, compress_to_fp16=False)
        del model  # it maps the file
        intermediate.unlink()

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file on the CPU, in 32 or 8 bits.

        :func:`.reading.threads` counts its threads.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: OpenVINO is not installed.
        """
        model = _graph(path)
        import openvino  # noqa: PLC0415 - an optional dependency

        with reading(path, "OpenVINO"):
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": threads(),
                "INFERENCE_PRECISION_HINT": "f32",  # else 16 bits, where the processor has instructions for them
            }
            compiled = openvino.Core().compile_model(model, "CPU", settings)

        def run(*inputs: Array) -> tuple[Array, ...]:
            return tuple(compiled([np.ascontiguousarray(array) for array in inputs]).to_tuple())

        return run

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: OpenVINO is not installed.
        """
        model = _graph(path)
        with reading(path, "OpenVINO"):
            if not model.has_rt_info([SECTION]):
                return {}
            return {key: str(text) for key, text in model.get_rt_info([SECTION]).value.items()}


def _graph(path: Path) -> Any:
    """Return what a file holds, an ``openvino.Model``.

    Raises:
        CheckpointError: the file is not of this format, or the one with its weights is missing.
        UserError: OpenVINO is not installed.
    """
    with needing("openvino"):
        import openvino.frontend  # noqa: PLC0415 - an optional dependency

    with reading(path, "OpenVINO"):
        if not (weights := path.with_suffix(WEIGHTS)).is_file():
            raise CheckpointError(f"{path}: {weights.name}, which belongs to it, is missing beside it.")
        # This reader alone: Core.read_model tries all that there are, and some print what they make of foreign bytes.
        reader = openvino.frontend.FrontEndManager().load_by_framework("ir")
        model = reader.convert(reader.load(path))
        if not model.outputs:
            raise ValueError("no graph inside")
        return model
