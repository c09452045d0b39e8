"""The constructor is the schema: checks plain values against type hints and signatures.

A parameter whose hint is the Protocol of a kind (``Dataset``), a list of it or a dict of it by name is a nested
component: in the configuration it is a node, a list or a mapping of nodes. Nobody supplies anything to a nested
component, so what assembly gives to one that stands in a section, such as ``root``, is set in its own node.

Every check returns the accepted value, filled with defaults, and appends a line to ``faults`` for whatever is
wrong, so that one error can tell all of them.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tracknet_core.errors import ConfigError, RegistryError, RenamedWarning, did_you_mean
from tracknet_core.registry import REGISTRIES

Faults = list[str]
Node = dict[str, Any]
"""A component in a configuration: ``{"name": …, **parameters}``."""

KIND = "kind"
"""Key in the metadata of a dataclass field that holds a component, or a list of components, of that kind."""


def component(kind: str, **options: Any) -> Any:
    """Declare a dataclass field that holds a node (or a list of nodes) of ``kind``."""
    return dataclasses.field(metadata={KIND: kind}, **options)


_LONGEST_SHOWN = 200  # characters of a value in a message

RANGE = "range"
"""Key in the metadata of a dataclass field of numbers that holds the least and the greatest."""


def within(least: float, most: float | None = None, **options: Any) -> Any:
    """Declare a dataclass field of numbers from ``least`` to ``most``: its value, or all those of a list or mapping."""
    return dataclasses.field(metadata={RANGE: (least, most)}, **options)


def check_dataclass(cls: type[Any], value: Any, path: str, faults: Faults, *, components: bool = True) -> Any:
    """Return an instance of a dataclass from a mapping; None where that is impossible.

    Args:
        cls: the dataclass.
        value: the mapping.
        path: where it stands in the configuration, for messages.
        faults: grows by a line for whatever is wrong.
        components: False takes nodes as they stand, so that no component is imported.
    """
    if not isinstance(value, Mapping):
        faults.append(
            f"{path}: {_show(value)} is not a mapping. It accepts: {_join(f.name for f in dataclasses.fields(cls))}."
        )
        return None
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key in value:
        if key not in fields:
            faults.append(unknown_key(f"{path}.{key}", "no such setting", key, fields))
    for name, field in fields.items():
        where = f"{path}.{name}"
        if name not in value:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                faults.append(f"{where}: required, but not set.")
            continue
        values[name] = _check_field(field, hints[name], value[name], where, faults, components)
    try:
        return cls(**values)
    except TypeError:  # a required setting is missing, which is among the faults already
        return None


def check_component(kind: str, node: Any, path: str, faults: Faults, *, nested: bool = False) -> Node:
    """Return a node with its defaults filled in. A bare string is short for ``{name: string}``.

    Args:
        kind: kind of the component.
        node: ``{"name": …, **parameters}``.
        path: where the node stands in the configuration, for messages.
        faults: grows by a line for whatever is wrong.
        nested: whether the node is a parameter of another component, and so sets what assembly would supply.
    """
    node = of_today(kind, {"name": node} if isinstance(node, str) else node, path)
    if not isinstance(node, Mapping):
        faults.append(f"{path}: {_show(node)} is not a component. Write {{name: …, parameter: value}}.")
        return {}
    name = node.get("name")
    if not isinstance(name, str):
        faults.append(f"{path}.name: required: which of {_join(REGISTRIES[kind].names())}?")
        return {}
    try:
        constructor = REGISTRIES[kind].get(name)
    except RegistryError as error:
        faults.append(f"{path}.name: {error}")
        return dict(node)
    supplied = frozenset() if nested else REGISTRIES[kind].supplied
    parameters = settable(kind, constructor, nested=nested)
    checked: Node = {"name": name}
    for key in node:
        if key in supplied:
            faults.append(
                f"{path}.{key}: '{key}' follows from the rest of the experiment and cannot be set. Remove it."
            )
        elif key != "name" and key not in parameters:
            faults.append(unknown_key(f"{path}.{key}", f"'{name}' has no such parameter", str(key), parameters))
    for key, parameter in parameters.items():
        where = f"{path}.{key}"
        if key in node:
            hint = hint_of(constructor, parameter)
            if hint is inspect.Parameter.empty:
                faults.append(_untyped(kind, name, parameter, where))
            else:
                checked[key] = _check_parameter(node[key], hint, where, faults)
        elif parameter.default is inspect.Parameter.empty:
            faults.append(f"{where}: '{name}' requires it, but it is not set.")
        else:
            checked[key] = parameter.default
    return checked


def require_component(kind: str, node: Any, path: str) -> Node:
    """Return a node with its defaults filled in, as :func:`check_component` does.

    Raises:
        ConfigError: all faults of the node.
    """
    faults: Faults = []
    checked = check_component(kind, node, path, faults)
    if faults:
        raise ConfigError(faults)
    return checked


def of_today(kind: str, node: Any, path: str) -> Any:
    """Return a node, or a name, as it is written today: what was renamed under its new name, with a warning.

    What is no node, or has no name, is returned as it is. Of a parameter that is there by both names the later one
    counts: it is the one of the experiment, and the other that of its base.
    """
    name = node.get("name") if isinstance(node, Mapping) else node
    if not isinstance(name, str):
        return node
    registry = REGISTRIES[kind]
    now = registry.today(name)
    _warn_renamed(name, now, path)
    if not isinstance(node, Mapping):
        return now
    today: Node = {"name": now}
    for key in (key for key in node if key != "name"):
        new = registry.today(now, key) if isinstance(key, str) else key
        _warn_renamed(key, new, f"{path}.{key}")
        today.pop(new, None)
        today[new] = node[key]
    return today


def _warn_renamed(old: str, new: str, path: str) -> None:
    if new != old:
        warnings.warn(f"{path}: '{old}' is called '{new}' now. Write that.", RenamedWarning, stacklevel=3)


def settable(kind: str, constructor: Callable[..., Any], *, nested: bool = False) -> dict[str, inspect.Parameter]:
    """Return the parameters that a node may set, by name; a nested one sets what assembly would supply, too."""
    supplied = frozenset() if nested else REGISTRIES[kind].supplied
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(constructor).parameters.values()
    return {p.name: p for p in parameters if p.kind in kinds and p.name not in supplied}


def hint_of(constructor: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return the type hint of a parameter, evaluated where it is written as text."""
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    # Only the hints that a user may set are evaluated: the others may name types that are not imported at run time.
    # The constructor of a class may be that of a base, in another module.
    written: Any = getattr(constructor, "__init__") if isinstance(constructor, type) else constructor  # noqa: B009
    return eval(annotation, getattr(written, "__globals__", vars(sys.modules[constructor.__module__])))


