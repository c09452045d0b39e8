from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from tracknet_core.contracts import RunPaths
from tracknet_plugins.callbacks.backbone_freeze import BackboneFreeze
from tracknet_plugins.callbacks.checkpoint import Checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


class Watch(pl.Callback):
    """Notes at the end of every epoch what the backbone is like."""

    def __init__(self) -> None:
        self.optimizers: list[int] = []
        self.states: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        backbone = pl_module.model.backbone
        self.optimizers.append(id(trainer.optimizers[0]))
        self.states.append(
            {
                "epoch": trainer.current_epoch,
                "weight": backbone[0].weight.detach().clone(),
                "mean": backbone[1].running_mean.clone(),
                "head": pl_module.model.head.weight.detach().clone(),
                "trainable": [parameter.requires_grad for parameter in backbone.parameters()],
                "training": [module.training for module in backbone.modules()],
            }
        )


def test_the_backbone_rests_for_the_first_epochs_and_learns_then(make_module, make_trainer, loader) -> None:
    module, watch = make_module(), Watch()
    start = module.model.backbone[0].weight.detach().clone()
    make_trainer(BackboneFreeze(epochs=2), watch, epochs=4).fit(module, loader, loader)
    first, second, third, fourth = watch.states
    for frozen in (first, second):
        torch.testing.assert_close(frozen["weight"], start, rtol=0, atol=0)
        torch.testing.assert_close(frozen["mean"], torch.zeros(8), rtol=0, atol=0)
        assert not any(frozen["trainable"])
        assert not any(frozen["training"])
    assert not torch.equal(first["head"], second["head"])
    for thawed, before in ((third, second), (fourth, third)):
        assert not torch.equal(thawed["weight"], before["weight"])
        assert not torch.equal(thawed["mean"], before["mean"])
        assert all(thawed["trainable"])
        assert all(thawed["training"])
    assert len(set(watch.optimizers)) == 1


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")  # Lightning, about the norm
def test_what_was_frozen_before_stays_frozen(make_module, make_trainer, loader) -> None:
    module, watch = make_module(), Watch()
    module.model.backbone[0].weight.requires_grad_(False)
    module.model.backbone[1].eval()
    make_trainer(BackboneFreeze(epochs=1), watch, epochs=2).fit(module, loader, loader)
    assert watch.states[0]["trainable"] == [False, False, False, False]
    assert watch.states[1]["trainable"] == [False, True, True, True]
    assert watch.states[1]["training"] == [True, True, False]


def test_no_epochs_freeze_nothing(make_module, make_trainer, loader) -> None:
    module, watch = make_module(), Watch()
    make_trainer(BackboneFreeze(epochs=0), watch, epochs=1).fit(module, loader, loader)
    assert all(watch.states[0]["trainable"])
    assert all(watch.states[0]["training"])


@pytest.mark.parametrize("stop", [1, 2, 3])  # while frozen, at the thaw, after it
def test_a_resumed_run_freezes_like_one_that_was_not_stopped(
    stop: int, paths: RunPaths, make_module: Callable[..., Any], make_trainer: Callable[..., pl.Trainer], loader: Any
) -> None:
    whole = Watch()
    make_trainer(BackboneFreeze(epochs=2), whole, epochs=4).fit(make_module(), loader, loader)

    make_trainer(BackboneFreeze(epochs=2), Checkpoint(paths=paths), epochs=stop).fit(make_module(), loader, loader)
    resumed = Watch()
    trainer = make_trainer(BackboneFreeze(epochs=2), Checkpoint(paths=paths), resumed, epochs=4)
    trainer.fit(make_module(), loader, loader, ckpt_path=paths.checkpoints / "last_run-1-s0.ckpt")

    assert [state["epoch"] for state in resumed.states] == list(range(stop, 4))
    for got, expected in zip(resumed.states, whole.states[stop:], strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_a_negative_number_of_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="epochs=-1 is negative"):
        BackboneFreeze(epochs=-1)
