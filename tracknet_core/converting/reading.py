"""What a file of published weights holds, read without running any code that may be in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from tracknet_core.errors import CheckpointError

TENSORS, GRAPH, KERAS = ".safetensors", ".onnx", (".h5", ".hdf5", ".keras")
"""Suffixes of files that torch did not write."""

LEAVES = (".weight", ".bias", ".running_mean", ".running_var")
"""How the names end that torch gives to tensors of layers."""


def read_published(path: Path) -> Mapping[str, Any]:
    """Return the content of a file that torch, safetensors or an exporter to ONNX wrote.

    Of a graph it is the tensors that stand in it. Those that have the name of a layer keep it; others, such as what an
    exporter has made of several, go by the node that takes them: ``NODE.weight`` and ``NODE.bias`` of a convolution,
    else the place among its inputs, such as ``NODE.1``.

    Raises:
        CheckpointError: there is no such file, or it cannot be read without trusting it.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file of weights.")
    if path.suffix in KERAS:
        raise CheckpointError(
            f"{path}: weights of Keras are not read. Give a file of torch (.pt, .pth, .tar), of safetensors, or ONNX."
        )
    try:
        content = _read(path)
    except CheckpointError:
        raise
    except Exception as error:  # foreign bytes fail in many ways: IndexError, struct.error, UnicodeDecodeError, …
        # Not torch's own words: it advises to load such a file with `weights_only=False`, which runs its code.
        raise CheckpointError(
            f"{path}: cannot be read safely ({type(error).__name__}): it is no file of torch, safetensors or ONNX, or "
            "it holds objects beside numbers and texts. Of one whose maker you trust, save the state dict alone."
        ) from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, and no weights by name.")
    return content


def _read(path: Path) -> Any:
    if path.suffix == TENSORS:
        return load_file(path)
    if path.suffix == GRAPH:
        return _initializers(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _initializers(path: Path) -> dict[str, Tensor]:
    # Here rather than above: an optional package, which other files do not need.
    try:
        import onnx  # noqa: PLC0415
    except ImportError as error:
        raise CheckpointError(f"{path}: takes a package that is not there: pip install 'tracknet[onnx]'.") from error
    graph = onnx.load(path).graph
    names = {tensor.name: tensor.name for tensor in graph.initializer}
    for node in reversed(graph.node):
        for place, name in enumerate(node.input):
            if name in names and not name.endswith(LEAVES):
                leaf = {1: "weight", 2: "bias"}.get(place) if node.op_type == "Conv" else None
                names[name] = f"{node.name}.{leaf or place}"
    arrays = ((names[tensor.name], onnx.numpy_helper.to_array(tensor)) for tensor in graph.initializer)
    return {name: torch.from_numpy(array.copy()) for name, array in arrays}
