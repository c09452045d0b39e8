"""Training for a given time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tracknet_core import run
from tracknet_core.training import Trained, prepare, time_budget, train

TIMES = ["training.epochs=4", "training.scheduler={name: multistep, milestones: [2], warmup_epochs: 0}"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second go by whenever somebody looks: two of them a step."""
    now = iter(range(10**6))
    monkeypatch.setattr(time_budget, "_now", lambda module: float(next(now)))


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The learning rate of each step, as it was taken."""
    seen: list[float] = []
    step = torch.optim.AdamW.step

    def remember(self: torch.optim.AdamW, *arguments: object, **options: object) -> object:
        seen.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.AdamW, "step", remember)
    yield seen
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def trained(experiment: Path, tmp_path: Path) -> Callable[..., Trained]:
    """Train for some seconds."""

    def go(seconds: float | None, *overrides: str, checkpoint: Path | None = None) -> Trained:
        prepared = prepare(experiment, ["training.callbacks=[checkpoint]", *overrides], validates=False)
        return train(prepared, tmp_path / "out", checkpoint, budget=seconds)

    return go


def test_training_ends_with_the_time_and_the_schedule_with_it(
    clock: None, rates: list[float], trained: Callable[..., Trained]
) -> None:
    # The first step is not counted, each later one takes two seconds.
    done = trained(40.0, *TIMES)
    assert done.steps == len(rates) == 21
    assert done.trained_seconds == 41.0
    assert done.epochs > 4  # as many as go into the time
    # The milestone after two of four epochs is where half of the time is.
    falls = [number for number, (one, other) in enumerate(pairwise(rates)) if other < one]
    assert falls == [10]


def test_an_interrupted_run_has_the_rest_of_the_time(clock: None, trained: Callable[..., Trained]) -> None:
    first = trained(12.0, *TIMES)
    second = trained(40.0, *TIMES, checkpoint=first.files["last"])
    assert first.trained_seconds == 13.0
    # Its first step is not counted either; the clock of the epoch begins anew.
    assert second.trained_seconds >= 40.0
    assert first.steps < second.steps < 24


def test_epochs_are_counted_and_not_cut(clock: None, trained: Callable[..., Trained]) -> None:
    done = trained(None, "training.epochs=2")
    assert done.epochs == 2
    assert done.trained_seconds > 0


def test_a_schedule_that_knows_no_time_is_refused(
    trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_budget, "LambdaLR", torch.optim.lr_scheduler.StepLR)
    with pytest.raises(Exception, match=r"training\.scheduler: a LambdaLR cannot be fitted to a time"):
        trained(10.0)


def test_the_command_takes_a_time(clock: None, experiment: Path, tmp_path: Path) -> None:
    assert run.main([str(experiment), "--budget", "10s", "--output-dir", str(tmp_path / "out")]) == 0
    assert list((tmp_path / "out" / "checkpoints").glob("best_*.ckpt"))  # the last epoch was validated
