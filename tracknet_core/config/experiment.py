"""From an experiment file to one resolved, validated configuration.

An experiment has three sections, ``data``, ``model`` and ``training``. A section is the name of a file in the
group of that name, or a mapping that starts from such a file (``base``; without one from ``default``, where the
group has it). Overrides from the command line come last. Interpolations of OmegaConf work throughout.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from tracknet_core.contracts import Size
from tracknet_core.errors import ConfigError
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Faults, Node, check_dataclass, component, require_component, unknown_key

SECTIONS = ("data", "model", "training")
DEFAULT = "default"
GREATEST_SEED = 2**32 - 1  # numpy's


# ---------------------------------------------------------------------------- sections that are no component


@dataclass(frozen=True)
class Sequences:
    """How clips are cut into windows (``data.sequence``).

    Attributes:
        enabled: windows of several frames; single frames otherwise.
        length: T, frames of a window.
        stride: frames between the starts of two training windows.
    """

    enabled: bool = True
    length: int = 3
    stride: int = 1

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

    resize: Size | None = None
    normalize: bool = True


@dataclass(frozen=True)
class Sampling:
    """Which training windows are drawn (``data.sampling``).

    Attributes:
        ball: share of the windows that show a visible ball, 0..1; null takes them as they come.
        clips: factors on how often the windows of clips are drawn, by patterns of clip names.
    """

    ball: float | None = None
    clips: dict[str, float] = field(default_factory=dict)


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
    limit_gb: float = 50.0

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
        preprocess: what happens to every frame.
        transforms: augmentations of training windows, in this order.
    """

    dataset: Node = component("datasets")
    root: str | None = None
    split: str | dict[str, list[str]] | None = None
    sequence: Sequences = field(default_factory=Sequences)
    sampling: Sampling = field(default_factory=Sampling)
    cache: Cache = field(default_factory=Cache)
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
class Loader:
    """Settings of torch's DataLoader (``training.data_loader``); those of workers need ``num_workers`` > 0."""

    num_workers: int = 0
    pin_memory: bool = False
    persistent_workers: bool = True
    prefetch_factor: int | None = None
    drop_last: bool = False


@dataclass(frozen=True)
class TrainingConfig:
    """Section ``training``.

    Attributes:
        loss: what is minimised.
        optimizer: the optimizer; its ``lr`` is the peak of the schedule.
        scheduler: learning rate over the steps.
        protocols: rules of evaluation that validation reports.
        callbacks: Lightning callbacks.
        loggers: Lightning loggers beside metrics.csv, which is always written.
        seed: of the weights, the order of the windows and every augmentation.
        batch_size: windows per step (and device).
        epochs: passes over the training windows.
        precision: of the arithmetic; falls back to fp32 where the machine cannot.
        amp: true is another way to say ``precision: fp16``.
        grad_clip: largest norm of the gradient; null or 0 for none.
        limit_train_batches: batches (int) or share (float) of an epoch; 0 or null for all.
        limit_val_batches: the same for validation.
        validate_every: epochs from one validation to the next.
        no_ball: whether frames without a ball are trained as empty maps or left out.
        backbone_lr_scale: factor on the learning rate of the backbone.
        init_from: checkpoint of tracknet whose weights to start from.
        data_loader: how batches are made.
        accelerator: Lightning's.
        devices: Lightning's.
        num_nodes: Lightning's.
        strategy: Lightning's.
    """

    loss: Node = component("losses")
    optimizer: Node = component("optimizers")
    scheduler: Node = component("schedulers")
    protocols: list[Node] = component("protocols", default_factory=list)
    callbacks: list[Node] = component("callbacks", default_factory=list)
    loggers: list[Node] = component("loggers", default_factory=list)
    seed: int = 0
    batch_size: int = 8
    epochs: int = 10
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    amp: bool = False
    grad_clip: float | None = 1.0
    limit_train_batches: int | float | None = None
    limit_val_batches: int | float | None = None
    validate_every: int = 1
    no_ball: Literal["empty", "ignore"] = "empty"
    backbone_lr_scale: float = 1.0
    init_from: str | None = None
    data_loader: Loader = field(default_factory=Loader)
    accelerator: str = "auto"
    devices: int | str | list[int] = "auto"
    num_nodes: int = 1
    strategy: str = "auto"


