"""What README and docs tell a reader to type works."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import catalogue
import pytest
import torch

from tracknet_core import cli
from tracknet_core.assembly import build_model
from tracknet_core.config import load_config
from tracknet_core.registry import NAMESPACE, losses
from tracknet_core.testing import check_backbone, check_constructor, check_loss
from tracknet_core.training.parts import build_module

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMAND = re.compile(r"^ *((?:python -m tracknet_core\.\w+|tracknet) [^\n]*)$", re.MULTILINE)
INDENTED = re.compile(r"^ {4}.*$", re.MULTILINE)
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


NAMES = {"my_backbone": "tiny", "my_loss": "huber"}
"""Files of the README to the parts in them."""


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [match[3] for match in FENCED.finditer(page.read_text(encoding="utf-8")) if match[2] == language]


def commands(page: Path) -> list[str]:
    """Return the lines that call tracknet, of blocks that are fenced or indented.

    Several may stand in one line, and one in several.
    """
    code = "\n".join([*blocks(page, "bash"), *INDENTED.findall(page.read_text(encoding="utf-8"))])
    code = re.sub(r"\\\n\s*", "", code)
    parts = [part.strip() for line in COMMAND.findall(code) for part in re.split(r" && | ; ", line)]
    # With words in capitals, such as NAME.yaml, or dots for more, it is the form of a command and no command.
    return [part for part in parts if not re.search(r"\b[A-Z]{4,}\b| …", part)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for command in cli.COMMANDS.values():
        monkeypatch.setattr(importlib.import_module(command.module), "guarded", lambda command: 0)
    for text in commands(page):
        words = shlex.split(text, comments=True)
        arguments = words[1:] if words[0] == "tracknet" else [words[2].removeprefix("tracknet_core."), *words[3:]]
        assert cli.main(arguments) == 0, text
        for word in arguments:
            if word.startswith(("experiments/", "benchmarks/")):
                assert Path(word).is_file(), text


def test_there_are_commands_to_check() -> None:
    assert len(commands(ROOT / "README.md")) > 8
    assert len(commands(ROOT / "docs" / "first_steps.md")) > 8


@pytest.fixture
def fresh_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test register these, and forget them after it."""
    for kind, name in (("backbones", "tiny"), ("losses", "huber"), ("losses", "my_loss")):
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, kind, name), None)
        monkeypatch.delitem(catalogue.REGISTRY, (NAMESPACE, kind, name))


@pytest.mark.usefixtures("fresh_names")
def test_the_plugin_of_the_readme_is_a_backbone() -> None:
    code = next(text for text in blocks(ROOT / "README.md", "python") if "@backbones.register" in text)
    namespace: dict[str, type] = {}
    exec(code, namespace)
    check_backbone(namespace["Tiny"](in_channels=9, width=8), in_channels=9, size=(64, 32))


@pytest.mark.usefixtures("fresh_names")
def test_the_parts_of_the_readme_train(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    for name in ("my_backbone", "my_loss"):
        (code,) = (text for text in blocks(page, "python") if f'register("{NAMES[name]}")' in text)
        (tmp_path / f"{name}.py").write_text(code)
        assert len(code[code.index("@") :].splitlines()) <= 15
    (experiment,) = (text for text in blocks(page, "yaml") if "my_loss.py" in text)
    path = tmp_path / "my_experiment.yaml"
    path.write_text(experiment)
    config = load_config(path, [])
    module = build_module(config, build_model(config))
    assert module.eval()(torch.zeros(1, 3, 3, 96, 96, dtype=torch.uint8)).shape[:2] == (1, 3)
    check_loss(losses.get("huber")())


@pytest.mark.usefixtures("fresh_names")
def test_the_loss_of_the_page_on_plugins_keeps_its_contract() -> None:
    (code,) = blocks(ROOT / "docs" / "plugins.md", "python")
    namespace: dict[str, type] = {}
    exec(code, namespace)
    check_constructor("losses", namespace["MyLoss"])
    check_loss(namespace["MyLoss"]())


@pytest.mark.usefixtures("fresh_names")
def test_the_parts_of_the_first_steps_train(tmp_path: Path) -> None:
    page = ROOT / "docs" / "first_steps.md"
    backbone, loss = blocks(page, "python")
    (tmp_path / "my_backbone.py").write_text(backbone)
    (tmp_path / "my_loss.py").write_text(loss)
    (experiment,) = blocks(page, "yaml")
    path = tmp_path / "my_experiment.yaml"
    path.write_text(experiment.replace("[./my_backbone.py]", "[./my_backbone.py, ./my_loss.py]"))

    config = load_config(path, ["training.loss=huber"])
    module = build_module(config, build_model(config))
    logits = module.eval()(torch.zeros(1, 3, 3, 96, 96, dtype=torch.uint8))
    assert logits.shape == (1, 3, 24, 24)
    check_loss(losses.get("huber")())
