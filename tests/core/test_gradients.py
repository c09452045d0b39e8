"""The gradient of a step is that of one large batch, in how many parts and on how many processes it came."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

SCRIPT = Path(__file__).with_name("one_step.py")
LOSSES = ("bce", "cross_entropy", "focal", "grid", "mse", "quality_focal", "soft_iou", "softmax_bce", "wbce")


@pytest.fixture(scope="module")
def one_step() -> Any:
    spec = importlib.util.spec_from_file_location("one_step", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(one_step: Any) -> dict[str, Tensor]:
    """The gradient of all four windows as one batch, by loss."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on loaders
        return {loss: one_step.change(loss, [one_step.together(one_step.windows())], devices=1) for loss in LOSSES}


def test_no_loss_is_left_out() -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        known = tomllib.load(file)["project"]["entry-points"]["tracknet_losses"]
    assert sorted(known) == sorted(LOSSES)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.filterwarnings("ignore")  # as above
def test_accumulated_parts_give_the_gradient_of_the_whole(loss: str, one_step: Any, whole: dict[str, Tensor]) -> None:
    windows = one_step.windows()
    four = one_step.change(loss, windows, accumulate=4, devices=1)
    torch.testing.assert_close(four, whole[loss], atol=1e-6, rtol=0)
    halves = [one_step.together(windows[:2]), one_step.together(windows[2:])]
    two = one_step.change(loss, halves, accumulate=2, devices=1)
    torch.testing.assert_close(two, whole[loss], atol=1e-6, rtol=0)
    assert float(whole[loss].abs().max()) > 1e-3


def test_two_processes_give_the_gradient_of_one(whole: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "changes.pt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = torch.load(file, weights_only=True)
    assert found.keys() == whole.keys()
    for loss, change in whole.items():
        torch.testing.assert_close(
            found[loss], change, atol=1e-6, rtol=0, msg=lambda text, loss=loss: f"{loss}: {text}"
        )
