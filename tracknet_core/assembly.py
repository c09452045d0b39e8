"""From configuration nodes to components, and to the whole model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from tracknet_core.config import Config, TrainingConfig
from tracknet_core.contracts import SUPPLIED, Dataset, ProtocolMetric, RunPaths, Transform
from tracknet_core.errors import ConfigError
from tracknet_core.model import BallTracker
from tracknet_core.module import TrackerModule
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Node


def build(kind: str, node: Node, path: str, **supplied: Any) -> Any:
    """Return the component that a validated node describes.

    Args:
        kind: kind of the component.
        node: ``{"name": …, **parameters}``.
        path: where the node stands in the configuration, for messages.
        **supplied: what assembly gives; constructors get what they name.

    Raises:
        ConfigError: the component refuses its parameters.
    """
    constructor = _constructor(kind, node, supplied)
    try:
        return constructor()
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def build_model(config: Config, *, pretrained: bool = True) -> BallTracker:
    """Return the network of an experiment, put together by name.

    Args:
        config: a configuration whose ``data.preprocess.resize`` is set.
        pretrained: False builds the same network without fetching pretrained weights, for weights that come
            from a checkpoint.

    Raises:
        ConfigError: parts that do not exist or do not fit each other.
    """
    image_size = config.data.preprocess.resize
    if image_size is None:
        raise ConfigError("data.preprocess.resize: null, but the network needs the size of its input.")
    nodes = config.model
    backbone_node = nodes.backbone
    if not pretrained and "pretrained" in backbone_node:
        backbone_node = {**backbone_node, "pretrained": False}
    input_ = build("inputs", nodes.input, "model.input", frames=config.data.sequence.frames)
    backbone = build("backbones", backbone_node, "model.backbone", in_channels=input_.channels, image_size=image_size)
    decoder = build("decoders", nodes.decoder, "model.decoder", in_features=backbone.features)
    frames_per_sample = config.data.sequence.frames * input_.maps // len(input_.targets)
    head = build(
        "heads",
        nodes.head,
        "model.head",
        in_feature=decoder.feature,
        maps=input_.maps,
        frames=frames_per_sample,
    )
    codec = build("codecs", nodes.heatmap, "model.heatmap", image_size=image_size)
    return BallTracker(
        input=input_,
        backbone=backbone,
        decoder=decoder,
        head=head,
        codec=codec,
        image_size=image_size,
        normalization=backbone.normalization if config.data.preprocess.normalize else None,
    )


def build_module(config: Config, model: BallTracker) -> TrackerModule:
    """Return the LightningModule that trains ``model`` as the experiment says."""
    training = config.training
    loss: nn.Module = build("losses", training.loss, "training.loss")
    return TrackerModule(
        model=model,
        loss=loss,
        protocols=build_protocols(training),
        optimizer=_factory("optimizers", training.optimizer, "training.optimizer"),
        scheduler=_factory("schedulers", training.scheduler, "training.scheduler"),
        config=config.as_dict(),
        seed=training.seed,
        train_empty=training.no_ball == "empty",
        backbone_lr_scale=training.backbone_lr_scale,
    )


def build_dataset(config: Config) -> Dataset:
    """Return the reader of an experiment."""
    root = None if config.data.root is None else Path(config.data.root).expanduser()
    dataset: Dataset = build("datasets", config.data.dataset, "data.dataset", root=root)
    return dataset


def build_transforms(config: Config) -> list[Transform]:
    """Return the augmentations of an experiment, in order."""
    return _build_all("transforms", config.data.transforms, "data.transforms")


def build_protocols(training: TrainingConfig) -> list[ProtocolMetric]:
    """Return the rules that validation reports."""
    return _build_all("protocols", training.protocols, "training.protocols")


def build_callbacks(training: TrainingConfig, paths: RunPaths) -> list[Any]:
    """Return Lightning's callbacks."""
    return _build_all("callbacks", training.callbacks, "training.callbacks", paths=paths)


def build_loggers(training: TrainingConfig, paths: RunPaths) -> list[Any]:
    """Return Lightning's loggers beside the CSV logger."""
    return _build_all("loggers", training.loggers, "training.loggers", paths=paths)


def _build_all(kind: str, nodes: list[Node], path: str, **supplied: Any) -> list[Any]:
    return [build(kind, node, f"{path}[{i}]", **supplied) for i, node in enumerate(nodes)]


def _factory(kind: str, node: Node, path: str) -> Callable[..., Any]:
    """Return a function that builds the component from what is known only later."""
    return partial(_build_later, kind, node, path)


def _build_later(kind: str, node: Node, path: str, **supplied: Any) -> Any:
    return build(kind, node, path, **supplied)


def _constructor(kind: str, node: Node, supplied: dict[str, Any]) -> Callable[[], Any]:
    component = REGISTRIES[kind].get(node["name"])
    wanted = inspect.signature(component).parameters.keys() & SUPPLIED[kind]
    parameters = {key: value for key, value in node.items() if key != "name"}
    return partial(component, **parameters, **{key: supplied[key] for key in wanted})
