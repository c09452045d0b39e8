"""Settings that stand for a component."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracknet_core.config.sections import ModelConfig, Preprocess, TrainingConfig, plain
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Faults, Node


@dataclass(frozen=True)
class _Shorthand:
    """Settings in a section that stand for a component: by its name, or by its name and a parameter.

    ``model.fpn: {…}`` is the decoder ``{name: fpn, …}``; ``training.early_stopping: {…}`` a callback;
    ``data.preprocess.flip_prob: 0.5`` the transform ``{name: flip, prob: 0.5}``.
    """

    section: tuple[str, ...]
    settings: type[Any]
    kind: str
    slot: tuple[str, str]
    many: bool


_SHORTHANDS = (
    _Shorthand(("model",), ModelConfig, "decoders", ("model", "decoder"), many=False),
    _Shorthand(("training",), TrainingConfig, "callbacks", ("training", "callbacks"), many=True),
    _Shorthand(("data", "preprocess"), Preprocess, "transforms", ("data", "transforms"), many=True),
)


def expand_shorthands(tree: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """Return the tree with components in the place of the settings that stand for them."""
    expanded: dict[str, Any] = plain(tree)
    for shorthand in _SHORTHANDS:
        node: Any = expanded
        for key in shorthand.section:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            continue
        settings = {f.name for f in dataclasses.fields(shorthand.settings)}
        names = REGISTRIES[shorthand.kind].names()
        for key in [key for key in node if key not in settings]:
            short = _component_of(key, node[key], names)
            if short is not None:
                del node[key]
                holder, slot = shorthand.slot
                _place(expanded[holder], slot, shorthand.many, short, ".".join((*shorthand.section, key)), faults)
    return expanded


def _component_of(key: str, value: Any, names: list[str]) -> Node | None:
    if key in names:
        if value is None or value is False:
            return {}
        return {"name": key, **(value if isinstance(value, Mapping) else {})}
    owners = [name for name in names if key.startswith(f"{name}_")]
    if not owners:
        return None
    owner = max(owners, key=len)
    return {} if value is None else {"name": owner, key.removeprefix(f"{owner}_"): value}


def _place(holder: dict[str, Any], slot: str, many: bool, short: Node, path: str, faults: Faults) -> None:
    """Put a component into a slot or a list, over one of the same name that is there."""
    if not short:
        return
    present = holder.get(slot)
    if isinstance(present, list):
        for i, node in enumerate(present):
            if (node if isinstance(node, str) else node.get("name")) == short["name"]:
                present[i] = {**(node if isinstance(node, dict) else {}), **short}
                return
        present.append(short)
    elif isinstance(present, dict) and present.get("name", short["name"]) != short["name"]:
        faults.append(
            f"{path}: settings for '{short['name']}', but {slot} is '{present['name']}'. "
            f"Set {slot}.name to '{short['name']}', or remove these settings."
        )
    elif isinstance(present, dict):
        holder[slot] = {**present, **short}
    else:
        holder[slot] = [short] if many else short
