"""The settings of an experiment that are no component: a dataclass per section."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tracknet_core.contracts import GREATEST_LENGTH, GREATEST_SIDE, Size
from tracknet_core.errors import ConfigError
from tracknet_core.schema import KIND, Faults, Node, component, of_today, within

GREATEST_SEED = 2**32 - 1  # numpy's


@dataclass(frozen=True)
class Sequences:
    """How clips are cut into windows (``data.sequence``).

    Attributes:
        enabled: windows of several frames; single frames otherwise.
        length: T, frames of a window.
        stride: frames between the starts of two training windows.
        windows: windows in a row that a network with a state is trained on.
        step: frames between the windows of a trained network, for prediction and evaluation: fewer than it answers for
            let windows overlap, and what they say of a frame count together; null for no overlap.
    """

    enabled: bool = True
    length: int = within(1, GREATEST_LENGTH, default=3)
    stride: int = within(1, default=1)
    windows: int = within(1, GREATEST_LENGTH, default=1)
    step: int | None = within(1, GREATEST_LENGTH, default=None)

    @property
    def frames(self) -> int:
        """T, the frames of a window as they are used."""
        return self.length if self.enabled else 1


@dataclass(frozen=True)
class Preprocess:
    """What happens to every frame (``data.preprocess``).

    Attributes:
        resize: width and height in pixels that frames are scaled to; null keeps the size of the video.
        normalize: whether frames get the mean and deviation that the backbone expects; else only 0..1.
    """

    resize: Size | None = within(1, GREATEST_SIDE, default=None)
    normalize: bool = True


@dataclass(frozen=True)
class Sampling:
    """Which training windows are drawn (``data.sampling``).

    Attributes:
        ball: share of the windows that show a visible ball, 0..1; null takes them as they come.
        clips: factors on how often the windows of clips are drawn, by patterns of clip names.
    """

    ball: float | None = within(0, 1, default=None)
    clips: dict[str, float] = within(0, default_factory=dict)


@dataclass(frozen=True)
class Cache:
    """Decoded frames on disk (``data.cache``).

    Attributes:
        enabled: whether frames are kept, in the size of the network input; built when they are first needed.
        folder: where; backgrounds of clips are kept there in any case.
        limit_gb: most that the folder may hold, in 10^9 bytes; the frames that were not used for longest go first.
    """

    enabled: bool = False
    folder: str = "~/.cache/tracknet"
    limit_gb: float = within(0, default=50.0)

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder).expanduser()


@dataclass(frozen=True)
class DataConfig:
    """Section ``data``.

    Attributes:
        dataset: the reader.
        root: folder of the dataset.
        split: clips of each split as patterns of clip names, the name of a published split, or a split file; null
            takes the splits that the dataset has.
        sequence: how clips are cut into windows.
        sampling: which of the training windows are drawn.
        cache: decoded frames on disk.
        skip_broken: frames of a run that cannot be read and are left out; one more ends it.
        preprocess: what happens to every frame.
        transforms: augmentations of training windows, in this order.
    """

    dataset: Node = component("datasets")
    root: str | None = None
    split: str | dict[str, list[str]] | None = None
    sequence: Sequences = field(default_factory=Sequences)
    sampling: Sampling = field(default_factory=Sampling)
    cache: Cache = field(default_factory=Cache)
    skip_broken: int = within(0, default=0)
    preprocess: Preprocess = field(default_factory=Preprocess)
    transforms: list[Node] = component("transforms", default_factory=list)


@dataclass(frozen=True)
class ModelConfig:
    """Section ``model``: the parts of the network; ``heatmap`` is the codec."""

    input: Node = component("inputs")
    backbone: Node = component("backbones")
    decoder: Node = component("decoders")
    head: Node = component("heads")
    heatmap: Node = component("codecs")


@dataclass(frozen=True)
class TrackerConfig:
    """Section ``model`` where no network is trained, but a tracker, on the places of the ball."""

    tracker: Node = component("trackers")


@dataclass(frozen=True)
class Loader:
    """Settings of torch's DataLoader (``training.data_loader``); those of workers need ``num_workers`` > 0."""

    num_workers: int = within(0, default=0)
    pin_memory: bool = False
    persistent_workers: bool = True
    prefetch_factor: int | None = within(1, default=None)
    drop_last: bool = False


