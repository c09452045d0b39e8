"""The network that a person names: a file, a folder, or a model that a package ships. Must not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracknet_core.config import default_of
from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.hub import fetch, is_hub_address
from tracknet_core.registry import models
from tracknet_core.tracking.detector import AUTO, is_network, portable_names


def network_path(text: str | Path | None) -> Path:
    """Return the path of a network: of a file or a folder or, where there is none, of the model of that name.

    Args:
        text: which; ``hf://owner/name`` for one in a repository of Hugging Face; None for the model that
            ``experiments/options.yaml`` has for ``--model``.

    Raises:
        CheckpointError: there is neither.
        RegistryError: the package of the model does not import.
    """
    if text is None:
        return _model(default_of("--model"))
    if is_hub_address(text):
        return fetch(text, beside=portable_names())
    path = Path(text).expanduser()
    if path.exists() or path.parent != Path() or path.suffix:
        return path
    if path.name not in models.names():
        raise CheckpointError(f"{text}: no such file, and {models.unknown(path.name)}")
    folder: Path = models.get(path.name)()
    return folder


def network_and_videos(words: Sequence[str], model: str | None, backend: str = AUTO) -> tuple[Path, Sequence[str]]:
    """Return the network of a command line, and its videos.

    The first word may be a network: by its suffix, as a folder with weights, or by the name of a model. Where it is
    none, all words are videos, and the network is the one that ``experiments/options.yaml`` has for ``--model``.

    Args:
        words: the network or not, and videos; at least one word.
        model: a network that was named by an option, where all words are videos.
        backend: what runs the network; where it is named, so is the network.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: a network is named, and no video.
    """
    if model is not None or (backend == AUTO and not is_network(words[0])):
        return network_path(None) if model is None else _model(model), words
    network, *videos = words
    if not videos:
        raise ConfigError(f"{network}: a network, and no video for it. Name one: tracknet predict {network} match.mp4")
    return network_path(network), videos


def _model(name: str) -> Path:
    """Return the path of a model, whatever lies in this folder under the same name: it could be a folder of images."""
    folder: Path = models.get(name)() if name in models.names() else network_path(name)
    return folder
