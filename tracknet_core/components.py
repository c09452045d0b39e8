"""From configuration nodes to components. This module must not import torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from tracknet_core.errors import ConfigError, DataError
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Node, hint_of, nested_kind, require_component


class Late(NamedTuple):
    """What assembly supplies, made only where a constructor names it, since that takes its time.

    Attributes:
        make: makes it.
    """

    make: Callable[[], Any]


def build(kind: str, node: Node, path: str, **supplied: Any) -> Any:
    """Return the component that a validated node describes; components nested in it are built first.

    Args:
        kind: kind of the component.
        node: ``{"name": …, **parameters}``.
        path: where the node stands in the configuration, for messages.
        **supplied: what assembly gives; constructors get what they name. Of a :class:`Late` they get what it makes.

    Raises:
        ConfigError: the component, or one nested in it, refuses its parameters.
        DataError: the folder of a dataset is missing.
    """
    constructor = _constructor(kind, node, path, supplied)
    try:
        component = constructor()
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (MemoryError, RuntimeError) as error:  # torch has no error of its own for it
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        raise ConfigError(f"{path}: '{node['name']}' asks for more memory than there is: {node}.") from error
    registry = REGISTRIES[kind]
    lacking = registry.lacking(registry.complete(component))
    if lacking:
        package = registry.distribution(node["name"])
        raise ConfigError(
            f"{path}: '{node['name']}'{f' of the package {package!r}' if package else ''} lacks "
            f"{', '.join(lacking)}, which the contract of {kind} asks for. Set it in its constructor."
        )
    return component


def check_and_build(kind: str, node: Any, path: str, **supplied: Any) -> Any:
    """Return the component that a node describes which nobody has checked, such as one of an option or a stored file.

    Args:
        kind: kind of the component.
        node: ``{"name": …, **parameters}``, or whatever stands in its place.
        path: where it comes from, for messages.
        **supplied: what assembly gives.

    Raises:
        ConfigError: the node has faults, or the component refuses its parameters.
    """
    return build(kind, require_component(kind, node, path), path, **supplied)


def _constructor(kind: str, node: Node, path: str, supplied: dict[str, Any]) -> Callable[[], Any]:
    component = REGISTRIES[kind].get(node["name"])
    parameters = inspect.signature(component).parameters
    values = {
        key: _argument(value, hint_of(component, parameters[key]), f"{path}.{key}")
        for key, value in node.items()
        if key != "name"
    }
    wanted = (parameters.keys() & REGISTRIES[kind].supplied) - values.keys()  # a nested node sets what it needs itself
    return partial(component, **values, **{key: _made(supplied[key]) for key in wanted})


def _made(fact: Any) -> Any:
    return fact.make() if isinstance(fact, Late) else fact


def _argument(value: Any, hint: Any, path: str) -> Any:
    """Return what a constructor gets for a value of the configuration: components for nodes, a Path for a path."""
    kind = nested_kind(hint)
    if kind is None:
        is_path = isinstance(value, str) and Path in (hint, *get_args(hint))
        return Path(value).expanduser() if is_path else value
    if get_origin(hint) is list:
        return [_build_nested(kind, node, f"{path}[{i}]") for i, node in enumerate(value)]
    if get_origin(hint) is dict:
        return {key: _build_nested(kind, node, f"{path}.{key}") for key, node in value.items()}
    return _build_nested(kind, value, path)


def _build_nested(kind: str, node: Node, path: str) -> Any:
    try:
        return build(kind, node, path)
    except DataError as error:  # it tells of data.root, but whose folder is wrong?
        raise DataError(f"{path}: {error}") from error
