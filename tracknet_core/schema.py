"""The constructor is the schema: checks plain values against type hints and signatures.

Every check returns the accepted value, filled with defaults, and appends a line to ``faults`` for whatever is
wrong, so that one error can tell all of them.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import math
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tracknet_core.contracts import SUPPLIED
from tracknet_core.errors import RegistryError
from tracknet_core.registry import REGISTRIES

Faults = list[str]
Node = dict[str, Any]
"""A component in a configuration: ``{"name": …, **parameters}``."""

KIND = "kind"
"""Key in the metadata of a dataclass field that holds a component, or a list of components, of that kind."""


def component(kind: str, **options: Any) -> Any:
    """Declare a dataclass field that holds a node (or a list of nodes) of ``kind``."""
    return dataclasses.field(metadata={KIND: kind}, **options)


def check_dataclass(cls: type[Any], value: Any, path: str, faults: Faults) -> Any:
    """Return an instance of a dataclass from a mapping; None where that is impossible."""
    if not isinstance(value, Mapping):
        faults.append(f"{path}: {_show(value)} is not a mapping. It accepts: {_join(f.name for f in _fields(cls))}.")
        return None
    hints = get_type_hints(cls)
    fields = {field.name: field for field in _fields(cls)}
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
        values[name] = _check_field(field, hints[name], value[name], where, faults)
    try:
        return cls(**values)
    except TypeError:  # a required setting is missing, which is among the faults already
        return None


def check_component(kind: str, node: Any, path: str, faults: Faults) -> Node:
    """Return a node with its defaults filled in. A bare string is short for ``{name: string}``."""
    node = {"name": node} if isinstance(node, str) else node
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
    parameters = {p.name: p for p in settable(kind, constructor)}
    checked: Node = {"name": name}
    for key in node:
        if key in SUPPLIED[kind]:
            faults.append(
                f"{path}.{key}: '{key}' follows from the rest of the experiment and cannot be set. Remove it."
            )
        elif key != "name" and key not in parameters:
            faults.append(unknown_key(f"{path}.{key}", f"'{name}' has no such parameter", str(key), parameters))
    for key, parameter in parameters.items():
        where = f"{path}.{key}"
        if key in node:
            checked[key] = check_value(node[key], _hint(constructor, parameter), where, faults)
        elif parameter.default is inspect.Parameter.empty:
            faults.append(f"{where}: '{name}' requires it, but it is not set.")
        else:
            checked[key] = parameter.default
    return checked


def settable(kind: str, constructor: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a component that the user may set."""
    parameters = inspect.signature(constructor).parameters.values()
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in parameters if p.kind in named and p.name not in SUPPLIED[kind]]


def check_value(value: Any, hint: Any, path: str, faults: Faults) -> Any:
    """Return ``value`` as the hint has it (a list may become a tuple, an int a float)."""
    accepted, result = _convert(value, hint)
    if not accepted:
        cure = " To say 'nothing' in YAML, write null." if value == "None" else ""
        faults.append(f"{path}: {_show(value)} is not accepted. It accepts: {_describe(hint)}.{cure}")
    return result


def unknown_key(path: str, complaint: str, key: str, known: Iterable[str]) -> str:
    """Return the message for a key that does not exist."""
    known = list(known)
    nearest = difflib.get_close_matches(str(key), known, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"{path}: {complaint}.{hint} It accepts: {_join(known) or 'nothing'}."


def _fields(cls: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _check_field(field: dataclasses.Field[Any], hint: Any, value: Any, path: str, faults: Faults) -> Any:
    kind = field.metadata.get(KIND)
    if kind is None:
        if dataclasses.is_dataclass(hint):
            return check_dataclass(hint, value, path, faults)  # type: ignore[arg-type]
        return check_value(value, hint, path, faults)
    if get_origin(hint) is not list:
        return check_component(kind, value, path, faults)
    if not isinstance(value, Sequence) or isinstance(value, str):
        faults.append(f"{path}: {_show(value)} is not a list of components. Write [{{name: …, parameter: value}}, …].")
        return []
    return [check_component(kind, node, f"{path}[{i}]", faults) for i, node in enumerate(value)]


def _hint(constructor: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return annotation
    # Only the hints that a user may set are evaluated: the others may name types that are not imported at run time.
    return eval(annotation, vars(sys.modules[constructor.__module__]))


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
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and not math.isnan(value), float(value) if number else value
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if origin in (list, tuple, Sequence):
        return _convert_sequence(value, origin, arguments)
    if origin is dict or hint is dict:
        return _convert_mapping(value, arguments or (Any, Any))
    return isinstance(value, hint), value


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


def _describe(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in arguments)
    if origin is Literal:
        return _join(_show(a) for a in arguments)
    if hint is None or hint is types.NoneType:
        return "null"
    if origin in (list, Sequence) or (origin is tuple and arguments[1:] == (Ellipsis,)):
        return f"a list, each {_describe(arguments[0])}"
    if origin is tuple:
        return f"a list of {len(arguments)}: [{_join(_describe(a) for a in arguments)}]"
    if origin is dict or hint is dict:
        return "a mapping" + (f" of {_describe(arguments[1])}" if arguments else "")
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _show(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
