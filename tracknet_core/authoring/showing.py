"""What a component is: its parameters, what assembly gives it, its shapes, and how an experiment names it."""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_origin, get_type_hints

from tracknet_core.authoring.docstrings import Docstring, take_apart
from tracknet_core.authoring.listing import registry_of
from tracknet_core.config import SECTIONS, TrackerConfig, import_plugins
from tracknet_core.contracts import LearnedTracker, Tracker
from tracknet_core.registry import Registry
from tracknet_core.schema import KIND, describe_hint, hint_of, settable

WIDTH = 100
_CITED = re.compile(r"\(([^()]*\b(?:19|20)\d\d\b[^()]*)\)")
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")
_TAKEN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML may take for something else than text."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a constructor that a node of an experiment may set.

    Attributes:
        name: its name.
        accepts: in words, such as ``a whole number``.
        is_required: whether it has no default.
        default: what it is where nobody sets it; None if required.
        text: what the docstring says of it.
    """

    name: str
    accepts: str
    is_required: bool
    default: Any
    text: str


@dataclass(frozen=True)
class Facts:
    """All that is known of a component.

    Attributes:
        kind: its kind.
        name: what an experiment says.
        package: the distribution that brings it; None for one of a module or file.
        source: the module and the class or function.
        headline: first line of the docstring of its module.
        summary: first line of its own docstring.
        body: the rest of it, less the sections.
        parameters: what may be set.
        supplied: what assembly gives to it, and what the docstring says of that.
        raises: when it refuses, by the error.
        calls: what it is called with and gives, by method.
        papers: what its docstrings cite.
        snippets: what names it: YAML to paste, or an option of a command.
    """

    kind: str
    name: str
    package: str | None
    source: str
    headline: str
    summary: str
    body: str
    parameters: tuple[Parameter, ...]
    supplied: dict[str, str]
    raises: dict[str, str]
    calls: dict[str, str]
    papers: tuple[str, ...]
    snippets: tuple[str, ...]


def show_part(kind: str, name: str, plugins: Sequence[str] = ()) -> Facts:
    """Return all that is known of a component; its module is imported.

    Args:
        kind: its kind, such as ``backbones``.
        name: its name.
        plugins: modules and files to import first.

    Raises:
        RegistryError: there is no such kind, or no such component, or its package does not import.
        ConfigError: a module or file does not import.
    """
    registry = registry_of(kind)
    import_plugins(plugins)
    name = registry.today(name)
    component = registry.get(name)
    own = take_apart(component.__doc__)
    module = take_apart(sys.modules[component.__module__].__doc__)
    texts = documented_parameters(component)
    parameters = parameters_of(kind, component)
    called_with = inspect.signature(component).parameters
    return Facts(
        kind=kind,
        name=name,
        package=registry.distribution(name),
        source=f"{component.__module__}:{component.__qualname__}",
        headline=module.summary,
        summary=own.summary,
        body=own.body,
        parameters=parameters,
        supplied={key: texts.get(key, "") for key in called_with if key in registry.supplied},
        raises=own.entries("Raises"),
        calls=dict(_calls(registry, component)),
        papers=_papers(module, own),
        snippets=tuple(_snippets(registry, component, name, parameters)),
    )


def parameters_of(kind: str, component: Callable[..., Any], *, nested: bool = False) -> tuple[Parameter, ...]:
    """Return the parameters that a node of an experiment may set.

    Args:
        kind: kind of the component.
        component: its constructor.
        nested: whether the node is a parameter of another component, and so sets what assembly would supply.
    """
    texts = documented_parameters(component)
    return tuple(
        Parameter(
            name=key,
            accepts=describe_hint(hint_of(component, parameter)),
            is_required=parameter.default is inspect.Parameter.empty,
            default=None if parameter.default is inspect.Parameter.empty else parameter.default,
            text=texts.get(key, ""),
        )
        for key, parameter in settable(kind, component, nested=nested).items()
    )


def documented_parameters(component: Callable[..., Any]) -> dict[str, str]:
    """Return what the docstrings of a component, or of its constructor, say of its parameters."""
    constructor = take_apart(vars(component).get("__init__", component).__doc__)
    return {**constructor.entries("Args"), **take_apart(component.__doc__).entries("Args")}


def slots(kind: str) -> list[tuple[str, bool]]:
    """Return the settings of an experiment that take a component of a kind, and whether each is a list of them."""
    classes: list[tuple[str, type[Any]]] = [*SECTIONS.items(), ("model", TrackerConfig)]
    return [
        (f"{section}.{field.name}", get_origin(get_type_hints(cls)[field.name]) is list)
        for section, cls in classes
        for field in fields(cls)
        if field.metadata.get(KIND) == kind
    ]


def shown_text(facts: Facts) -> str:
    """Return the facts as a person reads them."""
    package = f"of the package '{facts.package}'" if facts.package else "of no package"
    said = "\n".join(line for line in dict.fromkeys((facts.headline, facts.summary)) if line)
    parts = [f"{facts.kind} {facts.name}, {package}: {facts.source}", said, facts.body]
    parts.append(_paragraph("parameters", (_parameter_line(parameter) for parameter in facts.parameters)))
    supplied = (f"{name}: {text}" if text else name for name, text in facts.supplied.items())
    parts.append(_paragraph("given by tracknet, not to be set", supplied))
    parts.append(_paragraph("called with and giving", (f"{name}: {text}" for name, text in facts.calls.items())))
    parts.append(_paragraph("refuses", (f"{name}: {text}" for name, text in facts.raises.items())))
    parts.append(_paragraph("papers", facts.papers))
    parts += [f"to use it\n{textwrap.indent(snippet, '    ')}" for snippet in facts.snippets]
    return "\n\n".join(part for part in parts if part)


def as_yaml(value: Any) -> str:
    """Return a value of a parameter as YAML has it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.casefold() not in _TAKEN:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _parameter_line(parameter: Parameter) -> str:
    default = "required" if parameter.is_required else f"default {as_yaml(parameter.default)}"
    text = f". {parameter.text}" if parameter.text else ""
    return f"{parameter.name}: {parameter.accepts}; {default}{text}"


