"""Networks as ONNX files, in whole precision and in 8 bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tracknet_plugins.formats.program import quiet, trace
from tracknet_plugins.formats.reading import input_names, output_names

# onnx and onnxruntime are optional dependencies, so the functions import them.

OPSET = 18
"""Of 2022: read by runtimes of the last years, and the lowest that torch's exporter writes by itself."""

QUANTIZED = ("Conv", "Gemm", "MatMul")
"""What is done in 8 bits."""


def write_onnx(
    network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str], *, int8: bool
) -> None:
    """Write a network as one ONNX file; see :func:`.reading.require_onnx`.

    Raises:
        UserError: a part of the network does what a graph cannot hold.
    """
    import onnx  # noqa: PLC0415

    program = trace(network, inputs)
    with quiet("the network cannot be written as ONNX"):
        torch.onnx.export(
            program,
            (),
            path,
            dynamo=True,
            opset_version=OPSET,
            input_names=input_names(len(inputs)),
            output_names=output_names(len(inputs), len(program.graph_signature.user_outputs)),
            external_data=False,
            verbose=False,
        )
        if int8:
            _quantize(path, inputs)
        model = onnx.load(path)
        onnx.helper.set_model_props(model, dict(notes))
        onnx.save(model, path)


class _Windows:
    """Gives windows to the calibration one by one, so that memory is that of one; a ``CalibrationDataReader``."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        names = input_names(len(inputs))
        self._feeds: Iterator[dict[str, Any]] = (
            {name: array.unsqueeze(0).numpy() for name, array in zip(names, window, strict=True)}
            for window in zip(*(tensor.contiguous() for tensor in inputs), strict=True)
        )

    def get_next(self) -> dict[str, Any] | None:
        """Return the next window as the network takes it."""
        return next(self._feeds, None)


def _quantize(path: Path, inputs: Sequence[Tensor]) -> None:
    """Replace an ONNX file by its copy in 8 bits, calibrated on windows, each with the state before it.

    Convolutions and products with weights alone, and neither the first nor the last of them: what else there is (the
    normalisation of the frames, norms, the decoding) costs little. In trials those two cost half of the accuracy of the
    places.
    """
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import (  # noqa: PLC0415
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    prepared = path.with_suffix(".prepared.onnx")
    try:
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        nodes = [node.name for node in onnx.load(prepared).graph.node if node.op_type in QUANTIZED]
        quantize_static(
            prepared,
            path,
            _Windows(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            nodes_to_exclude=[nodes[0], nodes[-1]],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        prepared.unlink(missing_ok=True)