def nested_kind(hint: Any) -> str | None:
    """Return the kind of the nested components that a parameter takes: one, a list, or a mapping; None for values."""
    if get_origin(hint) in (list, dict):
        hint = get_args(hint)[-1]
    return next((kind for kind, registry in REGISTRIES.items() if registry.contract is hint), None)


def check_value(value: Any, hint: Any, path: str, faults: Faults) -> Any:
    """Return ``value`` as the hint has it (a list may become a tuple, an int a float)."""
    accepted, result = _convert(value, hint)
    if not accepted:
        cure = " To say 'nothing' in YAML, write null." if value == "None" else ""
        faults.append(f"{path}: {_show(value)} is not accepted. It accepts: {describe_hint(hint)}.{cure}")
    return result


def unknown_key(path: str, complaint: str, key: str, known: Iterable[str]) -> str:
    """Return the message for a key that does not exist."""
    known = list(known)
    return f"{path}: {complaint}.{did_you_mean(str(key), known)} It accepts: {_join(known) or 'nothing'}."


def _untyped(kind: str, name: str, parameter: inspect.Parameter, path: str) -> str:
    """Return the message for a parameter that nobody can check, which is a fault of the component."""
    distribution = REGISTRIES[kind].distribution(name)
    owner = f"'{name}' of the package '{distribution}'" if distribution else f"'{name}'"
    default = parameter.default
    known = type(default).__name__ if isinstance(default, bool | int | float | str) else "float"
    return (
        f"{path}: a fault of {owner}: its constructor gives '{parameter.name}' no type, so that no value can be "
        f"checked. Write one there, such as '{parameter.name}: {known}'."
    )


def _check_field(
    field: dataclasses.Field[Any], hint: Any, value: Any, path: str, faults: Faults, components: bool
) -> Any:
    kind = field.metadata.get(KIND)
    if kind is None:
        if dataclasses.is_dataclass(hint):
            return check_dataclass(hint, value, path, faults, components=components)  # type: ignore[arg-type]
        before = len(faults)
        accepted = check_value(value, hint, path, faults)
        if RANGE in field.metadata and len(faults) == before:
            least, most = field.metadata[RANGE]
            _check_range(accepted, least, most, path, faults)
        return accepted
    if not components or (value is None and types.NoneType in get_args(hint)):
        return value
    form = list if get_origin(hint) is list else None
    return _check_nodes(kind, value, form, path, faults, nested=False)


