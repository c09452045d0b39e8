"""The experiment file as JSON Schema, for editors and checkers: made of the sections and of what is installed.

It says what can be said of a file on its own. A node without a name changes one of a base, so it takes the parameters
of any component of its kind; nothing is required, since a base may bring it. What only the whole experiment shows
(parts that do not fit, files that are missing) is told by ``tracknet run --dry-run``.

The dialect is draft 7, which all editors know.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tracknet_core.authoring.docstrings import take_apart
from tracknet_core.authoring.listing import first_line
from tracknet_core.authoring.showing import documented_parameters
from tracknet_core.config import SECTIONS, Config, TrackerConfig, import_plugins, known_shorthands, shipped_folder
from tracknet_core.config.sections import SHARES, plain
from tracknet_core.errors import ConfigError, RegistryError
from tracknet_core.files import check_free, replace_text, writing
from tracknet_core.registry import REGISTRIES, Component
from tracknet_core.schema import KIND, RANGE, hint_of, nested_kind, settable

Schema = dict[str, Any]

TITLE = "tracknet"
REFERENCE = "reference"
_NOTHING: Schema = {"not": {}}
_TYPES: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    Path: "string",
    types.NoneType: "null",
    None: "null",
}


def experiment_schema(group: str | None = None, plugins: Sequence[str] = ()) -> tuple[Schema, list[str]]:
    """Return the schema of an experiment file, and a line for each component that could not be looked at.

    Args:
        group: the schema of a file of this group in its place, such as ``model``.
        plugins: modules and files to import first.

    Raises:
        ConfigError: there is no such group, or a module or file does not import.
    """
    if group is not None and group not in SECTIONS:
        raise ConfigError(f"--group {group}: no such group of files. It accepts: {', '.join(SECTIONS)}.")
    import_plugins(plugins)
    writer = _Writer()
    for section in SECTIONS:
        writer.definitions[section] = writer.section(section)
    # Beside a reference draft 7 sees nothing, so it stands in a list.
    body = _experiment() if group is None else {"title": f"{TITLE}: a file of {group}", "allOf": [_ref(group)]}
    head = {"$schema": "http://json-schema.org/draft-07/schema#"}
    schema: Schema = plain({**head, **body, "definitions": dict(sorted(writer.definitions.items()))})
    return schema, writer.notes


def write_schema(schema: Schema, target: Path) -> None:
    """Write a schema; an older one of tracknet is replaced, and no other file.

    Raises:
        DataError: another file is there, or none can be written.
    """
    if not _is_schema(target):
        check_free(target)
    with writing(target):
        replace_text(target, schema_text(schema) + "\n")


def schema_text(schema: Schema) -> str:
    """Return a schema as text."""
    return json.dumps(schema, indent=2, ensure_ascii=False)


def _is_schema(target: Path) -> bool:
    try:
        title = json.loads(target.read_text(encoding="utf-8"))["title"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return isinstance(title, str) and title.startswith(TITLE)


def _experiment() -> Schema:
    texts = {
        "data": "The data set, and how windows are made of it.",
        "model": "The parts of the network, or a tracker that learns.",
        "training": "How it is trained.",
    }
    properties: dict[str, Schema] = {
        section: {
            "description": f"{text} A mapping, or the name of a file {section}/NAME.yaml.",
            "anyOf": [_named(_group_names(section)), _ref(section)],
        }
        for section, text in texts.items()
    }
    plugins = take_apart(Config.__doc__).entries("Attributes").get("plugins", "Modules, and files ./my_part.py.")
    properties["plugins"] = {"description": plugins, "type": "array", "items": {"type": "string"}}
    return {
        "title": f"{TITLE}: an experiment",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


class _Writer:
    """Collects the definitions that others refer to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {
            REFERENCE: {
                "description": "Another setting, ${section.setting}, or ??? for one that the command line must give.",
                "type": "string",
                "pattern": r"\$\{.+\}|^\?\?\?$",
            }
        }
        self.notes: list[str] = []

    def section(self, section: str) -> Schema:
        """Return what a section is as a mapping."""
        schema = self._dataclass(SECTIONS[section])
        for path, shorthand in known_shorthands().items():
            root, *above, key = path.split(".")
            if root != section:
                continue
            place = schema
            for step in above:
                place = place["properties"][step]["anyOf"][0]
            kind = next(f.metadata[KIND] for f in fields(SECTIONS[section]) if f.name == shorthand.slot)
            place["properties"][key] = self._shorthand(kind, shorthand.name, shorthand.parameter)
        if section == "model":
            schema = {"if": {"required": ["tracker"]}, "then": self._dataclass(TrackerConfig), "else": schema}
        for part in (schema, schema.get("then", {}), schema.get("else", {})):
            if "properties" in part:
                text = f"The file {section}/NAME.yaml that the section starts from."
                part["properties"]["base"] = {"description": text, **_named(_group_names(section))}
        return {"type": "object", **schema}

    def _dataclass(self, cls: type[Any]) -> Schema:
        hints, texts = get_type_hints(cls), take_apart(cls.__doc__).entries("Attributes")
        properties = {field.name: self._field(field, hints[field.name]) for field in fields(cls)}
        for name, text in texts.items():
            properties[name] = {"description": text, **properties[name]}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def _field(self, field: Field[Any], hint: Any) -> Schema:
        default = {} if field.default is MISSING else {"default": field.default}
        kind = field.metadata.get(KIND)
        if kind is not None:
            node = self._nodes(kind, list if get_origin(hint) is list else None, nested=False)
            optional = [{"type": "null"}] if types.NoneType in get_args(hint) else []
            return {"anyOf": [*node["anyOf"], *optional]}
        if is_dataclass(hint) and isinstance(hint, type):
            return _or_reference(self._dataclass(hint))
        schema = self._value(hint)
        if RANGE in field.metadata:
            schema = _within(schema, *field.metadata[RANGE])
        if field.name in SHARES:
            schema = _within(schema, 0, 1, only="number")
        return {**default, **schema}

    def _shorthand(self, kind: str, name: str, parameter: str | None) -> Schema:
        self._nodes(kind, None, nested=False)
        properties = self.definitions.get(f"{kind}.{name}", {}).get("properties", {})
        text = f"Short for a part '{name}' of kind {kind}."
        if parameter is not None:
            return {"description": text, "anyOf": [properties.get(parameter, {}), {"type": "null"}]}
        own = {key: value for key, value in properties.items() if key != "name"}
        mapping = {"type": "object", "properties": own, "additionalProperties": False}
        return {"description": text, "anyOf": [mapping, {"type": ["boolean", "null"]}]}

    def _value(self, hint: Any) -> Schema:
        """Return what a hint accepts, or a reference to another setting."""
        kind = nested_kind(hint)
        if kind is not None:
            return self._nodes(kind, get_origin(hint), nested=True)
        return _or_reference(self._plain(hint))

    def _plain(self, hint: Any) -> Schema:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self._plain(option) for option in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is tuple and arguments[1:] != (Ellipsis,):
            items = [self._value(argument) for argument in arguments]
            return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}
        if origin in (list, tuple, Sequence):
            return {"type": "array", "items": self._value(arguments[0])}
        if origin is dict or hint is dict:
            return {"type": "object", "additionalProperties": self._value(arguments[1]) if arguments else {}}
        return {"type": _TYPES[hint]} if hint in _TYPES else {}

    def _nodes(self, kind: str, form: type[Any] | None, *, nested: bool) -> Schema:
        """Return a node or, where ``form`` is list or dict, a list of nodes or nodes by name."""
        node = self._node(kind, nested=nested)
        if form is list:
            return _or_reference({"type": "array", "items": node})
        if form is dict:
            return _or_reference({"type": "object", "additionalProperties": node})
        return {"anyOf": [node]}

    def _node(self, kind: str, *, nested: bool) -> Schema:
        """Return a reference to what a node of a kind is."""
        key = f"nested {kind}" if nested else kind
        if key not in self.definitions:
            self.definitions[key] = {}  # a component may nest its own kind
            self.definitions[key] = self._any_of_kind(kind, key, nested=nested)
        return _ref(key)

    def _any_of_kind(self, kind: str, key: str, *, nested: bool) -> Schema:
        earlier = [name for name in REGISTRIES[kind].earlier() if REGISTRIES[kind].today(name) != name]
        names = [*REGISTRIES[kind].names(), *earlier]
        merged: dict[str, list[Schema]] = {}
        for name in names:
            part = self._component(kind, name, nested=nested)
            self.definitions[f"{key}.{name}"] = part
            for parameter, schema in part.get("properties", {}).items():
                known = merged.setdefault(parameter, [])
                known += [schema] if schema not in known else []
        properties = {name: {"anyOf": schemas} for name, schemas in merged.items() if name != "name"}
        is_open = any("properties" not in self.definitions[f"{key}.{name}"] for name in names)
        named = [{"if": _has_name(name), "then": _ref(f"{key}.{name}")} for name in names]
        unnamed = {
            "if": {"not": {"required": ["name"]}},
            "then": {"properties": properties, **({} if is_open else {"additionalProperties": False})},
        }
        chosen = {"anyOf": [{"enum": names}, _ref(REFERENCE)]}
        mapping = {"type": "object", "properties": {"name": chosen}, "allOf": [*named, unnamed]}
        return {"anyOf": [{"enum": names}, _ref(REFERENCE), mapping]}

    def _component(self, kind: str, name: str, *, nested: bool) -> Schema:
        registry = REGISTRIES[kind]
        try:
            component = registry.get(registry.today(name))
        except RegistryError as error:
            self.notes.append(str(error))
            return {"description": "It cannot be imported here, so nothing is known of its parameters."}
        texts = documented_parameters(component)
        properties: dict[str, Schema] = {"name": {"const": name}}
        for key, parameter in settable(kind, component, nested=nested).items():
            schema = self._parameter(component, parameter)
            text = {"description": texts[key]} if key in texts else {}
            default = {} if parameter.default is inspect.Parameter.empty else {"default": parameter.default}
            properties[key] = {**text, **default, **schema}
        now = registry.today(name)
        for old in registry.earlier(now):
            said = {"description": f"Is called '{registry.today(now, old)}' now.", "deprecated": True}
            properties[old] = {**properties.get(registry.today(now, old), {}), **said}
        described = {"description": first_line(component.__doc__)} if component.__doc__ else {}
        return {**described, "type": "object", "properties": properties, "additionalProperties": False}

    def _parameter(self, component: Component, parameter: inspect.Parameter) -> Schema:
        try:
            hint = hint_of(component, parameter)
        except NameError:  # of what assembly supplies, which nobody can write into a file
            return _NOTHING
        return _NOTHING if hint is inspect.Parameter.empty else self._value(hint)


