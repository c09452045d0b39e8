"""Averages of the weights, which validation sees and checkpoints hold."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.ema import ema

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


class Falling(pl.LightningModule):
    """One weight that begins at 1 and loses 1 in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.validated: list[float] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.weight.sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated.append(float(self.weight))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def test_validation_and_checkpoints_have_the_average(tmp_path: Path) -> None:
    check_constructor("callbacks", ema)
    module = Falling()
    loader = DataLoader(torch.zeros(3, 1), batch_size=1)
    trainer = pl.Trainer(
        max_epochs=1,
        callbacks=[ema(decay=0.75)],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, loader, DataLoader(torch.zeros(1, 1)))
    trainer.save_checkpoint(tmp_path / "last.ckpt")

    average = 0.0  # the first step's weights, 1 - 1
    for weight in (-1.0, -2.0):
        average = 0.75 * average + 0.25 * weight
    assert module.validated == pytest.approx([average])
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["state_dict"]["weight"].item() == pytest.approx(average)


@pytest.mark.parametrize(("parameters", "words"), [({"decay": 1.0}, "decay: 1 is"), ({"start": -1}, "start: -1 is")])
def test_bad_values_are_refused(parameters: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ema(**parameters)  # type: ignore[arg-type]
