"""Plugins that an experiment names."""

import sys
from collections.abc import Callable
from pathlib import Path

import catalogue
import pytest

from tracknet_core.config import load_config, parse_config
from tracknet_core.registry import NAMESPACE

Write = Callable[[str, str], Path]


PART = """\
from torch import nn
from tracknet_core.registry import losses

@losses.register("{name}")
class {name}(nn.Module):
    def __init__(self, *, power: float = 2.0) -> None:
        super().__init__()
"""


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Forget at the end of the test what a plugin registers as a loss."""

    def forget_later(name: str) -> None:
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "losses", name), None)
        monkeypatch.delitem(catalogue.REGISTRY, (NAMESPACE, "losses", name))

    return forget_later


def test_a_plugin_file_is_found_beside_the_experiment(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget("FileLoss")
    write("parts/mine.py", PART.format(name="FileLoss"))
    path = write("p.yaml", "plugins: [./parts/mine.py]\ndata: tiny\nmodel: tiny\ntraining: {loss: FileLoss}\n")
    monkeypatch.chdir("/")
    config = load_config(path, ["training.loss.power=3"])
    assert config.training.loss == {"name": "FileLoss", "power": 3.0}
    assert parse_config(config.as_dict()) == config


def test_a_plugin_may_be_a_module_of_the_path(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forget("ModuleLoss")
    write("some_plugin_module.py", PART.format(name="ModuleLoss"))
    monkeypatch.syspath_prepend(tmp_path)
    path = write("p.yaml", "plugins: [some_plugin_module]\ndata: tiny\nmodel: tiny\n")
    assert load_config(path, ["training.loss=ModuleLoss"]).training.loss["power"] == 2.0
    monkeypatch.delitem(sys.modules, "some_plugin_module")


def test_a_plugin_of_the_command_line_is_found_from_the_working_folder(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget("LineLoss")
    monkeypatch.chdir(write("work/mine_too.py", PART.format(name="LineLoss")).parent)
    config = load_config(experiment, ["plugins=[mine_too.py]", "training.loss=LineLoss"])
    assert config.training.loss["name"] == "LineLoss"


@pytest.mark.parametrize(
    ("plugins", "complaint"),
    [
        ("[no_such_module_at_all]", "'no_such_module_at_all' does not import: ModuleNotFoundError"),
        ("[./gone.py]", "gone.py: no such file."),
        ("[./broken.py]", "broken.py' does not import: ZeroDivisionError"),
        ("mine.py", "'mine.py' is not a list of modules or files"),
    ],
)
def test_a_plugin_that_does_not_import_is_named(
    plugins: str, complaint: str, experiment: Path, write: Write, faults: Callable[..., list[str]]
) -> None:
    write("broken.py", "1 / 0\n")
    (message,) = faults(write("p.yaml", f"plugins: {plugins}\ndata: tiny\nmodel: tiny\n"))
    assert message.startswith("plugins: ")
    assert complaint in message
