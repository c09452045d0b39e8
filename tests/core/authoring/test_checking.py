"""``tracknet check``: the conformance kit on what is installed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tracknet_core.authoring.checking import CHECKS, Verdict, check_parts, part_of_words
from tracknet_core.cli import main
from tracknet_core.errors import ConfigError, RegistryError
from tracknet_core.registry import REGISTRIES

Install = Callable[..., Path]

QUICK = {
    "transforms": ["flip", "mixup", "cutout"],
    "inputs": ["stack", "background"],
    "backbones": ["vgg"],
    "decoders": ["fpn", "select"],
    "heads": ["heatmap", "sides"],
    "codecs": ["gaussian", "sides", "offsets", "blob"],
    "losses": ["mse", "grid", "cross_entropy"],
    "optimizers": ["adamw"],
    "schedulers": ["cosine"],
    "protocols": ["wasb", "pck", "streak"],
    "mergers": ["pool", "mean"],
    "trackers": ["kalman", "none"],
    "writers": ["jsonl"],
    "formats": ["torchscript"],
    "callbacks": ["lr_monitor"],
}

STRANGE = """\
import torch
from torch import nn
from tracknet_core.contracts import Cost, FeatureSpec, PLAIN
from tracknet_core.errors import UserError


class Honest(nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits, target):
        error = (logits.sigmoid() - target.values).square().flatten(2).mean(-1)
        return Cost((error * target.weight).sum(), target.weight.sum())


class Mean(Honest):
    def forward(self, logits, target):
        return Cost((logits.sigmoid() - target.values).square().mean(), torch.ones(()))


class Positional(Honest):
    def __init__(self, weight: float) -> None:
        super().__init__()


class Demanding(Honest):
    def __init__(self, *, weight: float) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight: {weight} is negative.")


class Foreign(Honest):
    forms = ("a form of nobody",)


class Broken(Honest):
    def forward(self, logits, target):
        raise ZeroDivisionError("a fault in the program")


class Elsewhere(Honest):
    def __init__(self) -> None:
        raise UserError("needs a package: pip install elsewhere")
"""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in QUICK.items() for name in names])
def test_parts_of_tracknet_pass(kind: str, name: str) -> None:
    [verdict] = check_parts(kind, name)
    remark = "changes the pictures of a window each in its own way" if name == "cutout" else ""
    assert verdict == Verdict(kind, name, "tracknet", "passed", remark)


def test_every_kind_has_a_check() -> None:
    assert CHECKS.keys() == REGISTRIES.keys()


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("Honest", "passed", ""),
        ("Mean", "failed", "the total of a batch is not the sum of those of its parts"),
        ("Positional", "failed", "all are keyword-only"),
        ("Demanding", "skipped", "needs weight: tracknet check losses demanding weight=…"),
        ("Foreign", "skipped", "needs a codec that gives answers of the form 'a form of nobody'"),
        ("Broken", "failed", "ZeroDivisionError: a fault in the program"),
        ("Elsewhere", "skipped", "needs a package: pip install elsewhere"),
        ("Missing", "failed", "whose module 'strange' does not import"),
    ],
)
def test_parts_of_a_stranger(name: str, status: str, message: str, install: Install) -> None:
    install("strange", {"strange.py": STRANGE}, {"losses": {name.lower(): f"strange:{name}"}})
    [verdict] = check_parts(package="strange")
    assert (verdict.status, verdict.package) == (status, "strange")
    assert message in verdict.message


@pytest.mark.parametrize(("weight", "status", "said"), [("1", "passed", ""), ("-1", "failed", "is negative")])
def test_what_a_part_needs_can_be_given(weight: str, status: str, said: str, install: Install) -> None:
    install("strange", {"strange.py": STRANGE}, {"losses": {"demanding": "strange:Demanding"}})
    kind, name, parameters = part_of_words(["losses", "demanding", f"weight={weight}"])
    [verdict] = check_parts(kind, name, None, parameters)
    assert verdict.status == status
    assert said in verdict.message


def test_a_dataset_is_checked_where_its_data_are(tmp_path: Path) -> None:
    [verdict] = check_parts("datasets", "tennis")
    assert (verdict.status, verdict.message) == (
        "skipped",
        "needs its data: tracknet check datasets tennis root=/path/to/data",
    )
    [verdict] = check_parts("datasets", "tennis", parameters={"root": tmp_path / "nowhere"})
    assert verdict.status != "passed"
    assert "nowhere" in verdict.message
    [verdict] = check_parts("datasets", "synthetic", parameters={"rallies": [1, 1, 0], "frames": 4})
    assert verdict.status == "passed"


def test_what_does_not_exist_is_told() -> None:
    with pytest.raises(RegistryError, match="Did you mean 'vgg'"):
        list(check_parts("backbones", "vg"))
    with pytest.raises(RegistryError, match="Did you mean 'backbones'"):
        list(check_parts("backbone"))
    with pytest.raises(ConfigError, match=r"--dist nothing: no such package with parts. Known: .*tracknet"):
        list(check_parts(package="nothing"))


@pytest.mark.parametrize("words", [["losses", "weight=1"], ["weight=1"], ["losses", "mse", "bce"]])
def test_words_that_name_no_part_are_told(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="expected a kind, a name, and parameters"):
        part_of_words(words)


def test_the_command_says_how_it_ended(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    entries = {"honest": "strange:Honest", "unfair": "strange:Mean", "demanding": "strange:Demanding"}
    install("strange", {"strange.py": STRANGE}, {"losses": entries})
    assert main(["check", "losses", "honest"]) == 0
    assert capsys.readouterr().out == "passed  losses honest\n1 passed\n"
    assert main(["check", "--dist", "strange"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "skipped losses demanding",
        "passed  losses honest",
        "failed  losses unfair",
        "1 passed, 1 failed, 1 skipped",
    ]
    assert main(["check", "--dist", "strange", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["status"]) for one in told] == [
        ("demanding", "skipped"),
        ("honest", "passed"),
        ("unfair", "failed"),
    ]
