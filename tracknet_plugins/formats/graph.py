"""Networks as ONNX files, in whole precision and in 8 bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tracknet_plugins.formats.beside import Source, find_sources, note_of, take_out
from tracknet_plugins.formats.program import quiet, trace
from tracknet_plugins.formats.reading import input_names, output_names

# onnx is an optional dependency, and onnxruntime takes its time, so the functions import them.

OPSET = 18
"""Of 2022: read by runtimes of the last years, and the lowest that torch's exporter writes by itself."""

QUANTIZED = ("Conv", "Gemm", "MatMul")
"""What is done in 8 bits."""

CUT_OFF = "Relu"
"""What costs nothing in 8 bits, as part of the product before it; otherwise ways to 32 bits and back lie between."""

SHAPING = frozenset({"Reshape", "Pad"})
"""What gives pictures another shape, or zeros around them, and leaves their numbers as they are."""

INT8_CHANNELS = 4
"""Channels that a convolution in 8 bits takes at once: ONNX Runtime has fast ones for multiples of it alone."""

HIGH = 1e-3
"""Share of the cells whose logits count as high: some dozens around a ball."""

WHOLE: dict[str, NDArray[Any]] = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}
"""Pixels in 8 bits as they are."""


def write_onnx(
    network: nn.Module,
    inputs: Sequence[Tensor],
    path: Path,
    notes: Mapping[str, str],
    *,
    int8: bool,
    weights: Path | None = None,
) -> None:
    """Write a network as an ONNX file; see :func:`.reading.require_onnx`.

    Args:
        network: what to write.
        inputs: an example of what it takes; with ``int8`` the windows to calibrate with.
        path: where to.
        notes: texts that travel inside the file.
        int8: multiply in 8 bits.
        weights: a file of safetensors beside ``path``, whose tensors it takes its weights from; None lets it hold them.

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
        model = onnx.load(path)
        _forget(model)
        sources = {} if weights is None else find_sources(model, weights)
        _melt_sums(model, sources, channels=INT8_CHANNELS if int8 else 1)
        if int8:
            onnx.save(model, path)
            exact = model
            _quantize(path, inputs)
            model = onnx.load(path)
            _forget(model)
            _keep_whole_numbers(model)
            _keep_sums(model, exact, sources)
            _raise_logits(model, exact, inputs)
        if weights is not None:
            take_out(model, sources, weights)
            notes = {**notes, **note_of(weights)}
        onnx.helper.set_model_props(model, dict(notes))
        path.write_bytes(model.SerializeToString())  # onnx.save would look for the weights


def _forget(model: Any) -> None:
    """Take away what the exporter tells of each node and value, which is more than the graph itself.

    Args:
        model: an ``onnx.ModelProto``, which is changed.
    """
    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:]
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]


def _melt_sums(model: Any, sources: dict[str, Source], channels: int) -> None:
    """Melt convolutions over single pixels, which only add up channels, into the convolutions that alone read them.

    The product of both weights does the same in one step. Zeros around a picture stay zeros.

    Args:
        model: an ``onnx.ModelProto``, which is changed.
        sources: where its weights come from, by name; those of products are added.
        channels: what is read gets empty channels up to a multiple of this.
    """
    from onnx import helper, numpy_helper  # noqa: PLC0415

    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for sums in [node for node in graph.node if node.op_type == "Conv" and len(node.input) == 2]:
        reading = readers.get(sums.output[0], [])
        if len(reading) != 1 or reading[0].op_type != "Conv" or sums.input[1] not in weights:
            continue
        (reader,) = reading
        if reader.input[0] != sums.output[0] or reader.input[1] not in weights:
            continue
        first, second = (numpy_helper.to_array(weights[node.input[1]]) for node in (sums, reader))
        if first.shape[2:] != (1, 1) or not _is_of_pixels(sums) or _has_groups(reader):
            continue
        more = -first.shape[1] % channels
        if more:
            first = np.pad(first, ((0, 0), (0, more), (0, 0), (0, 0)))
            padded, sides = f"{sums.input[0]}_padded", f"{sums.input[0]}_sides"
            graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 0, 0, 0, more, 0, 0]), sides))
            pad = helper.make_node("Pad", [sums.input[0], sides], [padded], name=f"pad_{sums.input[0]}")
            graph.node.insert(list(graph.node).index(sums), pad)
            sums.input[0] = padded
        product = np.einsum("ocyx,ci->oiyx", second.astype(np.float64), first[..., 0, 0].astype(np.float64))
        name = f"{reader.input[1]}_of_sums"
        graph.initializer.append(numpy_helper.from_array(product.astype(second.dtype), name))
        if reader.input[1] in sources:
            sources[name] = replace(sources[reader.input[1]], sums=first[..., 0, 0])
        reader.input[0], reader.input[1] = sums.input[0], name
        graph.node.remove(sums)
    still_read = {name for node in graph.node for name in node.input}
    for name in weights.keys() - still_read:
        graph.initializer.remove(weights[name])


def _is_of_pixels(node: Any) -> bool:
    """Return whether a convolution over single pixels gives one for each, of all channels."""
    places = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    return not _has_groups(node) and set(places.get("strides", [])) <= {1} and not any(places.get("pads", []))


def _has_groups(node: Any) -> bool:
    return any(attribute.name == "group" and attribute.i != 1 for attribute in node.attribute)


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
    places. A first one that reads the frames as they come is done in 8 bits as well: they are whole numbers already.
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
        graph = onnx.load(prepared).graph
        products = [place for place, node in enumerate(graph.node) if node.op_type in QUANTIZED]
        nodes = [graph.node[place] for place in products]
        outside = (*graph.node[: products[0]], *graph.node[products[-1] :])
        whole = _reads_whole_numbers(graph, nodes[0])
        quantize_static(
            prepared,
            path,
            _Windows(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*QUANTIZED, CUT_OFF],
            nodes_to_exclude=[node.name for node in (*(() if whole else nodes[:1]), nodes[-1], *outside)],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "MatMulConstBOnly": True,
                "TensorQuantOverrides": {nodes[0].input[0]: [WHOLE]} if whole else {},
            },
        )
    finally:
        prepared.unlink(missing_ok=True)


def _raise_logits(model: Any, exact: Any, inputs: Sequence[Tensor]) -> None:
    """Give the last convolution of a network in 8 bits the bias that keeps its high logits where they were.

    Ranges of 8 bits follow the many places without a ball, so that the few with one come out lower: in a trial a tenth
    of a logit, which cost 4 % of the recall. (Bias correction: Nagel et al., "Data-Free Quantization", ICCV 2019.)

    Args:
        model: an ``onnx.ModelProto``, which is changed.
        exact: the network in whole precision.
        inputs: windows, each with the state before it.
    """
    import onnxruntime  # noqa: PLC0415
    from onnx import numpy_helper  # noqa: PLC0415

    makers = {name: node for node in model.graph.node for name in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    last = makers[model.graph.output[0].name]
    if last.op_type != "Conv" or len(last.input) < 3 or last.input[2] not in weights:
        return
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(torch.get_num_threads(), 1)
    options.log_severity_level = 3  # errors
    ours, theirs = (
        onnxruntime.InferenceSession(one.SerializeToString(), options, providers=["CPUExecutionProvider"])
        for one in (exact, model)
    )
    feeds, lowered = _Windows(inputs), []
    while (feed := feeds.get_next()) is not None:
        (right,), (found,) = (session.run([model.graph.output[0].name], feed) for session in (ours, theirs))
        high = right >= np.quantile(right, 1 - HIGH)
        lowered.append((right - found)[high])
    bias = weights[last.input[2]]
    values = numpy_helper.to_array(bias) + np.float32(np.median(np.concatenate(lowered)))
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))


def _keep_whole_numbers(model: Any) -> None:
    """Let frames that are wanted in 8 bits as they are stay so, which saves the way to other numbers and back.

    Args:
        model: an ``onnx.ModelProto``, which is changed.
    """
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415

    graph = model.graph
    readers = Counter(name for node in graph.node for name in node.input)
    held = {tensor.name: tensor for tensor in graph.initializer}
    frames = graph.input[0]
    if frames.type.tensor_type.elem_type != TensorProto.UINT8:
        return
    for last in [node for node in graph.node if node.op_type == "QuantizeLinear"]:
        way, origin = _way_to(graph, last.input[0])
        given = [numpy_helper.to_array(held[name]).tolist() for name in last.input[1:] if name in held]
        is_alone = all(readers[node.output[0]] == 1 for node in way)
        if origin == frames.name and is_alone and given == [one.tolist() for one in WHOLE.values()]:
            for node in (last, *way):
                if node.op_type not in SHAPING:
                    _bypass(graph, node)


def _keep_sums(model: Any, exact: Any, sources: dict[str, Source]) -> None:
    """Round the weights of a first convolution in 8 bits so that the sums over all pictures stay what they were.

    What does not move is the same in all pictures, and the differences that such a network sees are nothing there. If
    each weight is rounded by itself, errors add up to something wherever a picture is bright: in a trial places were
    half as far off again.

    Args:
        model: an ``onnx.ModelProto`` in 8 bits, which is changed; it holds these weights by itself.
        exact: the network in whole precision.
        sources: where its weights come from, by name; these no longer come from there.
    """
    from onnx import numpy_helper  # noqa: PLC0415

    held = {tensor.name: tensor for tensor in model.graph.initializer}
    weights = {tensor.name: tensor for tensor in exact.graph.initializer}
    name = next((node.input[1] for node in exact.graph.node if node.op_type == "Conv"), "")
    if name not in weights or f"{name}_quantized" not in held:
        return
    quantized = held[f"{name}_quantized"]
    scale = numpy_helper.to_array(held[f"{name}_scale"]).astype(np.float64).reshape(-1, 1, 1, 1)
    rounded = with_sums(numpy_helper.to_array(weights[name]) / scale)
    quantized.CopyFrom(numpy_helper.from_array(rounded.clip(-128, 127).astype(np.int8), quantized.name))
    sources.pop(name, None)


def with_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole numbers less than 1 from (O, I, h, w) values, whose sums over I are within a half of theirs."""
    rounded = np.rint(values)
    rest = values - rounded
    missing = np.rint(rest.sum(axis=1, keepdims=True))  # (O, 1, h, w)
    towards = np.sign(missing)
    rank = np.argsort(np.argsort(-towards * rest, axis=1), axis=1)  # 0 where a step in that direction costs least
    whole: NDArray[np.float64] = rounded + towards * (rank < np.abs(missing))
    return whole


def _bypass(graph: Any, node: Any) -> None:
    """Let what reads the result of a node read what it is given."""
    graph.node.remove(node)
    for reader in graph.node:
        for place, name in enumerate(reader.input):
            if name == node.output[0]:
                reader.input[place] = node.input[0]


def _reads_whole_numbers(graph: Any, node: Any) -> bool:
    """Return whether a node reads the frames of a graph as they come, in another type and shape."""
    _, origin = _way_to(graph, node.input[0])
    return bool(origin == graph.input[0].name)


def _way_to(graph: Any, name: str) -> tuple[list[Any], str]:
    """Return the nodes that give a value another type or shape alone, or zeros around it, the last first.

    Returns:
        Them, and what the first is given.
    """
    makers = {output: maker for maker in graph.node for output in maker.output}
    way: list[Any] = []
    while name in makers and makers[name].op_type in {"Cast", *SHAPING}:
        way.append(makers[name])
        name = makers[name].input[0]
    return way, name