@dataclass(frozen=True)
class Config:
    """A whole experiment, validated, with every default filled in."""

    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    plugins: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers: what YAML and a safe checkpoint can hold."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    def as_yaml(self) -> str:
        """Return the text of an experiment file that resolves to this configuration."""
        return OmegaConf.to_yaml(OmegaConf.create(self.as_dict()))

    def with_image_size(self, size: Size) -> Config:
        """Return a copy that says the size of the network input, known once the data has been seen."""
        preprocess = dataclasses.replace(self.data.preprocess, resize=size)
        return dataclasses.replace(self, data=dataclasses.replace(self.data, preprocess=preprocess))


# ------------------------------------------------------------------------------------------------- loading


def load_config(
    experiment: Path, overrides: Sequence[str] = (), sections: Mapping[str, str | None] | None = None
) -> Config:
    """Return the configuration of an experiment file.

    Args:
        experiment: path of the YAML file.
        overrides: ``key=value`` in OmegaConf's dotlist form; ``model=NAME`` replaces a section.
        sections: names that replace whole sections, the long spelling of ``section=NAME``.

    Raises:
        ConfigError: all faults of the experiment, each with its path.
    """
    tree = _interpolate(_resolve(experiment, overrides, sections or {}))
    import_plugins(tree["plugins"])
    return parse_config(tree)


def load_data(experiment: Path | Config | None, overrides: Sequence[str] = (), data: str | None = None) -> DataConfig:
    """Return the section ``data`` alone, for commands that train no network; no other section need be complete.

    Args:
        experiment: path of the YAML file, or the configuration that a checkpoint holds, whose plugins are not
            imported; None takes the section that ``data`` names, of the files ``data/*.yaml`` in the working folder and
            of those that come with tracknet.
        overrides: ``key=value`` in OmegaConf's dotlist form, as for :func:`load_config`; without an experiment file
            there is nothing but the data to set.
        data: name that replaces the section.

    Raises:
        ConfigError: all faults of the section, each with its path; or an override of what is not there.
    """
    chosen, values = _split_overrides(overrides)
    if not isinstance(experiment, Path):
        foreign = [text for text in overrides if re.split(r"[.=]", text, maxsplit=1)[0] not in ("data", "plugins")]
        if foreign:
            raise ConfigError([f"{text}: settings here are those of the data: data.key=value." for text in foreign])
    if isinstance(experiment, Config) and data is None and "data" not in chosen:
        tree = _merge(experiment.as_dict(), values)
        tree["plugins"] = _plugin_paths(values.get("plugins"), Path())
    else:
        tree = _resolve(experiment if isinstance(experiment, Path) else None, overrides, {"data": data})
    import_plugins(tree["plugins"])
    faults: Faults = []
    tree = _expand_shorthands({"data": _interpolate(tree, "data")}, faults)
    config: DataConfig = check_dataclass(DataConfig, tree["data"], "data", faults)
    if faults:
        raise ConfigError(faults)
    return config


def parse_config(tree: Mapping[str, Any], *, built: Sequence[str] = SECTIONS) -> Config:
    """Return the validated configuration of a resolved tree, such as a checkpoint holds; no plugin is imported.

    Args:
        tree: the three sections, and ``plugins``.
        built: the sections whose components are going to be built. Those of the others are taken as they stand: a
            checkpoint works where a dataset or a logger of its training is not installed, and nothing is imported.

    Raises:
        ConfigError: all faults of the tree, each with its path.
    """
    tree = {key: value for key, value in tree.items() if value is not None}
    plugins = _plugin_paths(tree.get("plugins"), Path())
    faults: Faults = []
    tree = _expand_shorthands(tree, faults)
    classes = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}
    parts = {
        section: check_dataclass(cls, tree.get(section, {}), section, faults, components=section in built)
        for section, cls in classes.items()
    }
    for key in tree:
        if key not in (*SECTIONS, "plugins"):
            faults.append(unknown_key(key, "no such section", key, (*SECTIONS, "plugins")))
    if not faults:
        faults = _check_ranges(parts["data"], parts["training"])
    if faults:
        raise ConfigError(faults)
    return Config(**parts, plugins=plugins)


