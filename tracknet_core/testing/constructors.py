"""Constructors of every kind: the schema of a configuration."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin

from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import hint_of, nested_kind
from tracknet_core.testing.require import require

PLAIN = (bool, int, float, str, types.NoneType)


def check_constructor(kind: str, constructor: Callable[..., Any]) -> None:
    """Check that a constructor can be the schema of a configuration.

    Its parameters are keyword-only and, but for those that assembly supplies, typed with plain types: bool, int,
    float, str, Literal, list, tuple, dict, Any within them, and unions of these.

    Args:
        kind: kind of the component, such as ``backbones``.
        constructor: the class or function.

    Raises:
        AssertionError: a parameter is not so.
    """
    name = getattr(constructor, "__name__", repr(constructor))
    for parameter in inspect.signature(constructor).parameters.values():
        require(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            f"{name}: the parameter '{parameter}' is {parameter.kind.description}; all are keyword-only, one by one. "
            "(A class without a constructor has that of its base: add 'def __init__(self)'.)",
        )
        if parameter.name in REGISTRIES[kind].supplied:
            continue
        hint = parameter.annotation
        require(hint is not inspect.Parameter.empty, f"{name}: the parameter '{parameter.name}' has no type hint")
        if isinstance(hint, str):
            try:
                hint = hint_of(constructor, parameter)
            except NameError as error:
                raise AssertionError(
                    f"{name}: the hint of '{parameter.name}' cannot be resolved at run time: {error}. Import what it "
                    "names outside of TYPE_CHECKING."
                ) from error
        require(_is_plain(hint), f"{name}: the hint of '{parameter.name}', {hint}, is not made of plain types")


def _is_plain(hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if nested_kind(hint) is not None:
        return True
    if origin in (Union, types.UnionType, list, tuple, dict):
        return all(argument is Ellipsis or _is_plain(argument) for argument in arguments)
    if origin is Literal:
        return True
    return hint is None or hint is Any or hint in PLAIN
