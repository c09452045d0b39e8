"""Weights channels last: the same figures, and checkpoints that go with and without."""

from __future__ import annotations

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.channels_last import ChannelsLast

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


class Pictures(pl.LightningModule):
    """Two convolutions that learn a number for each picture."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        feature: Tensor = self.model[1](self.model[0](batch))
        self.layout = feature.is_contiguous(memory_format=torch.channels_last)
        return (self.model[2](feature) - batch.mean(dim=1, keepdim=True)).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.01)


@pytest.fixture
def pictures() -> DataLoader[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return DataLoader(torch.rand(4, 3, 8, 8, generator=generator), batch_size=2)  # type: ignore[arg-type]


def test_maps_follow_the_weights_and_figures_stay(make_trainer, pictures, tmp_path) -> None:
    check_constructor("callbacks", ChannelsLast)
    plain, changed = Pictures(), Pictures()
    make_trainer().fit(plain, pictures)
    trainer = make_trainer(ChannelsLast())
    trainer.fit(changed, pictures)
    assert (plain.layout, changed.layout) == (False, True)
    torch.testing.assert_close(changed.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-5)

    trainer.save_checkpoint(tmp_path / "changed.ckpt")
    for callbacks in ([], [ChannelsLast()]):
        resumed = Pictures()
        make_trainer(*callbacks, epochs=5).fit(
            resumed, pictures, ckpt_path=tmp_path / "changed.ckpt", weights_only=True
        )
        assert resumed.layout is bool(callbacks)
    uninterrupted = Pictures()
    make_trainer(epochs=5).fit(uninterrupted, pictures)
    torch.testing.assert_close(resumed.state_dict(), uninterrupted.state_dict(), rtol=1e-4, atol=1e-5)
