import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from tracknet_core.contracts import RunPaths
from tracknet_plugins.callbacks.checkpoint import Checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]

Fit = Callable[..., tuple[pl.Trainer, Checkpoint, pl.LightningModule]]


class CtrlC(pl.Callback):
    """Interrupts the training within an epoch."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.moment = (epoch, batch)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if (trainer.current_epoch, batch_idx) == self.moment:
            raise KeyboardInterrupt


@pytest.fixture
def fit(paths: RunPaths, make_module: Any, make_trainer: Any, loader: Any) -> Fit:
    """Train, by default all of 3 epochs from the start under one run id."""

    def run(
        *others: pl.Callback,
        run_id: str = paths.run_id,
        val_losses: list[float] | None = None,
        epochs: int = 3,
        resume: Path | None = None,
        **settings: Any,
    ) -> tuple[pl.Trainer, Checkpoint, pl.LightningModule]:
        checkpoint = Checkpoint(paths=RunPaths(run_id, paths.logs, paths.checkpoints), **settings)
        module = make_module(val_losses)
        trainer = make_trainer(checkpoint, *others, epochs=epochs)
        trainer.fit(module, loader, loader, ckpt_path=resume)
        return trainer, checkpoint, module

    return run


def names(paths: RunPaths) -> list[str]:
    return sorted(path.name for path in paths.checkpoints.iterdir())


def load(path: str | Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def assert_equal_weights(module: pl.LightningModule, other: pl.LightningModule) -> None:
    torch.testing.assert_close(dict(module.state_dict()), dict(other.state_dict()), rtol=0, atol=0)


def test_best_is_the_epoch_with_the_least_loss_and_last_is_the_last(fit: Fit, paths: RunPaths) -> None:
    _, checkpoint, _ = fit(val_losses=[3, 1, 2])
    assert names(paths) == ["best_run-1-s0.ckpt", "last_run-1-s0.ckpt"]
    assert Path(checkpoint.best_model_path) == paths.checkpoints.resolve() / "best_run-1-s0.ckpt"
    assert Path(checkpoint.last_model_path) == paths.checkpoints.resolve() / "last_run-1-s0.ckpt"
    assert load(checkpoint.best_model_path)["epoch"] == 1
    assert load(checkpoint.last_model_path)["epoch"] == 2
    assert checkpoint.best_model_score == 1


def test_mode_max_keeps_the_greatest_figure(fit: Fit) -> None:
    _, checkpoint, _ = fit(val_losses=[3, 1, 2], mode="max")
    assert load(checkpoint.best_model_path)["epoch"] == 0


def test_last_is_there_before_the_first_batch_and_resumes_the_whole_run(
    fit: Fit, paths: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # Lightning ignores Ctrl-C for good after the first
    with pytest.raises(SystemExit):
        fit(CtrlC(0, 1))
    assert names(paths) == ["last_run-1-s0.ckpt"]
    _, _, resumed = fit(resume=paths.checkpoints / "last_run-1-s0.ckpt")
    _, _, whole = fit(run_id="run-2-s0")
    assert_equal_weights(resumed, whole)


def test_ctrl_c_within_an_epoch_leaves_the_last_complete_one(
    fit: Fit, paths: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit):
        fit(CtrlC(2, 1))
    last = paths.checkpoints / "last_run-1-s0.ckpt"
    assert load(last)["epoch"] == 1
    assert load(last)["global_step"] == 6  # 2 epochs of 3 batches
    trainer, _, resumed = fit(resume=last)
    assert trainer.global_step == 9
    _, _, whole = fit(run_id="run-2-s0")
    assert_equal_weights(resumed, whole)


def test_a_resumed_run_keeps_its_names_and_its_best(fit: Fit, paths: RunPaths) -> None:
    losses = [2, 1, 3, 1.5]
    fit(val_losses=losses, epochs=2)
    _, checkpoint, _ = fit(val_losses=losses, epochs=4, resume=paths.checkpoints / "last_run-1-s0.ckpt")
    assert names(paths) == ["best_run-1-s0.ckpt", "last_run-1-s0.ckpt"]
    assert checkpoint.best_model_score == 1
    assert load(checkpoint.best_model_path)["epoch"] == 1
    assert load(checkpoint.last_model_path)["epoch"] == 3


@pytest.mark.parametrize(("losses", "best"), [([2, 1, 3, 1.5], 1), ([2, 1, 3, 0.5], 3)])
def test_a_run_that_resumes_another_leaves_its_files_alone(
    fit: Fit, paths: RunPaths, losses: list[float], best: int
) -> None:
    fit(val_losses=losses, epochs=2)
    before = {name: (paths.checkpoints / name).read_bytes() for name in names(paths)}
    last = paths.checkpoints / "last_run-1-s0.ckpt"
    _, checkpoint, _ = fit(val_losses=losses, epochs=4, resume=last, run_id="run-2-s0")
    assert names(paths) == sorted([*before, "best_run-2-s0.ckpt", "last_run-2-s0.ckpt"])
    for name, content in before.items():
        assert (paths.checkpoints / name).read_bytes() == content
    assert Path(checkpoint.best_model_path).name == "best_run-2-s0.ckpt"
    assert load(checkpoint.best_model_path)["epoch"] == best
    assert load(checkpoint.last_model_path)["epoch"] == 3


def test_a_moved_run_finds_its_best_beside_the_resumed_file(fit: Fit, paths: RunPaths, tmp_path: Path) -> None:
    losses = [1, 2, 3]
    fit(val_losses=losses, epochs=2)
    elsewhere = paths.checkpoints.rename(tmp_path / "elsewhere")
    resume = elsewhere / "last_run-1-s0.ckpt"
    _, checkpoint, _ = fit(val_losses=losses, resume=resume, run_id="run-2-s0")
    assert names(paths) == ["best_run-2-s0.ckpt", "last_run-2-s0.ckpt"]
    assert load(checkpoint.best_model_path)["epoch"] == 0


def test_without_the_best_file_the_search_starts_again(fit: Fit, paths: RunPaths) -> None:
    losses = [1, 2, 3]
    fit(val_losses=losses, epochs=2)
    (paths.checkpoints / "best_run-1-s0.ckpt").unlink()
    with pytest.warns(UserWarning, match=r"best_run-1-s0\.ckpt, is gone"):
        _, checkpoint, _ = fit(val_losses=losses, resume=paths.checkpoints / "last_run-1-s0.ckpt")
    assert load(checkpoint.best_model_path)["epoch"] == 2
    assert checkpoint.best_model_score == 3


def test_an_unknown_mode_is_refused(paths: RunPaths) -> None:
    with pytest.raises(ValueError, match="mode='least' is unknown: give 'min'"):
        Checkpoint(paths=paths, mode="least")  # type: ignore[arg-type]
