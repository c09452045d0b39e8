"""How the site is built: ``nox -s docs``, or ``sphinx-build -W docs OUTPUT``."""

from __future__ import annotations

import inspect
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from tracknet_core.registry import REGISTRIES, Registry

project = "tracknet"
author = "the tracknet authors"
project_copyright = "the tracknet authors, Apache-2.0"
release = metadata.version("tracknet")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinxcontrib.mermaid"]
html_theme = "furo"
html_title = f"tracknet {release}"
html_theme_options = {"source_edit_link": ""}

myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]  # so that a picture is one on the site and where the file is read as it is
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": False}
napoleon_use_rtype = False
napoleon_use_ivar = True
# Types of other libraries, and of annotations that only type checkers see, are no pages of this site.
nitpicky = False

COMPONENTS = Path(__file__).parent / "reference" / "components"
"""Written when the site is built, a page for each kind of component."""


def write_components(_: Sphinx) -> None:
    """Write a page for each kind of component, with all that are built in."""
    COMPONENTS.mkdir(exist_ok=True)
    for registry in REGISTRIES.values():
        page = COMPONENTS / f"{registry.kind}.md"
        text = _page(registry)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _page(registry: Registry) -> str:
    supplied = ", ".join(f"`{name}`" for name in sorted(registry.supplied)) or "nothing"
    lines = [
        f"# {registry.kind}",
        "",
        f"Entry points: `{registry.group}`. Supplied, and in no experiment: {supplied}.",
        "",
    ]
    for name in registry.names():
        component = registry.get(name)
        if not component.__module__.startswith("tracknet_plugins."):
            continue
        directive = "autoclass" if inspect.isclass(component) else "autofunction"
        target = f"{component.__module__}.{component.__qualname__}"
        lines += [f"## `{name}`", "", "```{eval-rst}", f".. {directive}:: {target}"]
        lines += ["   :no-members:", "```", ""] if directive == "autoclass" else ["```", ""]
    return "\n".join(lines)


def escape_stars(*arguments: Any) -> None:
    """Let stars in shapes, such as ``(B, K, *form)``, be stars; docstrings emphasise nothing."""
    lines: list[str] = arguments[-1]
    for number, line in enumerate(lines):
        parts = re.split(r"(``.+?``)", line)
        lines[number] = "".join(part if part.startswith("``") else part.replace("*", r"\*") for part in parts)


def setup(app: Sphinx) -> None:
    """Write the pages of components before Sphinx looks for pages; read docstrings as they are meant."""
    app.connect("builder-inited", write_components)
    app.connect("autodoc-process-docstring", escape_stars, priority=100)  # before napoleon, which makes fields
