"""Names are an interface: ``names.txt`` holds those of all parts, parameters and settings, so that a change is seen.

``python tests/test_names.py`` writes it anew. What is renamed is declared, as CONTRIBUTING.md says.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from tracknet_core.authoring.showing import as_yaml, parameters_of
from tracknet_core.config import SECTIONS, TrackerConfig, known_shorthands
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import KIND, describe_hint

NAMES = Path(__file__).with_name("names.txt")


def names() -> str:
    """Return a line for each setting, part and parameter, with what it accepts and its default."""
    lines = [line for section, cls in SECTIONS.items() for line in settings(section, cls)]
    lines += settings("model", TrackerConfig)
    lines += [f"{path}: short for {one.name}" for path, one in known_shorthands().items()]
    for kind, registry in REGISTRIES.items():
        lines += [
            line for name in registry.names() if registry.distribution(name) == "tracknet" for line in part(kind, name)
        ]
    return "\n".join(lines) + "\n"


def settings(path: str, cls: type[Any]) -> Iterator[str]:
    hints = get_type_hints(cls)
    for field in fields(cls):
        hint = hints[field.name]
        if is_dataclass(hint) and isinstance(hint, type):
            yield from settings(f"{path}.{field.name}", hint)
        else:
            accepts = field.metadata[KIND] if KIND in field.metadata else describe_hint(hint)
            default = "" if field.default is MISSING else f" = {as_yaml(field.default)}"
            yield f"{path}.{field.name}: {accepts}{default}"


def part(kind: str, name: str) -> Iterator[str]:
    yield f"{kind} {name}"
    for one in parameters_of(kind, REGISTRIES[kind].get(name)):
        yield f"{kind} {name}.{one.name}: {one.accepts}" + ("" if one.is_required else f" = {as_yaml(one.default)}")


def test_names_are_those_that_review_has_seen() -> None:
    now, seen = names().splitlines(), NAMES.read_text(encoding="utf-8").splitlines()
    new, gone = [line for line in now if line not in seen], [line for line in seen if line not in now]
    assert (new, gone) == ([], []), "declare what was renamed (CONTRIBUTING.md), then run: python tests/test_names.py"
    assert now == seen


if __name__ == "__main__":
    NAMES.write_text(names(), encoding="utf-8")
