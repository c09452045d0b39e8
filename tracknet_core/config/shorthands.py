"""Settings that stand for a component, such as ``training.backbone_freeze_epochs: 2``.

Which there are is data (``experiments/shorthands.yaml``): so the core names no component, and what is installed
changes no setting's meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin, get_type_hints

from tracknet_core.config.sections import SECTIONS, plain
from tracknet_core.schema import Faults, Node, check_value


@dataclass(frozen=True)
class Shorthand:
    """What a setting stands for.

    Attributes:
        slot: the setting of the same section that the component goes into, or that lists it.
        name: of the component.
        parameter: the parameter that the value is for; None for a setting that holds all parameters.
    """

    slot: str
    name: str
    parameter: str | None = None


def expand_shorthands(tree: Mapping[str, Any], shorthands: Mapping[str, Shorthand], faults: Faults) -> dict[str, Any]:
    """Return a tree with components in the place of the settings that stand for them.

    Args:
        tree: sections by name.
        shorthands: what settings stand for, by their paths, such as ``data.preprocess.flip_prob``.
        faults: grows by a line for whatever is wrong.
    """
    expanded: dict[str, Any] = plain(tree)
    for path, shorthand in shorthands.items():
        *above, key = path.split(".")
        settings: Any = expanded
        for step in above:
            settings = settings.get(step) if isinstance(settings, dict) else None
        if isinstance(settings, dict) and key in settings:
            node = _component(settings.pop(key), shorthand, path, faults)
            if node:
                _place(expanded, above[0], shorthand.slot, node, path, faults)
    return expanded


def _component(value: Any, shorthand: Shorthand, path: str, faults: Faults) -> Node:
    """Return the component that a value stands for; an empty node for none."""
    if shorthand.parameter is not None:
        return {} if value is None else {"name": shorthand.name, shorthand.parameter: value}
    parameters = check_value(value, dict | bool | None, path, faults)
    if isinstance(parameters, dict):
        return {"name": shorthand.name, **parameters}
    return {"name": shorthand.name} if parameters is True else {}


def _place(tree: dict[str, Any], section: str, slot: str, node: Node, path: str, faults: Faults) -> None:
    """Put a component into a slot or a list, over one of the same name that is there."""
    present = tree[section].get(slot)
    if get_origin(get_type_hints(SECTIONS[section])[slot]) is list:
        if present is None or isinstance(present, list):  # the check of the section tells what is neither
            tree[section][slot] = _listed(present or [], node)
        return
    own = _as_node(present)
    if own.get("name", node["name"]) == node["name"]:
        tree[section][slot] = {**own, **node}
    else:
        faults.append(
            f"{path}: settings for '{node['name']}', but {slot} is '{own['name']}'. "
            f"Set {slot}.name to '{node['name']}', or remove these settings."
        )


def _listed(nodes: list[Any], node: Node) -> list[Any]:
    for i, other in enumerate(map(_as_node, nodes)):
        if other.get("name") == node["name"]:
            return [*nodes[:i], {**other, **node}, *nodes[i + 1 :]]
    return [*nodes, node]


def _as_node(value: Any) -> Node:
    return {"name": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
