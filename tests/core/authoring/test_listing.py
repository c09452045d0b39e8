"""``tracknet list``: what is installed, and nothing of it imported."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracknet_core.authoring.listing import Part, list_parts, listed_text
from tracknet_core.cli import main
from tracknet_core.errors import RegistryError

Install = Callable[..., Path]

MODULE = '''\
"""Parts of a stranger."""
raise OSError("this module must stay closed")

@losses.register("huber")
class Huber(nn.Module):
    """The loss of Huber's estimator.

    Args:
        delta: where it becomes linear.
    """

@losses.register("silent")
class Silent: pass

def made(*, size: dict[str, int] | None = None, name: str = ":") -> Loss:
    r"""Return a loss."""
'''


def test_a_part_of_a_stranger_is_told_by_its_package_and_its_docstring(install: Install) -> None:
    entries = {"huber": "strange.parts:Huber", "silent": "strange.parts:Silent", "made": "strange.parts:made"}
    install("strange", {"strange/__init__.py": "1 / 0", "strange/parts.py": MODULE}, {"losses": entries})
    found = {part.name: part for part in list_parts("losses") if part.package == "strange"}
    assert found["huber"] == Part(
        "losses", "huber", "strange", "2.5", "strange.parts:Huber", "The loss of Huber's estimator."
    )
    assert found["made"].summary == "Return a loss."
    assert found["silent"].summary == "Parts of a stranger."
    assert not {name for name in sys.modules if name.startswith("strange")}


def test_a_file_with_the_name_of_its_part_speaks_for_it(install: Install) -> None:
    text = '# Ours.\n"""A loss in a file of its own.\n\nMore of it.\n"""\nclass Own:\n    """Another sentence."""\n'
    install("strange", {"strange/own.py": text}, {"losses": {"own": "strange.own:Own"}})
    [part] = [part for part in list_parts("losses") if part.name == "own"]
    assert part.summary == "A loss in a file of its own."


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ("nowhere.at.all:Loss", {}),
        ("strange:Loss", {"strange.py": "class Loss: ..."}),
        ("strange:Loss", {"strange.py": 'class Loss:\n    """never closed'}),
        ("strange.deep:Loss", {"strange.py": ""}),
    ],
)
def test_a_part_without_a_word_is_listed_all_the_same(value: str, files: dict[str, str], install: Install) -> None:
    install("strange", files, {"losses": {"strange_one": value}})
    [part] = [part for part in list_parts("losses") if part.name == "strange_one"]
    assert (part.package, part.summary) == ("strange", "")


def test_two_packages_that_claim_a_name_are_both_listed(install: Install) -> None:
    install("one", {}, {"losses": {"twice": "one:Loss"}})
    install("other", {}, {"losses": {"twice": "other:Loss"}})
    assert [part.package for part in list_parts("losses") if part.name == "twice"] == ["one", "other"]


def test_a_part_of_a_file_has_no_package(install: Install) -> None:
    text = "from tracknet_core.registry import losses\n\n@losses.register('filed')\nclass Filed: '''Of a file.'''\n"
    folder = install("none", {"filed.py": text}, {})
    [part] = [part for part in list_parts("losses", [str(folder / "filed.py")]) if part.name == "filed"]
    assert part == Part("losses", "filed", None, None, "tracknet_plugin_filed:Filed", "Of a file.")


def test_every_part_of_tracknet_says_what_it_is() -> None:
    parts = list_parts()
    assert [part.name for part in parts if part.package == "tracknet" and len(part.summary) < 5] == []
    assert len({part.kind for part in parts}) == 19
    inputs = [part.name for part in parts if part.kind == "inputs"]
    assert inputs == ["background", "differences", "motion_maps", "per_frame", "stack"]


def test_text_is_a_paragraph_for_each_kind() -> None:
    parts = [
        Part("heads", "one", "ours", "1.0", "a:B", "The first."),
        Part("heads", "second", None, None, "a:C", ""),
        Part("losses", "mse", "tracknet", "0.1.0", "a:D", "Squared."),
    ]
    assert listed_text(parts).splitlines() == [
        "heads",
        "  one     ours 1.0        The first.",
        "  second  no package",
        "",
        "losses",
        "  mse     tracknet 0.1.0  Squared.",
    ]
    assert listed_text([]) == ""


def test_a_kind_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(RegistryError, match=r"called 'backbone'. Did you mean 'backbones'\? Known: datasets, "):
        list_parts("backbone")


def test_the_command_gives_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "mergers"]) == 0
    assert capsys.readouterr().out == listed_text(list_parts("mergers")) + "\n"
    assert main(["list", "mergers", "--json"]) == 0
    assert [part["name"] for part in json.loads(capsys.readouterr().out)] == ["mean", "none", "pool", "triangular"]
    assert main(["list", "mergres"]) == 2
    assert capsys.readouterr().err.startswith("error: no kind of component is called 'mergres'. Did you mean 'mergers'")


def test_listing_imports_no_component_and_nothing_that_takes_long() -> None:
    code = (
        "import sys; from tracknet_core.cli import main; main(['list']); "
        "heavy = sys.modules.keys() & {'torch', 'lightning', 'timm', 'av', 'omegaconf', 'rich', 'tracknet_plugins'}; "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
