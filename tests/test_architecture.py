"""The rules of `[tool.importlinter]` name every room that there is: `lint-imports` sees to the rest."""

import pkgutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tracknet_core
import tracknet_plugins

ROOT = Path(__file__).parent.parent
MAY_BE_USED = {"contracts", "drawing", "errors", "files", "labels", "progress", "registry", "video"}
"""What plugins may import of the core, as docs/architecture.md says."""


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        rules: list[dict[str, Any]] = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return rules


def test_what_plugins_may_not_import_is_all_of_the_core_but_what_they_may(rules: list[dict[str, Any]]) -> None:
    [rule] = [rule for rule in rules if rule.get("source_modules") == ["tracknet_plugins"]]
    others = {module.name for module in pkgutil.iter_modules(tracknet_core.__path__)} - MAY_BE_USED
    assert sorted(rule["forbidden_modules"]) == sorted(f"tracknet_core.{name}" for name in others)


def test_every_kind_of_plugins_is_independent_of_the_others(rules: list[dict[str, Any]]) -> None:
    [rule] = [rule for rule in rules if rule["type"] == "independence"]
    kinds = {module.name for module in pkgutil.iter_modules(tracknet_plugins.__path__)}
    assert sorted(rule["modules"]) == sorted(f"tracknet_plugins.{name}" for name in kinds)
