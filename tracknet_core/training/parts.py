"""From the configuration to all that trains a model: the module, augmentations, rules, callbacks and loggers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tracknet_core.assembly import require_form
from tracknet_core.checkpoint import describe
from tracknet_core.components import build
from tracknet_core.config import Config, DataConfig, TrainingConfig
from tracknet_core.contracts import BatchTransform, Loss, ProtocolMetric, RunPaths, Transform
from tracknet_core.errors import ConfigError
from tracknet_core.model import BallTracker
from tracknet_core.schema import Node
from tracknet_core.training.module import TrackerModule


def build_module(config: Config, model: BallTracker, batch_transforms: Sequence[BatchTransform] = ()) -> TrackerModule:
    """Return the LightningModule that trains ``model`` as the experiment says."""
    training = config.training
    if training.loss is None:
        raise ConfigError("training.loss: null, but a network learns by one. Name it, such as focal.")
    loss: Loss = build("losses", training.loss, "training.loss")
    require_form(model.codec.form, loss, "training.loss", training.loss["name"])
    if config.data.sequence.windows > 1 and not model.decoder.state:
        raise ConfigError(
            f"data.sequence.windows: {config.data.sequence.windows} windows in a row are for a network with a state, "
            f"and '{config.network.decoder['name']}' has none. Set it to 1."
        )
    for transform in batch_transforms:
        require_form(model.codec.form, transform, "data.transforms", type(transform).__name__)
    return TrackerModule(
        model=model,
        loss=loss,
        protocols=build_protocols(training),
        train_empty=training.no_ball == "empty",
        batch_transforms=batch_transforms,
        backbone_lr_scale=training.backbone_lr_scale,
        **learning(config),
    )


def learning(config: Config) -> dict[str, Any]:
    """Return what :class:`~tracknet_core.training.module.LearningModule` takes of an experiment, whatever learns."""
    training = config.training
    return {
        "optimizer": partial(build, "optimizers", training.optimizer, "training.optimizer"),
        "scheduler": partial(build, "schedulers", training.scheduler, "training.scheduler"),
        "description": describe(config.as_dict()),
        "seed": training.seed,
        "accumulate": training.accumulate,
    }


def build_transforms(data: DataConfig) -> tuple[list[Transform], list[BatchTransform]]:
    """Return the augmentations of windows and those across the windows of a batch, each in order."""
    transforms = _build_all("transforms", data.transforms, "data.transforms")
    across = [transform for transform in transforms if isinstance(transform, BatchTransform)]
    return [transform for transform in transforms if transform not in across], across


def build_protocols(training: TrainingConfig) -> dict[str, ProtocolMetric]:
    """Return the rules that validation reports, by name.

    Raises:
        ConfigError: a rule is there twice, or refuses its parameters.
    """
    names = [node["name"] for node in training.protocols]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ConfigError(f"training.protocols: '{twice[0]}' is there twice. Keep one of them.")
    return dict(zip(names, _build_all("protocols", training.protocols, "training.protocols"), strict=True))


def build_callbacks(training: TrainingConfig, paths: RunPaths) -> list[Any]:
    """Return Lightning's callbacks."""
    return _build_all("callbacks", training.callbacks, "training.callbacks", paths=paths)


def build_loggers(training: TrainingConfig, paths: RunPaths) -> list[Any]:
    """Return Lightning's loggers beside the CSV logger."""
    return _build_all("loggers", training.loggers, "training.loggers", paths=paths)


def _build_all(kind: str, nodes: list[Node], path: str, **supplied: Any) -> list[Any]:
    return [build(kind, node, f"{path}[{i}]", **supplied) for i, node in enumerate(nodes)]
