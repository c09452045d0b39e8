"""HTML and SVG as a tree of elements: whatever text goes in is escaped when the tree is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

Node = Element | str

_STYLE = """
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1c1d20; --faint: #6a6d75; --line: #dcdde1;
  --first: #2563c9; --second: #b3560b; --third: #12805c; --bad: #c9252d; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191d; --ink: #e9e9ea; --faint: #9b9fa8; --line: #363940;
  --first: #6ea8ff; --second: #f0a04b; --third: #4cc79a; --bad: #ff6b6b; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; overflow-wrap: anywhere; }
h2 { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
p.rule, figcaption, .unit { color: var(--faint); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1rem; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
tr > :first-child { text-align: left; }
tbody th { font-weight: 400; }
td small { color: var(--faint); display: block; }
td.sure { font-weight: 700; }
td.long { text-align: left; white-space: normal; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--faint); }
figure { margin: 0; }
.grid { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
.grid img { width: 100%; border-radius: 4px; display: block; }
.key { display: inline-block; margin-right: 1.2rem; }
.key::before { content: ""; display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em;
  background: currentColor; }
.pair { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
.pair svg { width: 100%; height: auto; }
svg { display: block; font: 11px system-ui, sans-serif; }
svg text { fill: var(--faint); }
svg .grid-line { stroke: var(--line); fill: none; }
svg .curve { stroke: currentColor; stroke-width: 2; fill: none; stroke-linejoin: round; }
svg .truth { stroke: var(--faint); stroke-width: 1.5; fill: none; stroke-linejoin: round; }
svg .dots { stroke: currentColor; stroke-width: 4; stroke-linecap: round; fill: none; }
svg .crosses { stroke: currentColor; stroke-width: 1.5; fill: none; }
.first { color: var(--first); } .second { color: var(--second); } .third { color: var(--third); }
.bad { color: var(--bad); } .faint { color: var(--faint); }
"""


def element(tag: str, *children: Node, **attributes: str | float) -> Element:
    """Return an element with texts and elements in it.

    Args:
        tag: name of the element.
        *children: what is in it, in order.
        **attributes: of the element; ``class_`` is ``class``, and ``text_anchor`` is ``text-anchor``.
    """
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _text(value) for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return made


def page(title: str, children: Iterable[Element]) -> str:
    """Return a whole HTML page, which needs nothing beside itself."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", _STYLE),
    )
    root = element("html", head, element("body", *children), lang="en")
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[Node]]) -> Element:
    """Return a table that scrolls by itself where it is too wide; the first column names the rows.

    Args:
        header: names of the columns.
        rows: cells; a ``td`` stays what it is.
    """
    made = Element("table")
    SubElement(made, "thead").append(element("tr", *(element("th", name, scope="col") for name in header)))
    body = SubElement(made, "tbody")
    for name, *cells in rows:
        body.append(element("tr", element("th", name, scope="row"), *map(_cell, cells)))
    return element("div", made, class_="wide")


def _cell(content: Node) -> Element:
    return content if isinstance(content, Element) and content.tag == "td" else element("td", content)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
