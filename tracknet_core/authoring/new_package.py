"""A small package with one part, which passes ``tracknet check`` as it is: where a part of one's own begins."""

from __future__ import annotations

import keyword
import re
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from tracknet_core.authoring.listing import registry_of
from tracknet_core.authoring.showing import slots
from tracknet_core.errors import ConfigError
from tracknet_core.files import new_folder
from tracknet_core.registry import REGISTRIES, Registry

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SETTINGS = {"data": {"dataset": "{rallies: [1, 1, 0], frames: 24}"}, "model": {"base": "vit_heatmap"}, "training": {}}
"""What the experiment says where the part has no place."""


def new_package(kind: str, name: str, into: Path) -> Path:
    """Write a package with a part, its test and an experiment, and return its folder.

    Args:
        kind: kind of the part.
        name: what experiments are going to say.
        into: the folder that the new one, called ``tracknet-NAME``, is made in.

    Raises:
        RegistryError: there is no such kind.
        ConfigError: the name is none, or is taken.
        DataError: the folder is there already, or cannot be made.
    """
    registry = registry_of(kind)
    if kind not in templates():
        raise ConfigError(
            f"{kind}: there is no template for parts of this kind, only for {', '.join(templates())}. 'tracknet list "
            f"{kind}' says where those that there are lie."
        )
    _check_name(registry, name)
    module = f"tracknet_{name}"
    words = {
        "kind": kind,
        "name": name,
        "object": _object(registry, name),
        "package": module,
        "distribution": f"tracknet-{name.replace('_', '-')}",
        "version": version("tracknet"),
        "use": _use(registry, name),
        **_experiment(registry, name),
    }
    target = into / words["distribution"]
    with new_folder(target, "--into") as folder:
        for template, path in (
            ("pyproject.toml", "pyproject.toml"),
            ("README.md", "README.md"),
            ("experiment.yaml", "experiment.yaml"),
            ("init.py", f"src/{module}/__init__.py"),
            (f"{kind}.py", f"src/{module}/{name}.py"),
            (f"test_{kind}.py", f"tests/test_{name}.py"),
        ):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            text = Template(_template(template)).substitute(words).rstrip()
            file.write_text(f"{text}\n", encoding="utf-8")
    return target


def templates() -> list[str]:
    """Return the kinds that there is a template for."""
    return [
        kind
        for kind in REGISTRIES
        if files("tracknet_core.authoring").joinpath("templates", f"{kind}.py.txt").is_file()
    ]


def _check_name(registry: Registry, name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigError(f"{name}: no name of a part. Write small letters and digits, such as my_part.")
    if name in registry.names():
        owner = registry.distribution(name)
        raise ConfigError(f"{name}: {registry.kind} of that name are there already, of {owner!r}. Choose another.")
    if find_spec(f"tracknet_{name}") is not None:
        raise ConfigError(f"{name}: there is a package tracknet_{name} already. Choose another name.")


def _object(registry: Registry, name: str) -> str:
    """Return what the part is called in code: a class where its kind is a Protocol, and else a function, or a class."""
    makes_function = "def $object(" in _template(f"{registry.kind}.py")
    return name if makes_function else "".join(word.capitalize() for word in name.split("_"))


def _use(registry: Registry, name: str) -> str:
    """Return the commands that use the part."""
    train = "tracknet run experiment.yaml"
    if registry.option is None:
        return train
    command, option = registry.option.split()
    return f"{train}\ntracknet {command} … {option} {name}"


def _experiment(registry: Registry, name: str) -> dict[str, str]:
    """Return the lines of each section of an experiment that uses the part."""
    settings = {section: dict(values) for section, values in _SETTINGS.items()}
    size = "{size: [32, 24]}"
    settings["model"]["heatmap"] = size
    for slot, is_list in slots(registry.kind) if registry.option is None else ():
        section, key = slot.split(".")
        node = f"{{name: {name}, {size[1:]}" if settings[section].get(key) == size else f"{{name: {name}}}"
        settings[section][key] = f"[{node}]" if is_list else node
    return {
        section: "".join(f"  {key}: {value}\n" for key, value in values.items()).rstrip("\n")
        for section, values in settings.items()
    }


def _template(name: str) -> str:
    return files("tracknet_core.authoring").joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
