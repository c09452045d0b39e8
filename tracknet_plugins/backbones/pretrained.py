"""Networks of timm by name, with random weights, published ones, or those of a file."""

from __future__ import annotations

import difflib
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import timm
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from tracknet_core.contracts import Normalization
from tracknet_core.errors import UserError

FREE_LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0")
"""Licences of weights, as timm spells them, that allow any use."""

HUB_FILE = "model.safetensors"
"""The file of weights in each of timm's repositories on the hub."""

HUB_TIMEOUT = 5.0
"""Seconds that the hub has to answer. Without this question first, huggingface_hub tries again for most of a minute
before it gives up."""


def check_variant(variant: str, parameter: str, modules: Sequence[str] = ()) -> None:
    """Check that timm knows a network.

    Args:
        variant: timm's name, with or without the tag of its weights (``vit_tiny_patch16_224.augreg_in21k``).
        parameter: what the user calls it, for the message.
        modules: modules of timm that may define it; empty allows all.

    Raises:
        ValueError: timm has no such network, or it is of another family.
    """
    architecture, _, tag = variant.partition(".")
    if not timm.is_model(architecture):
        names = [name for module in modules for name in timm.list_models(module=module)] or timm.list_models()
        raise ValueError(f"{parameter}: timm has no network {architecture!r}.{_nearest(architecture, names)}")
    if modules and not timm.models.is_model_in_modules(architecture, modules):
        raise ValueError(
            f"{parameter}: {architecture!r} is a network of timm, but of another family. Choose the backbone "
            f"'timm', or one of the family {', '.join(modules)}."
        )
    tags = [name.partition(".")[2] for name in timm.list_models(f"{architecture}.*", pretrained=True)]
    if tag and tag not in tags:
        raise ValueError(f"{parameter}: {architecture!r} has no weights {tag!r}.{_nearest(tag, tags)}")


def normalization(variant: str) -> Normalization:
    """Return what the variant's published weights expect of frames; ImageNet's if it has none."""
    config = timm.get_pretrained_cfg(variant)
    mean, std = (config.mean, config.std) if config else (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    return Normalization(mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))


def create(
    variant: str,
    *,
    pretrained: bool | str,
    in_channels: int,
    features: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Return a network of timm.

    Weights for 3 channels are adapted to ``in_channels``, and position embeddings to the size of the image, by timm.

    Args:
        variant: timm's name of the network, checked.
        pretrained: False for random weights, True for the published ones, or the path of a file of weights
            (``.safetensors``, or ``.pth`` with tensors only) for this network, as timm names them.
        in_channels: channels of a network sample.
        features: None for the complete network, or what timm takes for its feature extractor.
        **options: what else timm takes for the network.

    Raises:
        ValueError: timm cannot build the network with these options.
        UserError: the weights cannot be fetched or read, or do not fit.
    """
    options["in_chans"] = in_channels
    extractor = {} if features is None else {"features_only": True, **features}
    if pretrained is False:
        return _build(variant, num_classes=0, **options, **extractor)
    _warn_about_licence(variant)
    path = Path(pretrained).expanduser() if isinstance(pretrained, str) else _cached(variant)
    return _from_hub(variant, options | extractor) if path is None else _from_file(variant, path, options, extractor)


def _build(variant: str, **options: Any) -> Any:
    try:
        return timm.create_model(variant, **options)
    except Exception as error:  # assertions, type errors and others of timm's own
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise ValueError(f"timm cannot build {variant!r} with {given}: {type(error).__name__}: {error}") from error


def _from_file(variant: str, path: Path, options: dict[str, Any], extractor: dict[str, Any]) -> Any:
    config = timm.get_pretrained_cfg(variant)
    classes = _classes(_read(path), config.classifier if config else None)
    source = {"file": str(path), "custom_load": False, "num_classes": classes, "label_offset": 0}
    options = {**options, "pretrained": True, "pretrained_cfg_overlay": source, "num_classes": classes}
    try:
        network = timm.create_model(variant, **options)
        # The complete network takes all weights of the file or none. Into an extractor timm loads what fits and
        # leaves the rest random, so that it comes second.
        return timm.create_model(variant, **options, **extractor) if extractor else network
    except Exception as error:  # a converter of timm may stumble over any foreign file
        lines = [textwrap.shorten(line, 300, placeholder=" …") for line in str(error).splitlines()]
        raise UserError(
            f"pretrained: the weights in {path} do not fit {variant!r}. {type(error).__name__}: " + "\n".join(lines)
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        weights: dict[str, Any] = timm.models.load_state_dict(str(path), weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"pretrained: there is no file {path}.") from error
    except Exception as error:  # each format fails in its own way
        raise UserError(
            f"pretrained: {path} is not a file of weights (.safetensors, or .pth with tensors only): {error}"
        ) from error
    return weights


def _classes(weights: dict[str, Any], classifier: str | Sequence[str] | None) -> int:
    """Return how many classes the classifier in a file has, so that timm expects it there; 0 without one."""
    for name in (classifier,) if isinstance(classifier, str) else classifier or ():
        weight = weights.get(f"{name}.weight")
        if weight is not None:
            return int(weight.shape[0])
    return 0


def _from_hub(variant: str, options: dict[str, Any]) -> Any:
    config = timm.get_pretrained_cfg(variant)
    if not (config and config.has_weights):
        raise UserError(
            f"pretrained: no weights are published for {variant!r}. Choose another network, give a file "
            "(pretrained: path/to/weights.safetensors), or start from random weights (pretrained: false)."
        )
    try:
        if config.hf_hub_id:
            huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=HUB_TIMEOUT)
        return timm.create_model(variant, pretrained=True, **options)
    except Exception as error:  # DNS, proxy, TLS, HTTP and disk errors, of several libraries
        repository = config.hf_hub_id or config.url
        raise UserError(
            f"pretrained: the weights of {variant!r} could not be fetched from {repository} ({type(error).__name__}: "
            f"{textwrap.shorten(str(error), 200, placeholder=' …')}). Without network, fetch the file elsewhere and "
            f"name it: pretrained: path/to/{HUB_FILE}. Or start from random weights: pretrained: false."
        ) from error


def _cached(variant: str) -> Path | None:
    """Return the published weights if they were fetched before; then no network is needed."""
    config = timm.get_pretrained_cfg(variant)
    if not config or not config.hf_hub_id or config.hf_hub_filename:
        return None
    path = huggingface_hub.try_to_load_from_cache(config.hf_hub_id, HUB_FILE)
    return Path(path) if isinstance(path, str) else None


def _warn_about_licence(variant: str) -> None:
    config = timm.get_pretrained_cfg(variant)
    licence = config.license if config else None
    if licence and licence not in FREE_LICENCES:
        warnings.warn(
            f"the published weights of {variant!r} come under the licence '{licence}', which may forbid commercial use "
            "or ask for more. Read it before you pass on the weights, or a network trained from them.",
            stacklevel=2,
        )


def _nearest(name: str, names: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, names, n=3)
    if not nearest:
        return f" Known: {', '.join(names[:5])} … (timm.list_models lists all)." if names else ""
    return f" Did you mean {' or '.join(repr(match) for match in nearest)}?"
