"""OpenVINO's own files, for its runtime on Intel's processors and others with the same instructions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.graph import write_onnx
from tracknet_plugins.formats.program import Runner, needing, reading

SECTION = "tracknet"
"""Where the notes stand in what OpenVINO calls the runtime information of a model."""


@formats.register("openvino")
class OpenVINO(Format):
    """An ``.xml`` file with the graph and, beside it, a ``.bin`` file of the same name with the weights.

    The way there is an ONNX file, so that both formats hold the same graph. Such files hold numbers and known
    operations, no code. :meth:`load` takes ``.onnx`` files too.

    Args:
        int8: multiply with whole numbers of 8 bits, whose ranges are found on the example frames.
    """

    suffix = ".xml"

    def __init__(self, *, int8: bool = False) -> None:
        self.int8 = int8

    def save(self, network: nn.Module, frames: Tensor, path: Path, notes: Mapping[str, str]) -> None:
        """Write the graph, with a free number of windows.

        Args:
            network: what to write.
            frames: (B, P, 3, H, W) uint8, an example of its input; with ``int8`` the frames to calibrate with.
            path: where to write the graph; the weights go beside it.
            notes: texts that travel inside the file.

        Raises:
            UserError: a package is missing, or a part of the network does what a graph cannot hold.
        """
        with needing("openvino"):
            import openvino  # noqa: PLC0415 - an optional dependency

        intermediate = path.with_suffix(".onnx")
        write_onnx(network, frames, intermediate, {}, int8=self.int8)
        model = openvino.Core().read_model(intermediate)
        for key, text in notes.items():
            model.set_rt_info(text, [SECTION, key])
        openvino.save_model(model, path, compress_to_fp16=False)
        del model  # it maps the file
        intermediate.unlink()

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file on the CPU, in 32 bits (or 8), with as many threads as torch has.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: OpenVINO is not installed.
        """
        with needing("openvino"):
            import openvino  # noqa: PLC0415 - an optional dependency

        with reading(path, "OpenVINO"):
            core = openvino.Core()
            model = core.read_model(path)
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "INFERENCE_PRECISION_HINT": "f32",  # else 16 bits, where the processor has instructions for them
            }
            compiled = core.compile_model(model, "CPU", settings)

        def run(frames: Tensor) -> tuple[Tensor, ...]:
            results = compiled(frames.contiguous().numpy())
            return tuple(torch.from_numpy(array) for array in results.to_tuple())

        return run

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file.

        Raises:
            CheckpointError: the file is not of this format.
            UserError: OpenVINO is not installed.
        """
        with needing("openvino"):
            import openvino  # noqa: PLC0415 - an optional dependency

        with reading(path, "OpenVINO"):
            model = openvino.Core().read_model(path)
            if not model.has_rt_info([SECTION]):
                return {}
            return {key: str(text) for key, text in model.get_rt_info([SECTION]).value.items()}