@dataclass(frozen=True)
class TrainingConfig:
    """Section ``training``.

    Attributes:
        loss: what is minimised; null for a tracker, which has a cost of its own.
        optimizer: the optimizer; its ``lr`` is the peak of the schedule.
        scheduler: learning rate over the steps.
        protocols: rules of evaluation that validation reports.
        callbacks: Lightning callbacks.
        loggers: Lightning loggers beside metrics.csv, which is always written.
        seed: of the weights, the order of the windows and every augmentation.
        batch_size: windows per batch (and device).
        accumulate: batches whose gradients make one step; the gradient is that of one large batch.
        epochs: passes over the training windows.
        precision: of the arithmetic; falls back to fp32 where the machine cannot.
        amp: true is another way to say ``precision: fp16``.
        grad_clip: largest norm of the gradient; null or 0 for none.
        skip_nonfinite: batches of a run that are left out because their loss is no finite number; one more ends it.
        limit_train_batches: batches (int) or share (float) of an epoch; 0 or null for all.
        limit_val_batches: the same for validation.
        validate_every: epochs from one validation to the next.
        no_ball: whether frames without a ball are trained as empty maps or left out.
        backbone_lr_scale: factor on the learning rate of the backbone.
        init_from: checkpoint of tracknet, or name of a model, whose weights to start from.
        data_loader: how batches are made.
        accelerator: Lightning's.
        devices: Lightning's.
        num_nodes: Lightning's.
        strategy: Lightning's.
    """

    loss: Node | None = component("losses")
    optimizer: Node = component("optimizers")
    scheduler: Node = component("schedulers")
    protocols: list[Node] = component("protocols", default_factory=list)
    callbacks: list[Node] = component("callbacks", default_factory=list)
    loggers: list[Node] = component("loggers", default_factory=list)
    seed: int = within(0, GREATEST_SEED, default=0)
    batch_size: int = within(1, default=8)
    accumulate: int = within(1, default=1)
    epochs: int = within(1, default=10)
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    amp: bool = False
    grad_clip: float | None = within(0, default=1.0)
    skip_nonfinite: int = within(0, default=0)
    limit_train_batches: int | float | None = within(0, default=None)
    limit_val_batches: int | float | None = within(0, default=None)
    validate_every: int = within(1, default=1)
    no_ball: Literal["empty", "ignore"] = "empty"
    backbone_lr_scale: float = within(0, default=1.0)
    init_from: str | None = None
    data_loader: Loader = field(default_factory=Loader)
    accelerator: str = "auto"
    devices: int | str | list[int] = "auto"
    num_nodes: int = within(1, default=1)
    strategy: str = "auto"


SECTIONS: Mapping[str, type[Any]] = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}
"""The sections of an experiment, and what each of them is."""


def section_class(section: str, tree: Any) -> type[Any]:
    """Return what a section is, by what stands in it: a model that has a ``tracker`` has no parts of a network."""
    has_tracker = isinstance(tree, Mapping) and "tracker" in tree
    return TrackerConfig if section == "model" and has_tracker else SECTIONS[section]


def parts_of_today(section: str, tree: Any) -> Any:
    """Return a section whose components are named as they are today; see :func:`~tracknet_core.schema.of_today`."""
    if not isinstance(tree, Mapping):
        return tree
    renamed = dict(tree)
    for part in dataclasses.fields(section_class(section, tree)):
        value, path = tree.get(part.name), f"{section}.{part.name}"
        if KIND in part.metadata and value is not None:
            kind = part.metadata[KIND]
            renamed[part.name] = (
                [of_today(kind, node, f"{path}[{i}]") for i, node in enumerate(value)]
                if isinstance(value, list)
                else of_today(kind, value, path)
            )
    return renamed


@dataclass(frozen=True)
class Config:
    """A whole experiment, validated, with every default filled in."""

    data: DataConfig
    model: ModelConfig | TrackerConfig
    training: TrainingConfig
    plugins: list[str] = field(default_factory=list)

    @property
    def network(self) -> ModelConfig:
        """The parts of the network.

        Raises:
            ConfigError: it is a tracker.
        """
        if isinstance(self.model, ModelConfig):
            return self.model
        raise ConfigError(
            f"model: the tracker '{self.model.tracker['name']}', no network that finds the ball in pictures. Give the "
            "checkpoint of a network, and this one with --tracker."
        )

    @property
    def tracker(self) -> Node:
        """The tracker that is trained.

        Raises:
            ConfigError: it is a network.
        """
        if isinstance(self.model, TrackerConfig):
            return self.model.tracker
        raise ConfigError(
            "model: a network that finds the ball in pictures, no tracker. Give it as the checkpoint, and the name of "
            "a tracker, or the checkpoint of one that was trained, with --tracker."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers: what YAML and a safe checkpoint can hold."""
        settings: dict[str, Any] = plain(dataclasses.asdict(self))
        return settings

    def as_yaml(self) -> str:
        """Return the text of an experiment file that resolves to this configuration."""
        # Here rather than above: it takes a tenth of a second to import, and most commands print no configuration.
        from omegaconf import OmegaConf  # noqa: PLC0415

        return OmegaConf.to_yaml(OmegaConf.create(_escaped(self.as_dict())))

    def with_image_size(self, size: Size) -> Config:
        """Return a copy that says the size of the network input, known once the data has been seen."""
        preprocess = dataclasses.replace(self.data.preprocess, resize=size)
        return dataclasses.replace(self, data=dataclasses.replace(self.data, preprocess=preprocess))


SHARES = ("limit_train_batches", "limit_val_batches")
"""Settings of the training that are a share of the batches where they are no whole number."""


def check_shares(training: TrainingConfig) -> Faults:
    """Return a line for each share of the batches that is none."""
    shares = {name: getattr(training, name) for name in SHARES}
    return [
        f"training.{name}: {share} is no share of the batches. It accepts: 0.0 to 1.0, or a whole number of batches."
        for name, share in shares.items()
        if isinstance(share, float) and share > 1
    ]


def plain(value: Any) -> Any:
    """Return plain dicts, lists and values, keys as text: what YAML and a safe checkpoint can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _escaped(value: Any) -> Any:
    """Return a plain value in whose texts OmegaConf finds no interpolation, since there is none left in it."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value
