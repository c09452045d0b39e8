"""From an experiment file to one resolved, validated configuration.

An experiment has three sections, ``data``, ``model`` and ``training``. A section is the name of a file in the
group of that name, or a mapping that starts from such a file (``base``; without one from ``default``, where the
group has it). Overrides from the command line come last. Interpolations of OmegaConf work throughout.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tracknet_core.config.plugin_files import import_plugins, plugin_paths
from tracknet_core.config.sections import SECTIONS, Config, DataConfig, check_shares, parts_of_today, section_class
from tracknet_core.config.shipped import OPTIONS, SHORTHANDS, experiment_file, shipped_folder
from tracknet_core.config.shorthands import Shorthand, expand_shorthands
from tracknet_core.errors import ConfigError
from tracknet_core.schema import Faults, Node, check_dataclass, require_component, unknown_key

if TYPE_CHECKING:
    from omegaconf import OmegaConf

DEFAULT = "default"
"""The file of a group that a section starts from unless it names another base."""

NAME = re.compile(r"[A-Za-z][\w-]*")
"""What an option of a command line says where it names a component and no parameters."""

Experiment = str | Path | Mapping[str, Any]
"""The path of a YAML file, the name of an experiment that comes with tracknet, or what such a file would hold."""


def load_config(
    experiment: Experiment, overrides: Sequence[str] = (), sections: Mapping[str, str | None] | None = None
) -> Config:
    """Return the configuration of an experiment.

    Args:
        experiment: which; files that a mapping names are looked for in the working folder.
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
        experiment: path of the YAML file, the name of an experiment that comes with tracknet, or the configuration that
            a checkpoint holds, whose plugins are not imported; None takes the section that ``data`` names, of the
            files ``data/*.yaml`` in the working folder and of those that come with tracknet.
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
        tree["plugins"] = plugin_paths(values.get("plugins"), Path())
    else:
        tree = _resolve(experiment if isinstance(experiment, Path) else {}, overrides, {"data": data})
    import_plugins(tree["plugins"])
    faults: Faults = []
    tree = expand_shorthands({"data": _interpolate(tree, "data")}, known_shorthands(), faults)
    config: DataConfig = check_dataclass(DataConfig, tree["data"], "data", faults)
    if faults:
        raise ConfigError(faults)
    return config


def parse_config(tree: Mapping[str, Any], *, built: Collection[str] = SECTIONS) -> Config:
    """Return the validated configuration of a resolved tree, such as a checkpoint holds; no plugin is imported.

    Args:
        tree: the three sections, and ``plugins``.
        built: the sections whose components are going to be built. Those of the others are taken as they stand: a
            checkpoint works where a dataset or a logger of its training is not installed, and nothing is imported.

    Raises:
        ConfigError: all faults of the tree, each with its path.
    """
    tree = {key: value for key, value in tree.items() if value is not None}
    plugins = plugin_paths(tree.get("plugins"), Path())
    faults: Faults = []
    tree = {key: parts_of_today(key, value) if key in SECTIONS else value for key, value in tree.items()}
    tree = expand_shorthands(tree, known_shorthands(), faults)
    parts = {
        section: check_dataclass(
            section_class(section, tree.get(section, {})),
            tree.get(section, {}),
            section,
            faults,
            components=section in built,
        )
        for section in SECTIONS
    }
    for key in tree:
        if key not in (*SECTIONS, "plugins"):
            faults.append(unknown_key(key, "no such section", key, (*SECTIONS, "plugins")))
    if not faults:
        faults = check_shares(parts["training"])
    if faults:
        raise ConfigError(faults)
    return Config(**parts, plugins=plugins)


def default_section(section: str) -> dict[str, Any]:
    """Return what a section starts from, as the file ``default.yaml`` of its group that comes with tracknet says it.

    Such as ``default_section("training")["protocols"]``, the rules that are reported where no experiment names any. The
    nodes of components are as they are written: unchecked, and without the defaults of their constructors.

    Args:
        section: name of a section, whose group has such a file.
    """
    return _read(shipped_folder() / section / f"{DEFAULT}.yaml", f"{section} section")


def default_of(option: str) -> str:
    """Return what stands for an option of a command line that takes a component, where nobody gave it."""
    return str(_defaults()[option])


@cache
def _defaults() -> dict[str, Any]:
    # Without OmegaConf, which commands that are given no component need nothing of.
    table: dict[str, Any] = yaml.safe_load((shipped_folder() / f"{OPTIONS}.yaml").read_text(encoding="utf-8"))
    return table


def parse_component(kind: str, text: str | None, option: str) -> Node:
    """Return the validated component that an option of a command line names, or describes in YAML.

    Args:
        kind: kind of the component.
        text: a name, or ``{name: …, parameter: value}``; None for :func:`default_of` the option.
        option: what was given, such as ``--tracker``, for messages.

    Raises:
        ConfigError: the text is not a component, or all its faults.
    """
    text = default_of(option) if text is None else text
    if NAME.fullmatch(text):
        return require_component(kind, text, option)
    omegaconf = _omegaconf()
    try:
        tree = omegaconf.to_container(omegaconf.from_dotlist([f"node={text}"]), resolve=True)
    except Exception as error:  # PyYAML's errors share no base with OmegaConf's
        raise ConfigError(
            f"{option} {text}: not a component. Write a name, or '{{name: …, parameter: value}}'."
        ) from error
    return require_component(kind, tree["node"] if isinstance(tree, dict) else None, option)


def _resolve(experiment: Experiment, overrides: Sequence[str], sections: Mapping[str, str | None]) -> dict[str, Any]:
    """Return an experiment with bases, sections and overrides merged in."""
    if isinstance(experiment, Mapping):
        tree, folder = dict(experiment), Path()
    else:
        file = experiment_file(Path(experiment))
        tree, folder = _read(file, "experiment"), file.parent
    chosen, values = _split_overrides(overrides)
    chosen.update({section: name for section, name in sections.items() if name is not None})
    unknown = [key for key in tree if key not in (*SECTIONS, "plugins")]
    if unknown:
        raise ConfigError([unknown_key(key, "no such section", key, (*SECTIONS, "plugins")) for key in unknown])
    folders = [folder, shipped_folder()]
    resolved: dict[str, Any] = {
        section: _section(section, chosen.get(section, tree.get(section, {})), folders) for section in SECTIONS
    }
    resolved["plugins"] = plugin_paths(tree.get("plugins"), folder)
    values = {key: parts_of_today(key, value) if key in SECTIONS else value for key, value in values.items()}
    if "plugins" in values:
        values["plugins"] = plugin_paths(values["plugins"], Path())
    return _merge(resolved, values)


def _read(path: Path, what: str) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such {what} file. Give the path of a YAML file.")
    omegaconf = _omegaconf()
    try:
        tree = omegaconf.to_container(omegaconf.load(path), resolve=False)
    except Exception as error:  # PyYAML's errors share no base with OmegaConf's; whatever they say belongs to the file
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: this file holds a {type(tree).__name__}, but {what}s are mappings.")
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
    return chosen, read_settings(values)


def read_settings(overrides: Sequence[str]) -> dict[str, Any]:
    """Return settings of the form ``key=value`` as a tree.

    Raises:
        ConfigError: they cannot be understood.
    """
    omegaconf = _omegaconf()
    try:
        tree = omegaconf.to_container(omegaconf.from_dotlist(list(overrides)), resolve=False)
    except Exception as error:
        shown = str(list(overrides))
        shown = shown if len(shown) <= 300 else f"{shown[:300]}…"
        raise ConfigError(f"overrides {shown}: cannot be understood: {str(error)[:200]}") from error
    return {str(key): value for key, value in tree.items()} if isinstance(tree, dict) else {}


def _section(section: str, value: Any, folders: list[Path], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a section with its bases merged in; ``above`` are the files that led here."""
    if isinstance(value, str):
        value = {"base": value}
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{section}: {value!r} is neither a mapping nor the name of a file. {_offer(section, folders)}"
        )
    own: dict[str, Any] = parts_of_today(section, {str(key): item for key, item in value.items()})
    explicit = own.pop("base", None)
    file = _group_file(section, explicit or DEFAULT, folders)
    if file is None and explicit is not None:
        raise ConfigError(f"{section}: no file is called '{explicit}'. {_offer(section, folders)}")
    if file is None or (explicit is None and section_class(section, own) is not SECTIONS[section]):
        return own
    if file in above:
        raise ConfigError(f"{section}.base: {' -> '.join(p.stem for p in (*above, file))} is a circle.")
    base = parts_of_today(section, _read(file, f"{section} section"))
    if file.stem != DEFAULT:
        base = _section(section, base, folders, (*above, file))
    return _merge(base, own)


def _group_file(section: str, name: str, folders: list[Path]) -> Path | None:
    return next((f for folder in folders if (f := folder / section / f"{name}.yaml").is_file()), None)


def _offer(section: str, folders: list[Path]) -> str:
    names = sorted({file.stem for folder in folders for file in (folder / section).glob("*.yaml")})
    return f"Known: {', '.join(names) or 'none'} (files {section}/*.yaml beside the experiment)."


@cache
def known_shorthands() -> dict[str, Shorthand]:
    """Return the settings that stand for components, by their paths."""
    table = _read(shipped_folder() / f"{SHORTHANDS}.yaml", "shorthand")
    return {path: Shorthand(**entry) for path, entry in table.items()}


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
    # Here rather than above: as in _omegaconf.
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException  # noqa: PLC0415

    omegaconf = _omegaconf()
    whole = omegaconf.create(tree)
    try:
        plain = omegaconf.to_container(
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


def _omegaconf() -> type[OmegaConf]:
    # Here rather than above: it takes a tenth of a second to import, and commands that find the ball need none of it.
    from omegaconf import OmegaConf  # noqa: PLC0415

    return OmegaConf
