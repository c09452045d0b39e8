"""What is installed, without importing any of it: this module must not import torch, nor a component."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

from tracknet_core.errors import RegistryError, did_you_mean
from tracknet_core.registry import REGISTRIES, Registry


@dataclass(frozen=True)
class Part:
    """A component, as far as it is known from outside.

    Attributes:
        kind: its kind, such as ``backbones``.
        name: what an experiment says.
        package: the distribution that brings it; None for one of a module or file that was imported.
        version: of the distribution.
        source: where it is, such as ``tracknet_plugins.backbones.vit:ViT``.
        summary: first line of the docstring of its file, where that has its name, or else of its own; empty without.
    """

    kind: str
    name: str
    package: str | None
    version: str | None
    source: str
    summary: str


def list_parts(kind: str | None = None, plugins: Sequence[str] = ()) -> list[Part]:
    """Return the components of a kind, or of all kinds, sorted; two of one name where packages clash.

    Args:
        kind: the kind; None for all.
        plugins: modules and files to import first.

    Raises:
        RegistryError: there is no such kind.
        ConfigError: a module or file does not import.
    """
    registries = list(REGISTRIES.values()) if kind is None else [registry_of(kind)]
    if plugins:
        # Here rather than above: OmegaConf, which comes with it, takes as long to import as all the rest.
        from tracknet_core.config import import_plugins  # noqa: PLC0415

        import_plugins(plugins)
    return [part for registry in registries for name in registry.names() for part in _parts(registry, name)]


def registry_of(kind: str) -> Registry:
    """Return the registry of a kind that a person named.

    Raises:
        RegistryError: there is no such kind.
    """
    if kind not in REGISTRIES:
        hint = did_you_mean(kind, REGISTRIES)
        raise RegistryError(f"no kind of component is called '{kind}'.{hint} Known: {', '.join(REGISTRIES)}.")
    return REGISTRIES[kind]


def listed_text(parts: Sequence[Part]) -> str:
    """Return a table of components, a paragraph for each kind."""
    lines: list[str] = []
    packages = [f"{part.package or 'no package'} {part.version or ''}".rstrip() for part in parts]
    widths = [max(map(len, column), default=0) for column in ([part.name for part in parts], packages)]
    for i, (part, package) in enumerate(zip(parts, packages, strict=True)):
        if i == 0 or parts[i - 1].kind != part.kind:
            lines += ["", part.kind]
        lines.append(f"  {part.name:{widths[0]}}  {package:{widths[1]}}  {part.summary}".rstrip())
    return "\n".join(lines[1:])


def listed_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return a mapping for each component."""
    return [asdict(part) for part in parts]


def _parts(registry: Registry, name: str) -> Iterator[Part]:
    entries = registry.entries(name)
    for entry in entries:
        package, version = (None, None) if entry.dist is None else _name_and_version(entry.dist)
        yield Part(registry.kind, name, package, version, entry.value, _summary_of_entry(entry))
    if not entries:
        component = registry.get(name)  # a decorator's: it is there already
        source = f"{component.__module__}:{component.__qualname__}"
        yield Part(registry.kind, name, None, None, source, first_line(component.__doc__))


@lru_cache
def _name_and_version(package: Distribution) -> tuple[str, str]:
    """Return what the metadata of a package say; to read them takes longer than all else here."""
    return package.name, package.version


def first_line(docstring: str | None) -> str:
    """Return the first line of a docstring; empty without one."""
    return next(iter((docstring or "").strip().splitlines()), "")


def _summary_of_entry(entry: EntryPoint) -> str:
    """Return what a component says of itself in a line, read from its file."""
    try:
        path = _file_of(entry.module)
        text = "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, ValueError):  # no text, or a name that no module has
        return ""
    if entry.module.rpartition(".")[2] == entry.name:
        return first_line(_leading_string(text) or _docstring_in(text, entry.attr))
    return first_line(_docstring_in(text, entry.attr) or _leading_string(text))


def _file_of(module: str) -> Path | None:
    """Return the file of a module; the packages that it is in are not imported, since they could import anything."""
    top, *below = module.split(".")
    spec: ModuleSpec | None = importlib.util.find_spec(top)
    name = top
    for step in below:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{step}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    is_source = spec is not None and spec.origin is not None and spec.origin.endswith(".py")
    return Path(spec.origin) if is_source and spec and spec.origin else None


def _docstring_in(text: str, name: str) -> str | None:
    """Return the docstring of a class or function of a module, parsing no more of it than its head: that is instant."""
    head = re.search(rf"^(?:class|def) {re.escape(name)}\b.*?:\s*?\n\s+[rR]?(\"\"\"|''').*?\1", text, re.M | re.S)
    with suppress(SyntaxError):
        for statement in ast.parse(head[0]).body if head else []:
            if isinstance(statement, ast.ClassDef | ast.FunctionDef):
                return ast.get_docstring(statement)
    return None


def _leading_string(text: str) -> str | None:
    """Return the docstring of a module."""
    head = re.match(r"(?:\s*#.*\n|\s+)*[rR]?(\"\"\"|''').*?\1", text, re.S)
    with suppress(SyntaxError):
        return ast.get_docstring(ast.parse(head[0])) if head else None
    return None
