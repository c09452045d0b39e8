"""The one LightningModule: it trains and validates any network on any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from tracknet_core.checkpoint import describe
from tracknet_core.contracts import (
    Batch,
    BatchTransform,
    Loss,
    OptimizerFactory,
    ProtocolMetric,
    SchedulerFactory,
    ValidationOutput,
    Visibility,
)
from tracknet_core.model import BallTracker

UNLABELLED = int(Visibility.UNLABELLED)
VISIBLE = [int(code) for code in Visibility if code.is_visible]


class TrackerModule(pl.LightningModule):
    """Trains a :class:`BallTracker`.

    Logs ``train/loss`` and ``val/loss`` per epoch, and every figure of the protocols as ``val/<figure>``; as
    ``val/<protocol>/<figure>`` where an earlier protocol has a figure of that name.

    Args:
        model: the network.
        loss: compares logits and target.
        protocols: rules of evaluation by name, in pixels of the original video.
        optimizer: makes the optimizer from ``params``.
        scheduler: makes the scheduler from ``optimizer``, ``total_steps`` and ``steps_per_epoch``.
        config: the resolved experiment as plain data; goes into every checkpoint.
        seed: draws inside the network (dropout) in an epoch follow from it and the epoch alone.
        train_empty: whether frames without a ball are trained as empty maps, or left out.
        batch_transforms: augmentations across the windows of a training batch, in order.
        backbone_lr_scale: factor on the learning rate of the backbone.
    """

    def __init__(
        self,
        *,
        model: BallTracker,
        loss: Loss,
        protocols: Mapping[str, ProtocolMetric],
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory,
        config: dict[str, Any],
        seed: int = 0,
        train_empty: bool = True,
        batch_transforms: Sequence[BatchTransform] = (),
        backbone_lr_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.protocols = nn.ModuleDict(protocols)  # type: ignore[arg-type]  # torchmetrics' Metric is a Module
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._config = config
        self._seed = seed
        self._train_empty = train_empty
        self._batch_transforms = batch_transforms
        self._backbone_lr_scale = backbone_lr_scale

    def forward(self, frames: Tensor) -> Tensor:
        """(B, P, 3, H, W) uint8 frames -> (B, K, h, w) logits."""
        logits: Tensor = self.model(frames)
        return logits

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make the draws of an epoch the same whether or not the run was interrupted before it.

        At its first batch and not at its start, because the iterator of the loader draws a number too: before the
        start of the epoch in a resumed run, after it otherwise.
        """
        if batch_idx == 0:
            torch.manual_seed(self._seed + 1_000_003 * self.current_epoch + 7919 * self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        frames, (target, weight) = batch.frames, self._target(batch)
        for transform in self._batch_transforms:
            frames, target, weight = transform.mix(frames, target, weight)
        loss: Tensor = self.loss(self(frames), target, weight)
        self.log(
            "train/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch.clip), sync_dist=True
        )
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> ValidationOutput:  # type: ignore[override]
        """Count a batch; return what previews show."""
        target, weight = self._target(batch)
        logits = self(batch.frames)
        loss: Tensor = self.loss(logits, target, weight)
        # Windows that count: a batch that only keeps processes in step has none.
        counted = int((weight > 0).any(dim=1).sum())
        self.log("val/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=counted, sync_dist=True)
        detections = self.model.codec.decode(logits)
        size = (batch.frames.shape[-1], batch.frames.shape[-2])
        original = detections.rescaled(size, batch.original_size)
        targets = list(self.model.input.targets)
        for protocol in self.protocols.values():
            cast(ProtocolMetric, protocol).update(
                original,
                batch.original_xy[:, targets],
                batch.visibility[:, targets],
                batch.counted[:, targets],
                batch.original_size,
            )
        return ValidationOutput(logits, target, detections, tuple(targets))

    def on_validation_epoch_end(self) -> None:
        """Log the figures of every protocol."""
        logged: dict[str, Tensor] = {}
        for name, protocol in self.protocols.items():
            for figure, value in cast(ProtocolMetric, protocol).compute().items():
                key = f"val/{figure}" if f"val/{figure}" not in logged else f"val/{name}/{figure}"
                logged[key] = value.float()
            cast(Metric, protocol).reset()
        self.log_dict(logged, prog_bar=False)

    def configure_optimizers(self) -> Any:
        """Return the optimizer and a schedule that is stepped after every step of it."""
        optimizer = self._optimizer(params=parameter_groups(self.model, self._backbone_lr_scale))
        for group in optimizer.param_groups:
            group["lr"] *= group.pop("lr_scale")
        total = int(self.trainer.estimated_stepping_batches)
        per_epoch = max(1, total // max(1, self.trainer.max_epochs or 1))
        scheduler = self._scheduler(optimizer=optimizer, total_steps=total, steps_per_epoch=per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make the checkpoint self-sufficient: the configuration travels with the weights."""
        checkpoint.update(describe(self._config))

    def _target(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what the logits should become, as the codec encodes it, and the weight (B, K) of each frame."""
        targets = list(self.model.input.targets)
        visibility = batch.visibility[:, targets]
        visible = torch.isin(visibility, visibility.new_tensor(VISIBLE))
        usable = batch.counted[:, targets] & (visibility != UNLABELLED)
        if not self._train_empty:
            usable = usable & visible
        size = (batch.frames.shape[-1], batch.frames.shape[-2])
        return self.model.codec.encode(batch.xy[:, targets], visible, size), usable.float()


def parameter_groups(model: BallTracker, backbone_lr_scale: float) -> list[dict[str, Any]]:
    """Return torch's parameter groups: no decay on norms, biases and other vectors; ``lr_scale`` for the backbone.

    Frozen parameters are included, so that thawing them needs no new optimizer.
    """
    backbone = {id(p) for p in model.backbone.parameters()}  # type: ignore[attr-defined]
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        groups.setdefault((id(parameter) in backbone, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr_scale": backbone_lr_scale if in_backbone else 1.0,
            **({} if decayed else {"weight_decay": 0.0}),
        }
        for (in_backbone, decayed), parameters in groups.items()
    ]