def _paragraph(title: str, lines: Iterator[str] | Sequence[str]) -> str:
    wrapped = [textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="        ") for line in lines]
    return "\n".join([title, *wrapped]) if wrapped else ""


def _calls(registry: Registry, component: Any) -> Iterator[tuple[str, str]]:
    """Yield the methods of the contract with what the component says of them, or else the contract."""
    contract = registry.contract
    for name, method in vars(contract).items() if isinstance(component, type) and isinstance(contract, type) else ():
        if not inspect.isfunction(method) or (name.startswith("_") and name != "__call__"):
            continue
        text = _own_docstring(component, "forward" if name == "__call__" else name) or _own_docstring(component, name)
        said = take_apart(text or method.__doc__)
        arguments = [f"{key} {value}" for key, value in said.entries("Args").items()]
        gives = [f"Returns {said.text('Returns')}"] if "Returns" in said.sections else []
        yield name.strip("_"), " ".join([said.summary, *arguments, *gives])


def _own_docstring(component: type[Any], method: str) -> str | None:
    """Return what a component says of a method, or a base in its package does; torch and contracts do not count."""
    package = component.__module__.partition(".")[0]
    own = [cls for cls in component.__mro__ if method in vars(cls) and cls.__module__.partition(".")[0] == package]
    return vars(own[0])[method].__doc__ if own else None


def _papers(*docstrings: Docstring) -> tuple[str, ...]:
    whole = " ".join(f"{one.summary} {one.body}" for one in docstrings)
    return tuple(dict.fromkeys(" ".join(cited.split()) for cited in _CITED.findall(whole)))


def _snippets(
    registry: Registry, component: Callable[..., Any], name: str, parameters: Sequence[Parameter]
) -> Iterator[str]:
    if registry.option is not None:
        command, option = registry.option.split()
        required = "".join(f", {one.name}: …" for one in parameters if one.is_required)
        node = f"'{{name: {name}{required}}}'" if required else name
        yield f"tracknet {command} … {option} {node}"
    learns = isinstance(component, type) and issubclass(component, LearnedTracker)
    for slot, is_list in slots(registry.kind) if learns or registry.contract is not Tracker else ():
        *above, last = slot.split(".")
        lines = [f"{'  ' * depth}{step}:" for depth, step in enumerate([*above, last])]
        first, other = ("- ", "  ") if is_list else ("", "")
        indent = "  " * len(lines)
        lines.append(f"{indent}{first}name: {name}")
        for one in parameters:
            value = "???   # required" if one.is_required else as_yaml(one.default)
            lines.append(f"{indent}{other}{one.name}: {value}")
        yield "\n".join(lines)
