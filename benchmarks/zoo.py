"""Write docs/zoo.md: what was measured here, and what others publish, which stand in no table together.

    python benchmarks/zoo.py > docs/zoo.md

reads ``benchmarks/compared/*.md``, each the ``table.md`` that ``tracknet compare`` wrote, and
``benchmarks/published.yaml``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tracknet_core.comparing.comparing import TITLE
from tracknet_core.evaluation.report.markdown import text_table

COMPARED = Path(__file__).with_name("compared")
PUBLISHED = Path(__file__).with_name("published.yaml")

HEAD = """# Numbers side by side

`python benchmarks/zoo.py` writes this page, from the tables of `tracknet compare` in `benchmarks/compared` and from
`benchmarks/published.yaml`.
Figures of different protocols, splits or times of training cannot be compared, so each table has one of each, and what
was measured here stands in no table with what others publish."""


def measured(tables: Sequence[Path]) -> Iterator[str]:
    """Yield the parts of the page that were measured here.

    Raises:
        ValueError: a file is no table of ``tracknet compare``.
    """
    yield "## Measured here"
    for path in tables:
        text = path.read_text(encoding="utf-8")
        if not text.startswith(f"{TITLE}\n"):
            raise ValueError(f"{path}: this is no table.md of tracknet compare, which begins with {TITLE!r}.")
        yield f"### {path.stem.replace('_', ' ').capitalize()}"
        yield text.removeprefix(TITLE).strip().replace("\n## ", "\n#### ")


def published() -> Iterator[str]:
    """Yield the parts of the page that others measured."""
    yield "## Published by others"
    entries: Any = OmegaConf.to_container(OmegaConf.load(PUBLISHED))
    for entry in entries:
        yield f"### {entry['title']}"
        yield f"Protocol `{entry['protocol']}`. {entry['source']}." if is_name(entry) else f"{entry['source']}."
        yield entry["conditions"] if is_name(entry) else f"Protocol: {entry['protocol']}. {entry['conditions']}"
        if entry["rows"]:
            yield text_table(["", *entry["columns"]], [[name, *cells] for name, cells in entry["rows"].items()])
        yield f"Missing to check it here: {entry['missing']}"
        if entry["commands"]:
            yield "\n".join(["What would check it:", "", "```bash", *entry["commands"], "```"])


def is_name(entry: dict[str, Any]) -> bool:
    """Return whether the protocol is one of tracknet, by its name."""
    return " " not in entry["protocol"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page to standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args(arguments)
    parts = [HEAD, *measured(sorted(COMPARED.glob("*.md"))), *published()]
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