def parse_component(kind: str, text: str, option: str) -> Node:
    """Return the validated component that an option of a command line names, or describes in YAML.

    Args:
        kind: kind of the component.
        text: a name, or ``{name: …, parameter: value}``.
        option: what was given, such as ``--tracker``, for messages.

    Raises:
        ConfigError: the text is not a component, or all its faults.
    """
    try:
        tree = OmegaConf.to_container(OmegaConf.from_dotlist([f"node={text}"]), resolve=True)
    except Exception as error:  # PyYAML's errors share no base with OmegaConf's
        raise ConfigError(
            f"{option} {text}: not a component. Write a name, or '{{name: …, parameter: value}}'."
        ) from error
    return require_component(kind, tree["node"] if isinstance(tree, dict) else None, option)


def _resolve(experiment: Path | None, overrides: Sequence[str], sections: Mapping[str, str | None]) -> dict[str, Any]:
    """Return an experiment with bases, sections and overrides merged in; None is one without any section."""
    tree = {} if experiment is None else _read(experiment, "experiment")
    chosen, values = _split_overrides(overrides)
    chosen.update({section: name for section, name in sections.items() if name is not None})
    unknown = [key for key in tree if key not in (*SECTIONS, "plugins")]
    if unknown:
        raise ConfigError([unknown_key(key, "no such section", key, (*SECTIONS, "plugins")) for key in unknown])
    folder = Path() if experiment is None else experiment.parent
    folders = [folder, _shipped_experiments()]
    resolved: dict[str, Any] = {
        section: _section(section, chosen.get(section, tree.get(section, {})), folders) for section in SECTIONS
    }
    resolved["plugins"] = _plugin_paths(tree.get("plugins"), folder)
    if "plugins" in values:
        values["plugins"] = _plugin_paths(values["plugins"], Path())
    return _merge(resolved, values)


def _check_ranges(data: DataConfig, training: TrainingConfig) -> Faults:
    least = {
        "data.sequence.length": (data.sequence.length, 1),
        "data.sequence.stride": (data.sequence.stride, 1),
        "data.preprocess.resize": (min(data.preprocess.resize or (1,)), 1),
        "data.sampling.ball": (data.sampling.ball or 0, 0),
        "data.cache.limit_gb": (data.cache.limit_gb, 0),
        "training.seed": (training.seed, 0),
        "training.batch_size": (training.batch_size, 1),
        "training.epochs": (training.epochs, 1),
        "training.grad_clip": (training.grad_clip or 0, 0),
        "training.limit_train_batches": (training.limit_train_batches or 0, 0),
        "training.limit_val_batches": (training.limit_val_batches or 0, 0),
        "training.validate_every": (training.validate_every, 1),
        "training.backbone_lr_scale": (training.backbone_lr_scale, 0),
        "training.data_loader.num_workers": (training.data_loader.num_workers, 0),
        "training.data_loader.prefetch_factor": (training.data_loader.prefetch_factor or 1, 1),
        "training.num_nodes": (training.num_nodes, 1),
    }
    faults = [
        f"{path}: {value} is too small. It accepts: {lowest} or more."
        for path, (value, lowest) in least.items()
        if value < lowest
    ]
    shares = {"limit_train_batches": training.limit_train_batches, "limit_val_batches": training.limit_val_batches}
    faults += [
        f"training.{name}: {share} is no share of the batches. It accepts: 0.0 to 1.0, or a whole number of batches."
        for name, share in shares.items()
        if isinstance(share, float) and share > 1
    ]
    if (data.sampling.ball or 0) > 1:
        faults.append(f"data.sampling.ball: {data.sampling.ball} is no share of the windows. It accepts: 0.0 to 1.0.")
    faults += [
        f"data.sampling.clips.{pattern}: {factor} is too small. It accepts: 0 or more."
        for pattern, factor in data.sampling.clips.items()
        if factor < 0
    ]
    if training.seed > GREATEST_SEED:
        faults.append(f"training.seed: {training.seed} is too large. It accepts: 0 to {GREATEST_SEED}.")
    return faults


