"""What is saved with the weights, and how a model comes back from one file.

A checkpoint is Lightning's, with one more key: ``tracknet``, the format's number, the version that wrote it and
the resolved configuration as plain data. It is loaded with ``weights_only=True``: a checkpoint from a stranger
cannot run code.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tracknet_core.errors import CheckpointError

KEY = "tracknet"
FORMAT = 1
PREFIX = "model."


def describe(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint holds beside Lightning's keys."""
    return {KEY: {"format": FORMAT, "version": version("tracknet"), "config": config}}


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint of tracknet.

    Raises:
        CheckpointError: no such file, not a checkpoint, or one of another program or format.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # foreign bytes fail in many ways: IndexError, struct.error, UnicodeDecodeError, …
        raise CheckpointError(
            f"{path}: not a checkpoint that can be loaded safely ({_first_line(error)}). "
            "Give a .ckpt file that tracknet wrote."
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get(KEY), dict) or "state_dict" not in content:
        raise CheckpointError(f"{path}: a checkpoint of another program. Give a .ckpt file that tracknet wrote.")
    found = content[KEY].get("format")
    if found != FORMAT:
        raise CheckpointError(
            f"{path}: format {found}, but this tracknet reads format {FORMAT}. It was written by tracknet "
            f"{content[KEY].get('version')}: use that version."
        )
    return content


def checkpoint_config(content: dict[str, Any]) -> dict[str, Any]:
    """Return the resolved configuration that a checkpoint holds, as plain data."""
    config: dict[str, Any] = content[KEY]["config"]
    return config


def load_weights(model: nn.Module, path: Path) -> None:
    """Copy the network's weights out of a checkpoint.

    Raises:
        CheckpointError: the file is no checkpoint, or its weights do not fit.
    """
    state: dict[str, Tensor] = {
        key.removeprefix(PREFIX): value
        for key, value in read_checkpoint(path)["state_dict"].items()
        if key.startswith(PREFIX)
    }
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
    model.load_state_dict(state)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
