"""Write docs/zoo.md: what was measured here, and what others publish, which stand in no table together.

    python benchmarks/zoo.py compared/results.json … > docs/zoo.md

reads what ``tracknet compare`` wrote, and ``benchmarks/published.yaml``. Without a file of results it writes the
published numbers alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tracknet_core.evaluation.report.markdown import text_table

PUBLISHED = Path(__file__).with_name("published.yaml")

HEAD = """# Numbers side by side

`python benchmarks/zoo.py` writes this page, from what `tracknet compare` measured and from `benchmarks/published.yaml`.
Figures of different protocols, splits or times of training cannot be compared, so each table has one of each, and what
was measured here stands in no table with what others publish."""

NOTHING = "Nothing yet: `tracknet compare` writes the file that `python benchmarks/zoo.py` takes."


def measured(results: Sequence[Path]) -> Iterator[str]:
    """Yield the parts of the page that were measured here."""
    yield "## Measured here"
    if not results:
        yield NOTHING
    for path in results:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        header, *rows = found["table"]
        yield text_table(header, rows)
        front, *places = found["speed"]
        if places:
            yield text_table(front, places)
        yield "\n".join(f"- {text}" for text in found["said"])


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
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS.json")
    options = parser.parse_args(arguments)
    sys.stdout.write("\n\n".join([HEAD, *measured(options.results), *published()]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
