"""Train the new parts first, then the backbone with them."""

from __future__ import annotations

import lightning.pytorch as pl
from torch import nn

from tracknet_core.registry import callbacks


@callbacks.register("backbone_freeze")
class BackboneFreeze(pl.Callback):
    """Keeps the backbone as it is for the first epochs, the statistics of its norms included.

    While it is frozen, its parameters need no gradient and its modules are in evaluation mode. Then everything
    returns to what it was: a parameter or module that was frozen before (``freeze: true``) stays frozen. The
    optimizer holds all parameters from the start and skips those without a gradient, so it is not rebuilt.

    What is frozen follows from the number of the epoch alone, so a resumed run needs no memory of it. With
    several processes use the strategy ``ddp_find_unused_parameters_true``.

    Args:
        epochs: number of epochs, from the first, in which the backbone is frozen; 0 never freezes.

    Raises:
        ValueError: a negative number of epochs.
    """

    def __init__(self, *, epochs: int = 0) -> None:
        if epochs < 0:
            raise ValueError(f"epochs={epochs} is negative: give the number of frozen epochs, 0 for none")
        self.epochs = epochs
        self._trainable: list[nn.Parameter] = []
        self._training: list[nn.Module] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Freeze before the first batch; Lightning skips ``on_train_epoch_start`` if it resumes within an epoch."""
        self.on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Freeze or thaw as the epoch demands."""
        if trainer.current_epoch < self.epochs:
            self._freeze(pl_module.get_submodule("model.backbone"))
        else:
            self._thaw()

    def _freeze(self, backbone: nn.Module) -> None:
        """Freeze what is not frozen yet, and remember it."""
        for parameter in backbone.parameters():
            if parameter.requires_grad:
                parameter.requires_grad_(False)
                self._trainable.append(parameter)
        for module in backbone.modules():
            if module.training:
                module.training = False
                self._training.append(module)

    def _thaw(self) -> None:
        """Undo :meth:`_freeze`."""
        for parameter in self._trainable:
            parameter.requires_grad_(True)
        for module in self._training:
            module.training = True
        self._trainable, self._training = [], []
