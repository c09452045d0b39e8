from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tracknet_core.contracts import RunPaths


class Network(nn.Module):
    """A backbone with a norm, whose statistics move, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
        self.head = nn.Linear(8, 1)


class Regression(pl.LightningModule):
    """Learns something small; reports given validation losses, or its own."""

    def __init__(self, val_losses: list[float] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = Network()
        self.val_losses = val_losses

    def compute_loss(self, batch: list[Tensor]) -> Tensor:
        x, y = batch
        return (self.model.head(self.model.backbone(x)) - y).square().mean()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = self.compute_loss(batch)
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        loss = self.compute_loss(batch)
        self.log("val/loss", loss if self.val_losses is None else float(self.val_losses[self.current_epoch]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.05)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths("run-1-s0", tmp_path / "logs" / "run-1-s0", tmp_path / "checkpoints")


@pytest.fixture
def make_module() -> type[Regression]:
    return Regression


@pytest.fixture
def loader() -> DataLoader[tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, 4, generator=generator)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=4)


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., pl.Trainer]:
    """Build a trainer with some callbacks, quiet and on the CPU."""

    def make(*callbacks: pl.Callback, epochs: int = 3, **options: Any) -> pl.Trainer:
        settings: dict[str, Any] = {
            "accelerator": "cpu",
            "max_epochs": epochs,
            "logger": False,
            "enable_checkpointing": any(isinstance(callback, pl.callbacks.Checkpoint) for callback in callbacks),
            "enable_progress_bar": any(isinstance(callback, pl.callbacks.ProgressBar) for callback in callbacks),
            "enable_model_summary": False,
            "default_root_dir": tmp_path,
            "callbacks": list(callbacks),
        }
        return pl.Trainer(**(settings | options))

    return make
