"""What is saved with the weights, and how a model comes back from one file.

A checkpoint is Lightning's, with one more key: ``tracknet``, the format's number, the version that wrote it and
the resolved configuration as plain data. It is loaded with ``weights_only=True``, and plugins that it names are not
imported: a checkpoint from a stranger cannot run code. A folder of :mod:`.model_folder` holds the same, without what
only training needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from safetensors import safe_open
from torch import Tensor, nn

from tracknet_core.config import Config, parse_config
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.model_folder import CONFIG, WEIGHTS, is_model_folder

KEY = "tracknet"
FORMAT = 2
PREFIX = "model."


def describe(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint holds beside Lightning's keys."""
    return {KEY: {"format": FORMAT, "version": version("tracknet"), "config": config}}


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint of tracknet, or of the folder of a trained network.

    Raises:
        CheckpointError: no such file, not a checkpoint, or one of another program or format.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # foreign bytes fail in many ways: IndexError, struct.error, UnicodeDecodeError, …
        # Not torch's own words: it advises to load such a file with `weights_only=False`, which runs its code.
        raise CheckpointError(
            f"{path}: not a checkpoint that can be loaded safely ({type(error).__name__}). "
            "Give a .ckpt file that tracknet wrote."
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get(KEY), dict):
        raise CheckpointError(f"{path}: a checkpoint of another program. Give a .ckpt file that tracknet wrote.")
    _check_format(path, content[KEY])
    if not _are_weights(content.get("state_dict")):
        raise CheckpointError(f"{path}: holds no weights. Give a .ckpt file that tracknet wrote.")
    return content


def _read_folder(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint would hold of a trained network in a folder."""
    if not is_model_folder(folder):
        raise CheckpointError(
            f"{folder}: a folder without {WEIGHTS} and {CONFIG}. Give what 'tracknet publish' wrote, or a .ckpt file."
        )
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            about = dict(json.loads((file.metadata() or {})[KEY]))
            state = {f"{PREFIX}{key}": file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping
        config = OmegaConf.to_container(OmegaConf.load(folder / CONFIG), resolve=False)
    except Exception as error:  # of safetensors, JSON, YAML and OmegaConf, which share no base
        raise CheckpointError(
            f"{folder}: its {WEIGHTS} or {CONFIG} cannot be read ({type(error).__name__}: {error}). Give a folder that "
            "'tracknet publish' wrote."
        ) from error
    _check_format(folder, about)
    return {"state_dict": state, KEY: {**about, "config": config}}


def _check_format(path: Path, about: Mapping[str, Any]) -> None:
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: format {about.get('format')}, but this tracknet reads format {FORMAT}. It was written by "
            f"tracknet {about.get('version')}: use that version."
        )


def stored_config(tree: Any, path: Path, *, built: Sequence[str]) -> Config:
    """Return the configuration that a file holds.

    Args:
        tree: what stands there.
        path: the file, for messages.
        built: the sections whose components are going to be built; see :func:`parse_config`.

    Raises:
        CheckpointError: it is none.
        ConfigError: all its faults.
    """
    if not isinstance(tree, dict):
        raise CheckpointError(f"{path}: holds no configuration of a network. Give a file that tracknet wrote.")
    try:
        return parse_config(tree, built=built)
    except ConfigError as error:
        plugins, cure = tree.get("plugins"), []
        if isinstance(plugins, list) and plugins:
            options = " ".join(f"--plugin {plugin}" for plugin in plugins)
            cure = [f"It was trained with plugins, which are imported only if you name them: {options}"]
        raise ConfigError([f"{path}:", *error.faults, *cure]) from error


def copy_weights(model: nn.Module, content: dict[str, Any], path: Path) -> None:
    """Copy the network's weights out of the content of a checkpoint.

    Raises:
        CheckpointError: they do not fit.
    """
    weights: dict[str, Tensor] = content["state_dict"]
    state = {key.removeprefix(PREFIX): value for key, value in weights.items() if key.startswith(PREFIX)}
    own = model.state_dict()
    faults = [f"missing {key}" for key in own if key not in state]
    faults += [f"unexpected {key}" for key in state if key not in own]
    faults += [
        f"{key} is {tuple(value.shape)}, the model has {tuple(own[key].shape)}"
        for key, value in state.items()
        if key in own and value.shape != own[key].shape
    ]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise CheckpointError(
            f"{path}: its weights do not fit this model: {'; '.join(faults[:5])}{more}. "
            "Use the model section that the checkpoint was trained with."
        )
    broken = not_finite(state)
    if broken:
        raise CheckpointError(
            f"{path}: {len(broken)} of its {len(state)} weights are no finite numbers, such as {broken[0]}: the "
            "training went wrong. Use an earlier checkpoint, or train with a lower learning rate."
        )
    model.load_state_dict(state)


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the weights that hold NaN or infinity."""
    return [name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()]


def _are_weights(state: Any) -> bool:
    """Return whether these are named tensors as networks have them: dense, of real numbers."""
    return isinstance(state, dict) and all(
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and not (value.is_complex() or value.is_quantized)
        for name, value in state.items()
    )
