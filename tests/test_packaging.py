"""Built-in components take the road of third-party packages: a decorator and an entry point, which must agree."""

import importlib
import pkgutil
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import catalogue
import pytest
from packaging.requirements import Requirement

import tracknet_plugins
from tracknet_core.registry import NAMESPACE, REGISTRIES, RENAMED

ROOT = Path(__file__).parent.parent
KINDS = sorted(REGISTRIES)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


@pytest.fixture(scope="module")
def decorated() -> dict[str, dict[str, Any]]:
    """What the decorators of the built-in modules register: the components of each kind, by name."""
    for module in pkgutil.walk_packages(tracknet_plugins.__path__, f"{tracknet_plugins.__name__}."):
        importlib.import_module(module.name)
    registered = {kind: catalogue.create(NAMESPACE, kind).get_all() for kind in KINDS}
    return {
        kind: {name: c for name, c in known.items() if c.__module__.startswith(f"{tracknet_plugins.__name__}.")}
        for kind, known in registered.items()
    }


def test_every_group_of_entry_points_is_a_kind_and_the_reverse(project: dict[str, Any]) -> None:
    assert set(project["entry-points"]) - {RENAMED} == {f"{NAMESPACE}_{kind}" for kind in KINDS}
    folders = {module.name for module in pkgutil.iter_modules(tracknet_plugins.__path__) if module.ispkg}
    assert folders == set(KINDS)


def test_every_dependency_has_a_bound_where_nobody_has_tried_further(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"].values()
    requirements = [Requirement(text) for text in [*project["dependencies"], *(r for extra in extras for r in extra)]]
    operators = {r.name: {specifier.operator for specifier in r.specifier} for r in requirements}
    assert [name for name, used in operators.items() if not used >= {">=", "<"}] == []


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_malicious_releases_are_excluded(project: dict[str, Any], version: str) -> None:
    (lightning,) = (r for r in map(Requirement, project["dependencies"]) if r.name == "lightning")
    assert version not in lightning.specifier
    assert "2.6.6" in lightning.specifier


@pytest.mark.parametrize("kind", KINDS)
def test_every_decorator_has_its_entry_point_and_the_reverse(
    kind: str, project: dict[str, Any], decorated: dict[str, dict[str, Any]]
) -> None:
    declared = project["entry-points"][f"{NAMESPACE}_{kind}"]
    assert declared == {
        name: f"{tracknet_plugins.__name__}.{kind}.{name}:{component.__qualname__}"
        for name, component in decorated[kind].items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_installed_entry_points_lead_to_the_decorated_components(
    kind: str, project: dict[str, Any], decorated: dict[str, dict[str, Any]]
) -> None:
    installed = {entry.name: entry for entry in entry_points(group=f"{NAMESPACE}_{kind}") if _is_ours(entry)}
    assert {name: entry.value for name, entry in installed.items()} == project["entry-points"][f"{NAMESPACE}_{kind}"]
    assert {name: entry.load() for name, entry in installed.items()} == decorated[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_component_lives_in_the_file_of_its_name(kind: str, decorated: dict[str, dict[str, Any]]) -> None:
    for name, component in decorated[kind].items():
        home = f"{tracknet_plugins.__name__}.{kind}.{name}"
        assert f"{component.__module__}.".startswith(f"{home}.")


def _is_ours(entry: Any) -> bool:
    return entry.dist is not None and entry.dist.name == "tracknet"
