"""Converters: weights of published networks under our names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tracknet_core.assembly import build_model, build_tracker
from tracknet_core.config import TrackerConfig, load_config
from tracknet_core.contracts import Converter
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.testing.require import require

NO_LAYER = "no_layer_of_any_network.weight"


def check_converter(component: Converter, content: Mapping[str, Any] | None = None) -> None:
    """Check a converter: its experiment is there, it hides no weight, and those of a file have all their place.

    Args:
        component: the converter.
        content: of a published file, or the like of it; None leaves out what needs one.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    try:
        load_config(Path(component.experiment))
    except ConfigError as error:
        raise AssertionError(f"experiment: {error}") from error
    for foreign in ({NO_LAYER: torch.ones(1)}, {"nothing": "of use"}):
        try:
            weights = component.weights(foreign)
        except CheckpointError:
            continue
        require(NO_LAYER in weights, f"what is unknown keeps its name, or raises CheckpointError; got {[*weights]}")
    if content is not None:
        _check_content(component, content)


def _check_content(component: Converter, content: Mapping[str, Any]) -> None:
    try:
        config = load_config(Path(component.experiment), component.settings(content))
    except ConfigError as error:
        raise AssertionError(f"settings: {error}") from error
    learned: Any = (
        build_tracker(config, fps=30.0, size=(640, 360))
        if isinstance(config.model, TrackerConfig)
        else build_model(config, fetch=False)
    )
    _require_same_shapes(learned, component.weights(content))


def _require_same_shapes(learned: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    own = learned.state_dict()
    for name in weights:
        require(name in own, f"the experiment has no weight called {name}")
    for name, value in own.items():
        if name in weights or not name.endswith(".num_batches_tracked"):  # a number that no answer depends on
            got = tuple(weights[name].shape) if name in weights else "nothing"
            require(got == tuple(value.shape), f"{name}: {tuple(value.shape)} is expected, got {got}")
