"""Two processes that train together: one run, one voice, the weights of one process, and one end."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import catalogue
import pytest
import torch
from torch import Tensor

from tracknet_core import run

PLUGIN = Path(__file__).with_name("small.py")

EXPERIMENT = f"""\
plugins: [{PLUGIN.as_posix()}]
data:
  dataset: {{name: squares}}
  sequence: {{length: 3}}
  preprocess: {{resize: [32, 16]}}
model:
  backbone: {{name: one_layer}}
  decoder: {{name: upsampling, channels: [4]}}
  heatmap: {{name: gaussian, size: [32, 16], sigma: 1.0}}
training:
  epochs: 2
  batch_size: 4
  callbacks: [progress, checkpoint]
  optimizer: {{lr: 5.0e-3}}
  scheduler: {{warmup_epochs: 0.5}}
  accelerator: cpu
  devices: 1
"""

BY_LIGHTNING = (sys.executable,)
BY_TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
TWO = ("training.devices=2", "training.strategy=ddp")

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture
def go(experiment: Path, tmp_path: Path) -> Callable[..., Done]:
    """Train in processes of their own, as a user does."""

    def train(*arguments: str, by: tuple[str, ...] = BY_LIGHTNING) -> Done:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        command = [*by, "-m", "tracknet_core.run", str(experiment), "--output-dir", str(tmp_path / "two"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return train


@pytest.fixture
def registered() -> Iterator[None]:
    """What the plugin file registers is forgotten after the test."""
    before = dict(catalogue.REGISTRY)
    yield
    for key in [key for key in catalogue.REGISTRY if key not in before]:
        del catalogue.REGISTRY[key]
    torch.use_deterministic_algorithms(False)  # a run turns it on for its process


def weights(out: Path) -> dict[str, Tensor]:
    (last,) = out.glob("checkpoints/last_*.ckpt")
    state: dict[str, Tensor] = torch.load(last, weights_only=True)["state_dict"]
    return {name: value for name, value in state.items() if name.startswith("model.")}


def failing(rank: int, how: str) -> str:
    return f"training.callbacks=[progress,checkpoint,{{name: fail, rank: {rank}, how: {how}}}]"


def test_two_processes_are_one_run_and_give_the_weights_of_one_with_twice_the_batch(
    go: Callable[..., Done], experiment: Path, tmp_path: Path, registered: None
) -> None:
    # A step of 16 windows in each process, which are all that it has, is one of 32 in a single process.
    done = go(*TWO, "training.batch_size=16")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (run_id,) = (path.name for path in (tmp_path / "two" / "logs").iterdir())
    assert {path.name for path in (tmp_path / "two" / "checkpoints").iterdir()} == {
        f"best_{run_id}.ckpt",
        f"last_{run_id}.ckpt",
    }
    lines = done.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert sum(line.startswith("metrics ") for line in lines) == 1
    assert lines[-1].startswith("last ")

    arguments = ["--output-dir", str(tmp_path / "one"), "training.batch_size=32"]
    assert run.main([str(experiment), *arguments]) == 0
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}")


def test_a_mistake_in_one_process_ends_both_with_one_message(go: Callable[..., Done]) -> None:
    done = go(*TWO, failing(1, "mistake"))
    assert (done.returncode, done.stderr) == (2, "error: process 1 cannot go on.\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rank", "how", "code", "message"),
    [
        (0, "mistake", 2, "error: process 0 cannot go on.\n"),
        (1, "kill", 2, "error: training.devices: process 1 was killed (SIGKILL). Mostly the machine ran out of "),
        (1, "nan", 2, "error: epoch 2, batch 2: the loss is no finite number for frames "),
        (0, "nan", 2, "error: epoch 2, batch 2: the loss is no finite number for frames "),
        (0, "fault", 1, "ValueError: a fault in the program\n"),
        (1, "fault", 1, "ValueError: a fault in the program\n"),
    ],
)
def test_the_failure_of_one_process_is_told_once_and_ends_both(
    rank: int, how: str, code: int, message: str, go: Callable[..., Done]
) -> None:
    done = go(*TWO, failing(rank, how))
    assert done.returncode == code
    assert done.stderr.count(message) == 1
    assert done.stderr.count("Traceback") == (how == "fault")


@pytest.mark.slow
def test_a_batch_that_one_process_leaves_out_stops_no_other(go: Callable[..., Done], tmp_path: Path) -> None:
    done = go(*TWO, failing(1, "nan"), "training.skip_nonfinite=1")
    assert done.returncode == 0, done.stderr
    assert "It is left out, 1 of at most 1." in done.stderr
    assert all(value.isfinite().all() for value in weights(tmp_path / "two").values())


@pytest.mark.slow
def test_torchrun_gives_one_run_that_can_be_gone_on_with(go: Callable[..., Done], tmp_path: Path) -> None:
    done = go(*TWO, by=BY_TORCHRUN)
    assert done.returncode == 0, done.stderr
    undisturbed = weights(tmp_path / "two")
    (tmp_path / "two").rename(tmp_path / "undisturbed")
    done = go(*TWO, failing(0, "mistake"), by=BY_TORCHRUN)
    assert done.returncode != 0
    assert done.stderr.count("error: process 0 cannot go on.\n") == 1
    done = go(*TWO, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    (run_id,) = (path.name for path in (tmp_path / "two" / "logs").iterdir())
    assert {path.name for path in (tmp_path / "two" / "checkpoints").iterdir()} == {
        f"best_{run_id}.ckpt",
        f"last_{run_id}.ckpt",
    }
    assert all(torch.equal(value, undisturbed[name]) for name, value in weights(tmp_path / "two").items())


@pytest.mark.slow
def test_another_number_of_processes_than_torchrun_starts_is_a_mistake(go: Callable[..., Done]) -> None:
    done = go(by=BY_TORCHRUN)
    assert done.returncode != 0
    message = "error: training.devices: torchrun has started 2 processes, but the settings are for 1. "
    assert done.stderr.count(message) == 1
