"""Weights of published networks: where they lie in a file, and what their layers are called here.

Layers go by their names up to the last dot, such as ``conv1`` of ``conv1.weight``. In the pattern of a name a ``*``
stands for one part between dots: any part in a published name, and the same part, in order, in a name of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tracknet_core.errors import CheckpointError

Weights = dict[str, Tensor]
"""Tensors by name."""

SHOWN = 10
"""Names that a message has room for."""

EPSILON = 1e-5
"""What torch's normalisations add to a variance."""

_PARALLEL = "module."
"""What torch's DataParallel puts before every name."""


def weights_in(content: Mapping[str, Any], *keys: str) -> Weights:
    """Return the weights that a published file holds.

    Args:
        content: of the file.
        keys: where they may lie in it; without any of these, the content itself must be weights.

    Raises:
        CheckpointError: they are not there.
    """
    found = next((content[key] for key in keys if key in content), content)
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        places = "".join(f"under '{key}', or " for key in keys)
        raise CheckpointError(
            f"no weights: tensors by name were expected {places}alone. The file holds "
            f"{listed([str(key) for key in content])}."
        )
    names = {str(name): value for name, value in found.items()}
    if all(name.startswith(_PARALLEL) for name in names):
        return {name.removeprefix(_PARALLEL): value for name, value in names.items()}
    return names


def shape_of(weights: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    """Return the shape of a published weight, which says how wide a network is.

    Raises:
        CheckpointError: it is not there.
    """
    if name not in weights:
        raise CheckpointError(f"no weight is called {name}. The file holds {listed(list(weights))}.")
    return tuple(weights[name].shape)


def renamed(weights: Mapping[str, Tensor], layers: Mapping[str, str], unused: Sequence[str] = ()) -> Weights:
    """Return weights by the names that their layers have here; those of layers that are not known keep theirs.

    Args:
        weights: by their published names.
        layers: our names of layers by their published ones, as patterns.
        unused: published names, as patterns, of layers that no answer depends on, and that are left out.
    """
    rows = [(_expression(theirs), ours) for theirs, ours in layers.items()]
    left_out = [_expression(pattern) for pattern in unused]
    ours_by_name: Weights = {}
    for name, value in weights.items():
        layer, _, leaf = name.rpartition(".")
        if any(pattern.fullmatch(layer) for pattern in left_out):
            continue
        matches = ((pattern.fullmatch(layer), ours) for pattern, ours in rows)
        place = next((_filled(ours, match.groups()) for match, ours in matches if match), None)
        ours_by_name[name if place is None else f"{place}.{leaf}"] = value
    return ours_by_name


def without_biases(weights: Mapping[str, Tensor], normalizations: Mapping[str, str]) -> Weights:
    """Return weights in which convolutions before a batch normalisation have no bias: it moves what that takes away.

    Args:
        weights: by name.
        normalizations: the normalisation after each convolution that has a bias, both as patterns.
    """
    changed = dict(weights)
    rows = [(_expression(pattern), after) for pattern, after in normalizations.items()]
    for name in weights:
        layer, _, leaf = name.rpartition(".")
        for pattern, after in rows:
            match = pattern.fullmatch(layer)
            mean = f"{_filled(after, match.groups())}.running_mean" if match else ""
            if leaf == "bias" and mean in changed:
                changed[mean] = changed[mean] - changed.pop(name)
    return changed


def with_biases(weights: Mapping[str, Tensor], layers: Sequence[str]) -> Weights:
    """Return weights in which layers that have no bias have one of 0.

    Args:
        weights: by name.
        layers: that have one here, as patterns; where their weight is not there, nothing is changed.
    """
    changed = dict(weights)
    for pattern in layers:
        expression = _expression(f"{pattern}.weight")
        for name in filter(expression.fullmatch, weights):
            bias = f"{name.removesuffix('weight')}bias"
            changed.setdefault(bias, weights[name].new_zeros(len(weights[name])))
    return changed


def skips_last(weights: Mapping[str, Tensor], layers: Mapping[str, int]) -> Weights:
    """Return weights of convolutions that take the map from below first, and the skip after it.

    Args:
        weights: by name.
        layers: convolutions, as patterns, that take the skip first; and of how many equal parts of their channels the
            skip is one.
    """
    changed = dict(weights)
    for pattern, parts in layers.items():
        expression = _expression(f"{pattern}.weight")
        for name in filter(expression.fullmatch, weights):
            skip = weights[name].shape[1] // parts
            changed[name] = weights[name].roll(-skip, dims=1)
    return changed


def normalized(weights: Mapping[str, Tensor], layers: Mapping[str, str]) -> Weights:
    """Return weights in which an exporter has put a batch normalisation into the convolution before it, as two again.

    Args:
        weights: by name.
        layers: the normalisation after each convolution that has its bias, both as patterns; if it is there, nothing is
            changed.
    """
    changed = dict(weights)
    for pattern, after in layers.items():
        expression = _expression(pattern)
        for name in weights:
            layer, _, leaf = name.rpartition(".")
            match = expression.fullmatch(layer)
            place = _filled(after, match.groups()) if match else ""
            if match and leaf == "bias" and f"{place}.weight" not in weights:
                shift = changed.pop(name)
                changed.update(scale_and_shift(place, torch.ones_like(shift), shift))
    return changed


def scale_and_shift(place: str, scale: Tensor, shift: Tensor) -> Weights:
    """Return the tensors of a batch normalisation of that name that takes ``x`` to ``scale * x + shift``, (C,) each."""
    return {
        f"{place}.weight": scale,
        f"{place}.bias": shift,
        f"{place}.running_mean": torch.zeros_like(shift),
        f"{place}.running_var": torch.ones_like(shift) - EPSILON,
    }


def listed(names: Sequence[str]) -> str:
    """Return names for a message, the first of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", r"([^.]+)"))


def _filled(pattern: str, parts: Iterable[str]) -> str:
    for part in parts:
        pattern = pattern.replace("*", part, 1)
    return pattern