def _check_range(value: Any, least: float, most: float | None, path: str, faults: Faults) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_range(item, least, most, f"{path}.{key}", faults)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_range(item, least, most, path, faults)
    elif isinstance(value, int | float) and value < least:
        faults.append(f"{path}: {value} is too small. It accepts: {least} or more.")
    elif isinstance(value, int | float) and most is not None and value > most:
        faults.append(f"{path}: {value} is too large. It accepts: {most} or less.")


def _check_parameter(value: Any, hint: Any, path: str, faults: Faults) -> Any:
    kind = nested_kind(hint)
    if kind is None:
        return check_value(value, hint, path, faults)
    return _check_nodes(kind, value, get_origin(hint), path, faults, nested=True)


def _check_nodes(
    kind: str, value: Any, form: type[Any] | None, path: str, faults: Faults, *, nested: bool
) -> Node | list[Node] | dict[str, Node]:
    """Return a node or, where ``form`` is list or dict, a list of nodes or nodes by name."""
    if form is list:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [check_component(kind, node, f"{path}[{i}]", faults, nested=nested) for i, node in enumerate(value)]
        faults.append(f"{path}: {_show(value)} is not a list of components. Write [{{name: …, parameter: value}}, …].")
        return []
    if form is dict:
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {k: check_component(kind, node, f"{path}.{k}", faults, nested=nested) for k, node in value.items()}
        faults.append(f"{path}: {_show(value)} does not name components. Write {{a_name: {{name: …}}, …}}.")
        return {}
    return check_component(kind, value, path, faults, nested=nested)


def _convert(value: Any, hint: Any) -> tuple[bool, Any]:
    """Return whether ``value`` fits, and what it becomes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True, value
    if origin in (Union, types.UnionType):
        # An exact fit goes before a conversion: 3 is the int of `float | int`.
        results = [_convert(value, option) for option in arguments]
        fits = [result for accepted, result in results if accepted]
        exact = [result for result in fits if type(result) is type(value)]
        return bool(fits), (exact or fits or [value])[0]
    if origin is Literal:
        return value in arguments and type(value) in {type(a) for a in arguments}, value
    if hint is None or hint is types.NoneType:
        return value is None, value
    if hint is float:
        number = isinstance(value, float) or _is_integer(value)
        return number and not math.isnan(value), float(value) if number else value
    if hint is int:
        return _is_integer(value), value
    if hint is Path:
        return isinstance(value, str) and _survives_a_file(value), value  # stays text, as files have it
    if origin in (list, tuple, Sequence):
        return _convert_sequence(value, origin, arguments)
    if origin is dict or hint is dict:
        return _convert_mapping(value, arguments or (Any, Any))
    return isinstance(value, hint) and _survives_a_file(value), value


def _is_integer(value: Any) -> bool:
    """Return whether this is a whole number, of at most 64 bits, as torch and NumPy take them."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _survives_a_file(value: Any) -> bool:
    """Return whether a text can be written into a file, and is not OmegaConf's sign for what is not set."""
    return not isinstance(value, str) or (
        value != "???" and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _convert_sequence(value: Any, origin: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, list | tuple):
        return False, value
    fixed = origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis)
    if fixed and len(value) != len(arguments):
        return False, value
    items = [_convert(v, arguments[i] if fixed else arguments[0]) for i, v in enumerate(value)]
    kind = tuple if origin is tuple else list
    return all(accepted for accepted, _ in items), kind(result for _, result in items)


def _convert_mapping(value: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, Mapping):
        return False, value
    items = {key: (_convert(key, arguments[0])[0], *_convert(v, arguments[1])) for key, v in value.items()}
    return all(a and b for a, b, _ in items.values()), {key: result for key, (_, _, result) in items.items()}


def describe_hint(hint: Any) -> str:
    """Return in words what a hint accepts."""
    kind = nested_kind(hint)
    if kind is not None:
        return {list: f"a list of {kind}", dict: f"a mapping of {kind} by name"}.get(get_origin(hint), f"one of {kind}")
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe_hint(option) for option in arguments)
    if origin is Literal:
        return _join(_show(a) for a in arguments)
    if hint is None or hint is types.NoneType:
        return "null"
    if origin in (list, Sequence) or (origin is tuple and arguments[1:] == (Ellipsis,)):
        return f"a list, each {describe_hint(arguments[0])}"
    if origin is tuple:
        return f"a list of {len(arguments)}: [{_join(describe_hint(a) for a in arguments)}]"
    if origin is dict or hint is dict:
        return "a mapping" + (f" of {describe_hint(arguments[1])}" if arguments else "")
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _show(value: Any) -> str:
    """Return a value as YAML has it, cut where it is long."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of too many digits"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
