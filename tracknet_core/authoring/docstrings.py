"""Google docstrings, taken apart."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_HEADING = re.compile(r"([A-Z][A-Za-z]+):")
_ENTRY = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?: +(.*)")


@dataclass(frozen=True)
class Docstring:
    """What a docstring says.

    Attributes:
        summary: its first line.
        body: what stands between that and the first section, paragraphs parted by an empty line.
        sections: lines of ``Args``, ``Raises`` and so on, by heading.
    """

    summary: str = ""
    body: str = ""
    sections: dict[str, list[str]] = field(default_factory=dict)

    def entries(self, heading: str) -> dict[str, str]:
        """Return the texts of a section such as ``Args`` by name, each in one line; empty without that section."""
        found: dict[str, str] = {}
        last = ""
        for line in self.sections.get(heading, []):
            entry = None if line.startswith(" ") else _ENTRY.fullmatch(line)
            if entry is not None:
                last = entry[1]
                found[last] = entry[2]
            elif last:
                found[last] = f"{found[last]} {line.strip()}".strip()
        return found

    def text(self, heading: str) -> str:
        """Return a section in one paragraph."""
        return " ".join(line.strip() for line in self.sections.get(heading, [])).strip()


def take_apart(docstring: str | None) -> Docstring:
    """Return the parts of a docstring; empty ones where there is none."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    body: list[str] = []
    sections: dict[str, list[str]] = {}
    into = body
    for i, line in enumerate(lines[1:], start=1):
        heading = _HEADING.fullmatch(line)
        is_heading = heading is not None and lines[i + 1 : i + 2] != [] and lines[i + 1].startswith("  ")
        if heading is not None and is_heading:
            into = sections.setdefault(heading[1], [])
        elif into is body or line.startswith("  ") or not line:
            into.append(line if into is body else line[4:])
        else:
            into = body  # a paragraph after a section
            into += ["", line]
    return Docstring(lines[0] if lines else "", "\n".join(body).strip(), sections)
