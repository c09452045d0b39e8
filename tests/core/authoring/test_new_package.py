"""``tracknet new``: a package that passes as it is, for every kind."""

import inspect
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tracknet_core.authoring.checking import check_parts
from tracknet_core.authoring.new_package import new_package, templates
from tracknet_core.authoring.showing import show_part, slots
from tracknet_core.cli import main
from tracknet_core.config import load_config
from tracknet_core.errors import ConfigError, DataError, RegistryError
from tracknet_core.registry import NAMESPACE, REGISTRIES

Install = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path, install: Install) -> Callable[[str, str], Path]:
    """Make a package, and install it as pip would."""

    def make(kind: str, name: str) -> Path:
        folder = new_package(kind, name, tmp_path / "into")
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        source = {str(file.relative_to(folder / "src")): file.read_text() for file in folder.glob("src/*/*.py")}
        groups = {group.removeprefix(f"{NAMESPACE}_"): entry for group, entry in project["entry-points"].items()}
        install(project["name"], source, groups)
        return folder

    return make


@pytest.mark.parametrize("kind", templates())
def test_a_new_package_passes_as_it_is(kind: str, made: Callable[[str, str], Path], tmp_path: Path) -> None:
    folder = made(kind, "brand_new")
    [verdict] = check_parts(package="tracknet-brand-new")
    assert (verdict.kind, verdict.name, verdict.status, verdict.message) == (kind, "brand_new", "passed", "")
    facts = show_part(kind, "brand_new")
    assert [one.name for one in facts.parameters if not one.text] == []
    assert len(facts.headline) > 10
    tests = runpy.run_path(str(folder / "tests" / "test_brand_new.py"))
    for name, test in tests.items():
        if name.startswith("test_"):
            test(*([tmp_path / "own"] if "tmp_path" in inspect.signature(test).parameters else []))
    config = load_config(folder / "experiment.yaml").as_dict()
    for slot, is_list in slots(kind) if REGISTRIES[kind].option is None else ():
        section, key = slot.split(".")
        node = config[section][key]
        assert (node[0] if is_list else node)["name"] == "brand_new"


@pytest.fixture(autouse=True)
def own(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()


@pytest.mark.parametrize("name", ["My", "my-part", "2nd", "class", "_x", "a__b", ""])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name of a part"):
        new_package("losses", name, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="losses of that name are there already, of 'tracknet'"):
        new_package("losses", "mse", tmp_path)
    with pytest.raises(ConfigError, match="there is a package tracknet_core already"):
        new_package("losses", "core", tmp_path)
    with pytest.raises(RegistryError, match="Did you mean 'losses'"):
        new_package("loses", "fine", tmp_path)
    (tmp_path / "tracknet-fine").mkdir()
    (tmp_path / "tracknet-fine" / "mine.txt").touch()
    with pytest.raises(DataError, match="there is something already"):
        new_package("losses", "fine", tmp_path)


def test_the_command_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "trackers", "two_words", "--into", str(tmp_path)]) == 0
    folder = tmp_path / "tracknet-two-words"
    assert capsys.readouterr().out.startswith(f"{folder}\nNow: cd {folder} && pip install")
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == {
        "README.md",
        "experiment.yaml",
        "pyproject.toml",
        "src/tracknet_two_words/__init__.py",
        "src/tracknet_two_words/two_words.py",
        "tests/test_two_words.py",
    }
    assert "--tracker two_words" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_kind_without_a_template_is_told(tmp_path: Path) -> None:
    assert set(REGISTRIES) - set(templates()) == {"models"}
    with pytest.raises(ConfigError, match="models: there is no template for parts of this kind, only for datasets"):
        new_package("models", "mine", tmp_path)
