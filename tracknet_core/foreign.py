"""A class of another library, by its name and with options: for plugins that pass on what a library has."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from tracknet_core.errors import UserError, did_you_mean


def named_class(parameter: str, name: str, library: str, classes: Mapping[str, type]) -> type:
    """Return the class of that name.

    Args:
        parameter: where the name was given, for messages.
        name: what was asked for.
        library: whose classes these are, such as ``Lightning``.
        classes: what there is, by name.

    Raises:
        ValueError: there is no such class.
    """
    if name not in classes:
        names = sorted(classes)
        nearest = did_you_mean(name, names)
        raise ValueError(f"{parameter}={name!r} is unknown.{nearest} {library} has: {', '.join(names)}")
    return classes[name]


def make(cls: type, options: Mapping[str, Any]) -> Any:
    """Return an instance.

    Raises:
        ValueError: there is an option that its constructor does not take, or it refuses them.
        UserError: the package behind the class is not installed.
    """
    _check_options(cls, options)
    try:
        return cls(**options)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{cls.__name__} needs a package that is not installed: {error}. Install it with pip."
        ) from error
    except Exception as error:  # of libraries that have nothing to do with each other
        raise ValueError(f"{cls.__name__} refuses its options ({type(error).__name__}: {error})") from error


def _check_options(cls: type, options: Iterable[str]) -> None:
    parameters = inspect.signature(cls).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in options:
        if name not in parameters:
            raise ValueError(
                f"options: {cls.__name__} has no parameter '{name}'.{did_you_mean(name, parameters)} It accepts: "
                f"{', '.join(parameters)}"
            )
