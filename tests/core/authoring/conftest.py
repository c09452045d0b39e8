"""Distributions that bring components, as pip would leave them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import catalogue
import pytest

from tracknet_core.registry import NAMESPACE

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution: its files, and the metadata beside them; what was imported of it is forgotten."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_distribution(name: str, files: dict[str, str], groups: dict[str, dict[str, str]]) -> Path:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        metadata = tmp_path / f"{name.replace('-', '_')}-2.5.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n", encoding="utf-8")
        lines = [
            line
            for kind, entries in groups.items()
            for line in (f"[{NAMESPACE}_{kind}]", *(f"{key} = {value}" for key, value in entries.items()))
        ]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    yield install_distribution
    modules = sys.modules.items()
    own = {name for name, module in modules if (getattr(module, "__file__", None) or "").startswith(str(tmp_path))}
    for key, component in list(catalogue.REGISTRY.items()):
        if getattr(component, "__module__", None) in own:
            del catalogue.REGISTRY[key]
    for name in own:
        del sys.modules[name]
