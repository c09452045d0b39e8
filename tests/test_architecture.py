"""Every room has its place in the rules of `[tool.importlinter]` and in the docs: `lint-imports` sees to the rest."""

import ast
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tracknet_core
import tracknet_plugins
from tracknet_core.doors import COMMANDS

ROOT = Path(__file__).parent.parent
MAY_BE_USED = {
    "background",
    "clips",
    "contracts",
    "drawing",
    "errors",
    "files",
    "foreign",
    "frame_cache",
    "frame_views",
    "labels",
    "layers",
    "luma",
    "progress",
    "published",
    "registry",
    "row_file",
    "video",
}
"""What plugins may import of the core, as docs/architecture.md says."""
KERNEL = (
    "errors",
    "contracts",
    "registry",
    "schema",
    "components",
    "config",
    "model",
    "checkpoint",
    "assembly",
    "loading",
)
DOORS = sorted({"cli.py", *(f"{command.module.partition('.')[2]}.py" for command in COMMANDS.values())})
"""Commands, and the script that holds them together."""
ROOMS = sorted(module.name for module in pkgutil.iter_modules(tracknet_core.__path__))


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        rules: list[dict[str, Any]] = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return rules


def test_what_plugins_may_not_import_is_all_of_the_core_but_what_they_may(rules: list[dict[str, Any]]) -> None:
    [rule] = [rule for rule in rules if rule.get("source_modules") == ["tracknet_plugins"]]
    others = {*ROOMS} - MAY_BE_USED
    assert sorted(rule["forbidden_modules"]) == sorted(f"tracknet_core.{name}" for name in others)


def test_every_kind_of_plugins_is_independent_of_the_others(rules: list[dict[str, Any]]) -> None:
    [rule] = [rule for rule in rules if rule["type"] == "independence"]
    kinds = {module.name for module in pkgutil.iter_modules(tracknet_plugins.__path__)}
    assert sorted(rule["modules"]) == sorted(f"tracknet_plugins.{name}" for name in kinds)


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_on_the_architecture_names_every_room(room: str) -> None:
    assert f"`{room}`" in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def kernel() -> dict[Path, str]:
    core = ROOT / "tracknet_core"
    files = [file for room in KERNEL for file in [*core.glob(f"{room}.py"), *core.glob(f"{room}/*.py")]]
    return {file: file.read_text(encoding="utf-8") for file in files}


def test_the_kernel_is_no_longer_than_contributing_says() -> None:
    [most] = re.findall(r"at most ([\d,]+) lines", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    lines = sum(len(text.splitlines()) for text in kernel().values())
    assert lines <= int(most.replace(",", ""))


def test_the_kernel_does_without_lightning_which_is_the_wing_trainings() -> None:
    assert [file.name for file, text in kernel().items() if re.search(r"^(?:from|import) lightning", text, re.M)] == []


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_short_and_leaves_the_work_to_its_wing(door: str) -> None:
    text = (ROOT / "tracknet_core" / door).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    # The script imports what a command names; a command imports its wing, once.
    commands = max(1, sum(f"tracknet_core.{Path(door).stem}" == command.module for command in COMMANDS.values()))
    assert len(re.findall(r"^    +(?:from|import) ", text, re.MULTILINE)) <= commands


def test_only_doors_know_of_stdout_and_of_the_command_line() -> None:
    core = ROOT / "tracknet_core"
    knowing = {
        str(file.relative_to(core))
        for file in core.rglob("*.py")
        if re.search(r"sys\.(?:stdout|argv|exit)\b|^import argparse", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert knowing == {*DOORS, "options.py"}


def chosen(node: ast.AST) -> list[ast.expr | None]:
    """What code takes unless somebody says otherwise, what it calls ``name``, and what it compares with."""
    match node:
        case ast.arguments():
            return [*node.defaults, *node.kw_defaults]
        case ast.AnnAssign() | ast.keyword(arg="default"):
            return [node.value]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            named = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "name"]
            return [part for value in named for part in ast.walk(value) if isinstance(part, ast.expr)]
        case ast.Compare():
            return [node.left, *node.comparators]
        case _:
            return []


def test_the_core_chooses_no_component_and_asks_for_none_by_name() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        groups = tomllib.load(file)["project"]["entry-points"]
    names = {name for entries in groups.values() for name in entries}
    found = [
        f"{file.relative_to(ROOT)}:{value.lineno}: {value.value}"
        for file in (ROOT / "tracknet_core").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for value in chosen(node)
        if isinstance(value, ast.Constant) and value.value in names
    ]
    assert found == []
