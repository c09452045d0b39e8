"""ONNX graphs without weights: they take them out of the file of safetensors that lies beside them.

So the weights of a folder are there once. ONNX knows tensors in other files by place and length, and the tensors of
safetensors lie in their file as they are. What a graph needs beyond them, such as the scale of a normalisation that was
melted into a convolution, or 8 bits, it works out by nodes that a runtime goes through once, while it loads the file.

Letters: O channels that a layer gives, I that it takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracknet_core.errors import CheckpointError

NOTE = "weights"
"""Key of the note that says which file holds them."""

TOLERANCE = 1e-5
"""Of weights, as a share of the largest: a product with a scale is rounded in another order."""

SMALLEST = 1024
"""Bytes of a tensor from which it is worth the nodes."""

_TYPES = {"F16": "FLOAT16", "F32": "FLOAT"}
"""What ONNX calls numbers of safetensors."""

_Floats = NDArray[np.float32]


class _Place(NamedTuple):
    """Where a tensor lies in a file.

    Attributes:
        type: of its numbers, as ONNX calls it.
        shape: of the tensor.
        offset: its first byte.
        length: in bytes.
    """

    type: str
    shape: tuple[int, ...]
    offset: int
    length: int


@dataclass(frozen=True)
class Source:
    """How a weight of a graph comes from a tensor of a file.

    Attributes:
        name: of the tensor.
        place: of the tensor.
        scale: (O,) that its rows are multiplied by; None for none.
        sums: (C, I) sums that a convolution over C channels takes of I pictures; None for none.
    """

    name: str
    place: _Place
    scale: _Floats | None = None
    sums: _Floats | None = None


def find_sources(model: Any, weights: Path) -> dict[str, Source]:
    """Return the weights of a graph that are tensors of a file, as they are or with their rows multiplied by a number.

    Args:
        model: an ``onnx.ModelProto`` that was exported of a network; its names end in those of the file.
        weights: the file of safetensors.
    """
    from onnx import numpy_helper  # noqa: PLC0415 - an optional dependency
    from safetensors import safe_open  # noqa: PLC0415 - not needed to load a graph

    places = _places(weights)
    found: dict[str, Source] = {}
    with safe_open(weights, framework="numpy") as file:
        for tensor in model.graph.initializer:
            name = next((name for name in places if tensor.name == name or tensor.name.endswith(f".{name}")), None)
            if name is None or tuple(tensor.dims) != places[name].shape or len(tensor.dims) < 2:
                continue
            scale = _scale(file.get_tensor(name).astype(np.float32), numpy_helper.to_array(tensor))
            if scale is not None and places[name].length >= SMALLEST:
                found[tensor.name] = Source(name, places[name], None if (scale == 1).all() else scale)
    return found


def take_out(model: Any, sources: Mapping[str, Source], weights: Path) -> None:
    """Let a graph take weights out of a file that is going to lie beside it.

    Args:
        model: an ``onnx.ModelProto``, which is changed. Weights in 8 bits go by the name of those that they are of.
        sources: where its weights come from, by their names.
        weights: the file.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - an optional dependency

    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    first: list[Any] = []
    tensors: dict[str, Any] = {}
    for name, source in sources.items():
        quantized = f"{name}_quantized"
        goal = quantized if quantized in held else name
        if goal not in held:
            continue
        of_file = tensors.get(source.name)
        if of_file is None:
            type_ = getattr(TensorProto, source.place.type)
            of_file = TensorProto(name=f"{source.name}_of_file", data_type=type_, dims=source.place.shape)
            of_file.data_location = TensorProto.EXTERNAL
            about = {"location": weights.name, "offset": source.place.offset, "length": source.place.length}
            for key, value in about.items():
                of_file.external_data.add(key=key, value=str(value))
            tensors[source.name] = of_file
        steps: list[tuple[str, dict[str, Any], list[Any]]] = [("Cast", {"to": TensorProto.FLOAT}, [])]
        if source.scale is not None:
            steps.append(("Mul", {}, [source.scale.reshape(-1, *[1] * (len(source.place.shape) - 1))]))
        if source.sums is not None:
            steps.append(("Einsum", {"equation": "ocyx,ci->oiyx"}, [source.sums]))
        last = of_file.name
        for number, (operation, settings, constants) in enumerate(steps):
            given = [last]
            for constant in constants:
                given.append(f"{name}_{operation.lower()}")
                graph.initializer.append(numpy_helper.from_array(constant, given[-1]))
            last = name if number == len(steps) - 1 else f"{name}_{number}"
            first.append(helper.make_node(operation, given, [last], **settings))
        if goal == quantized:
            ranges = [f"{name}_scale", f"{name}_zero_point"]
            axis: dict[str, Any] = {"axis": 0} if len(held[ranges[0]].dims) else {}
            first.append(helper.make_node("QuantizeLinear", [name, *ranges], [quantized], **axis))
        graph.initializer.remove(held[goal])
    graph.initializer.extend(tensors.values())
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*first, *nodes])


def note_of(weights: Path) -> dict[str, str]:
    """Return the note by which a graph knows its weights again."""
    return {NOTE: json.dumps({"file": weights.name, "sha256": _digest(weights)})}


def check_weights(notes: Mapping[str, str], path: Path) -> None:
    """Refuse a graph whose weights are others than it was written for, or not there.

    Args:
        notes: of the graph.
        path: its file.

    Raises:
        CheckpointError: they do not fit.
    """
    if NOTE not in notes:
        return
    try:
        about = json.loads(notes[NOTE])
        name, digest = str(about["file"]), str(about["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: does not say which weights it is of. Publish the network anew.") from error
    weights = path.parent / name
    if weights.parent != path.parent or not weights.is_file():
        raise CheckpointError(
            f"{path}: a graph without weights, which are to lie beside it as {name}. Give the folder that 'tracknet "
            "publish' wrote; 'tracknet export' writes a file that stands alone."
        )
    if _digest(weights) != digest:
        raise CheckpointError(
            f"{path}: was written for other weights than those of {name} beside it. Remove it (torch runs {name} by "
            "itself), or publish the network anew."
        )


def _scale(tensor: _Floats, weight: _Floats) -> _Floats | None:
    """Return the (O,) numbers that rows of a tensor are multiplied by; None where the weight is something else."""
    rows, wanted = tensor.reshape(len(tensor), -1), weight.reshape(len(weight), -1)
    squares = np.square(rows).sum(axis=1)
    scale = np.where(squares > 0, (rows * wanted).sum(axis=1) / np.where(squares > 0, squares, 1), 1)
    if np.array_equal(tensor, weight):
        return np.ones(len(rows), np.float32)
    same = np.allclose(rows * scale[:, None], wanted, rtol=0, atol=TOLERANCE * float(np.abs(wanted).max()))
    return scale.astype(np.float32) if same else None


def _places(weights: Path) -> dict[str, _Place]:
    """Return where the tensors lie whose numbers ONNX knows."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    places = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] in _TYPES:
            begin, end = about["data_offsets"]
            places[name] = _Place(_TYPES[about["dtype"]], tuple(about["shape"]), 8 + length + begin, end - begin)
    return places


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