def _read(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such {what} file. Give the path of a YAML file.")
    try:
        tree = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OmegaConfBaseException, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    except Exception as error:
        # PyYAML's errors share no base with OmegaConf's; whatever its parser says belongs to the file.
        if type(error).__module__.startswith("yaml"):
            raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
        raise
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: an {what} is a mapping, but this file holds a {type(tree).__name__}.")
    return {str(key): value for key, value in tree.items()}


def _split_overrides(overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate ``section=NAME`` from values."""
    malformed = [o for o in overrides if "=" not in o or not o.split("=", 1)[0]]
    if malformed:
        raise ConfigError([f"{o}: an override has the form key=value, such as training.epochs=3." for o in malformed])
    chosen: dict[str, Any] = {}
    values: list[str] = []
    for override in overrides:
        # One by one: in a single dotlist, `model=NAME` would be lost to a `model.heatmap.sigma=3` after it.
        key, _, value = override.partition("=")
        if key in SECTIONS and not value.startswith("{"):
            chosen[key] = value
        else:
            values.append(override)
    try:
        tree = OmegaConf.to_container(OmegaConf.from_dotlist(values), resolve=False)
    except Exception as error:
        raise ConfigError(f"overrides {values}: cannot be understood: {error}") from error
    return chosen, {str(key): value for key, value in tree.items()} if isinstance(tree, dict) else {}


def _section(section: str, value: Any, folders: list[Path], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a section with its bases merged in; ``above`` are the files that led here."""
    if isinstance(value, str):
        value = {"base": value}
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{section}: {value!r} is neither a mapping nor the name of a file. {_offer(section, folders)}"
        )
    own: dict[str, Any] = {str(key): item for key, item in value.items()}
    explicit = own.pop("base", None)
    file = _group_file(section, explicit or DEFAULT, folders)
    if file is None and explicit is not None:
        raise ConfigError(f"{section}: no file is called '{explicit}'. {_offer(section, folders)}")
    if file is None:
        return own
    if file in above:
        raise ConfigError(f"{section}.base: {' -> '.join(p.stem for p in (*above, file))} is a circle.")
    base = _read(file, f"{section} section")
    if file.stem != DEFAULT:
        base = _section(section, base, folders, (*above, file))
    return _merge(base, own)


def _group_file(section: str, name: str, folders: list[Path]) -> Path | None:
    return next((f for folder in folders if (f := folder / section / f"{name}.yaml").is_file()), None)


def _offer(section: str, folders: list[Path]) -> str:
    names = sorted({file.stem for folder in folders for file in (folder / section).glob("*.yaml")})
    return f"Known: {', '.join(names) or 'none'} (files {section}/*.yaml beside the experiment)."


def _shipped_experiments() -> Path:
    """Return the experiments that come with tracknet: in a wheel inside the package, in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "experiments"
    return inside if inside.is_dir() else package.parent / "experiments"


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` changed by ``over``; a node whose name changes starts afresh, lists replace."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, str) and isinstance(value, Mapping):
            old = {"name": old}
        if isinstance(old, list) and isinstance(value, Mapping):
            raise ConfigError(f"{key}: lists are replaced whole: write {key}=[…] instead of single elements.")
        if isinstance(value, str) and isinstance(old, Mapping) and "name" in old:
            value = {"name": value}
        if not isinstance(old, Mapping) or not isinstance(value, Mapping):
            merged[key] = value
        elif "name" in old and value.get("name", old["name"]) != old["name"]:
            merged[key] = dict(value)
        else:
            merged[key] = _merge(dict(old), value)
    return merged


def _interpolate(tree: dict[str, Any], section: str | None = None) -> dict[str, Any]:
    """Return the tree, or one section of it, with every interpolation replaced by its value."""
    whole = OmegaConf.create(tree)
    try:
        plain = OmegaConf.to_container(
            whole if section is None else whole[section], resolve=True, throw_on_missing=True
        )
    except MissingMandatoryValue as error:
        path = error.full_key
        raise ConfigError(
            f"{path}: required, but not set. Set it in the experiment, or write {path}=… at the end."
        ) from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key or 'experiment'}: {str(error).splitlines()[0]}") from error
    return {str(key): value for key, value in plain.items()} if isinstance(plain, dict) else {}


# --------------------------------------------------------------------------------------------- shorthands


@dataclass(frozen=True)
class _Shorthand:
    """Settings in a section that stand for a component: by its name, or by its name and a parameter.

    ``model.fpn: {…}`` is the decoder ``{name: fpn, …}``; ``training.early_stopping: {…}`` a callback;
    ``data.preprocess.flip_prob: 0.5`` the transform ``{name: flip, prob: 0.5}``.
    """

    section: tuple[str, ...]
    settings: type[Any]
    kind: str
    slot: tuple[str, str]
    many: bool


_SHORTHANDS = (
    _Shorthand(("model",), ModelConfig, "decoders", ("model", "decoder"), many=False),
    _Shorthand(("training",), TrainingConfig, "callbacks", ("training", "callbacks"), many=True),
    _Shorthand(("data", "preprocess"), Preprocess, "transforms", ("data", "transforms"), many=True),
)


def _expand_shorthands(tree: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    expanded: dict[str, Any] = _plain(tree)
    for shorthand in _SHORTHANDS:
        node: Any = expanded
        for key in shorthand.section:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            continue
        settings = {f.name for f in dataclasses.fields(shorthand.settings)}
        names = REGISTRIES[shorthand.kind].names()
        for key in [key for key in node if key not in settings]:
            short = _component_of(key, node[key], names)
            if short is not None:
                del node[key]
                holder, slot = shorthand.slot
                _place(expanded[holder], slot, shorthand.many, short, ".".join((*shorthand.section, key)), faults)
    return expanded


def _component_of(key: str, value: Any, names: list[str]) -> Node | None:
    if key in names:
        if value is None or value is False:
            return {}
        return {"name": key, **(value if isinstance(value, Mapping) else {})}
    owners = [name for name in names if key.startswith(f"{name}_")]
    if not owners:
        return None
    owner = max(owners, key=len)
    return {} if value is None else {"name": owner, key.removeprefix(f"{owner}_"): value}


def _place(holder: dict[str, Any], slot: str, many: bool, short: Node, path: str, faults: Faults) -> None:
    """Put a component into a slot or a list, over one of the same name that is there."""
    if not short:
        return
    present = holder.get(slot)
    if isinstance(present, list):
        for i, node in enumerate(present):
            if (node if isinstance(node, str) else node.get("name")) == short["name"]:
                present[i] = {**(node if isinstance(node, dict) else {}), **short}
                return
        present.append(short)
    elif isinstance(present, dict) and present.get("name", short["name"]) != short["name"]:
        faults.append(
            f"{path}: settings for '{short['name']}', but {slot} is '{present['name']}'. "
            f"Set {slot}.name to '{short['name']}', or remove these settings."
        )
    elif isinstance(present, dict):
        holder[slot] = {**present, **short}
    else:
        holder[slot] = [short] if many else short


# ------------------------------------------------------------------------------------------------ plugins


def _plugin_paths(plugins: Any, folder: Path) -> list[str]:
    if plugins is None:
        return []
    if not isinstance(plugins, list) or not all(isinstance(p, str) for p in plugins):
        raise ConfigError(f"plugins: {plugins!r} is not a list of modules or files. Write [my_module, ./my_part.py].")
    return [str((folder / p).resolve()) if p.endswith(".py") else p for p in plugins]


def import_plugins(plugins: Sequence[str]) -> None:
    """Import modules, and files that are no packages yet, so that their decorators run.

    Raises:
        ConfigError: one does not import.
    """
    for plugin in plugins:
        _import_plugin(plugin)


def _import_plugin(plugin: str) -> None:
    try:
        if not plugin.endswith(".py"):
            importlib.import_module(plugin)
            return
        path = Path(plugin)
        if not path.is_file():
            raise ConfigError(f"plugins: {plugin}: no such file.")
        name = f"tracknet_plugin_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ConfigError(f"plugins: {plugin}: not a Python file.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"plugins: '{plugin}' does not import: {type(error).__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