def _ref(definition: str) -> Schema:
    return {"$ref": f"#/definitions/{definition.replace('~', '~0').replace('/', '~1').replace(' ', '%20')}"}


def _or_reference(schema: Schema) -> Schema:
    return {"anyOf": [*_options(schema), _ref(REFERENCE)]}


def _options(schema: Schema) -> list[Schema]:
    return schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]


def _named(names: Iterable[str]) -> Schema:
    """Return a text, of which some are known."""
    return {"anyOf": [{"enum": sorted(names)}, {"type": "string"}]}


def _has_name(name: str) -> Schema:
    return {"properties": {"name": {"const": name}}, "required": ["name"]}


def _group_names(section: str) -> list[str]:
    return [file.stem for file in (shipped_folder() / section).glob("*.yaml")]


def _within(schema: Schema, least: float, most: float | None, only: str | None = None) -> Schema:
    """Return a schema whose numbers, or those of its lists and mappings, are in a range."""
    changed = {
        key: [_within(part, least, most, only) for part in value]
        if isinstance(value, list) and key in _INNER
        else _within(value, least, most, only)
        if key in _INNER and isinstance(value, dict)
        else value
        for key, value in schema.items()
    }
    if schema.get("type") in ([only] if only else ["integer", "number"]):
        changed["minimum"] = least
        if most is not None:
            changed["maximum"] = most
    return changed


_INNER = ("anyOf", "items", "additionalProperties")
