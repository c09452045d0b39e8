"""Keep the channels of a pixel side by side in memory."""

from __future__ import annotations

from typing import cast

import lightning.pytorch as pl
import torch
from torch import nn

from tracknet_core.registry import callbacks


@callbacks.register("channels_last")
class ChannelsLast(pl.Callback):
    """Lays out the weights of 2-D convolutions channels last, torch's memory format that many of its kernels prefer.

    Feature maps follow the weights. Figures are the same but for the order of roundings, and so are checkpoints: they
    can be resumed and read with and without. How much it gains depends on network and processor, and may be less than
    nothing: ``python benchmarks/training.py`` measures it.
    """

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Change the layout before an optimizer sees the weights."""
        cast(nn.Module, pl_module.model).to(memory_format=torch.channels_last)
