"""What any training needs, and the LightningModule that trains and validates any image network on any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from tracknet_core.contracts import (
    Batch,
    BatchTransform,
    Cost,
    Labels,
    Loss,
    OptimizerFactory,
    ProtocolMetric,
    SchedulerFactory,
    Target,
    ValidationOutput,
)
from tracknet_core.model import BallTracker, State


class LearningModule(pl.LightningModule):
    """What any training needs, whatever learns: a subclass adds its :meth:`cost`, and how it validates.

    Logs ``train/loss`` and ``val/loss`` per epoch.

    Args:
        model: what learns.
        optimizer: makes the optimizer from ``params``.
        scheduler: makes the scheduler from ``optimizer``, ``total_steps`` and ``steps_per_epoch``.
        description: what goes into every checkpoint beside the weights.
        seed: draws inside the network (dropout) in an epoch follow from it and the epoch alone.
        backbone_lr_scale: factor on the learning rate of the model's ``backbone``.
        accumulate: batches whose gradients make one step.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory,
        description: Mapping[str, Any],
        seed: int = 0,
        backbone_lr_scale: float = 1.0,
        accumulate: int = 1,
    ) -> None:
        super().__init__()
        self.model = model
        self._optimizer = optimizer
        self.scheduler = scheduler
        self._description = description
        self._seed = seed
        self._backbone_lr_scale = backbone_lr_scale
        self._accumulate = accumulate
        self.train_cost, self.val_cost = _MeanCost(), _MeanCost()
        self._counts: list[Tensor] = []  # of the batches whose gradients have been added up since the last step
        self.left_out = False  # whether the loss of the last training batch was no finite number

    def cost(self, batch: Batch) -> Cost:
        """Return the loss of a training batch."""
        raise NotImplementedError

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make the draws of an epoch the same whether or not the run was interrupted before it.

        At its first batch and not at its start, because the iterator of the loader draws a number too: before the
        start of the epoch in a resumed run, after it otherwise.
        """
        if batch_idx == 0:
            torch.manual_seed(self._seed + 1_000_003 * self.current_epoch + 7919 * self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Return the sum that the loss of a batch is: :meth:`on_before_optimizer_step` divides its gradient.

        None, which leaves the batch out, where that is no finite number: one such step would spoil all weights. Among
        several processes it is a zero in its place, because the others wait for the gradient of this one.
        """
        cost = self.cost(batch)
        self.left_out = not cost.total.isfinite()
        if self.left_out:
            if self.trainer.world_size == 1:
                return None
            self._counts.append(torch.zeros_like(cost.count))
            return torch.stack([p.sum() * 0 for p in self.model.parameters() if p.requires_grad]).sum()
        self._counts.append(cost.count.detach())
        self.log_cost("train/loss", self.train_cost, cost)
        # Lightning divides by the batches of a step, which is undone: sums add up as they are.
        return cost.total * self._accumulate

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Make of the sum of gradients that of the mean: over all batches of this step, on all devices.

        So the gradient is that of one large batch, in how many parts it came: a mean of means would give a part with
        few labels as much weight as one with many.
        """
        if not self._counts:  # the batch was left out
            return
        count = torch.stack(self._counts).sum()
        self._counts.clear()
        world = self.trainer.world_size
        if world > 1:
            count = self.trainer.strategy.reduce(count, reduce_op="sum")
        # Where nothing counts, such as in batches without a ball, nothing is divided. DDP has taken the mean of ranks.
        scale = world / count.where(count > 0, 1.0)
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        torch._foreach_mul_(gradients, scale.to(gradients[0].device))

    def configure_optimizers(self) -> Any:
        """Return the optimizer and a schedule that is stepped after every step of it."""
        optimizer = self._optimizer(params=parameter_groups(self.model, self._backbone_lr_scale))
        for group in optimizer.param_groups:
            group["lr"] *= group.pop("lr_scale")
        total = int(self.trainer.estimated_stepping_batches)
        per_epoch = max(1, total // max(1, self.trainer.max_epochs or 1))
        scheduler = self.scheduler(optimizer=optimizer, total_steps=total, steps_per_epoch=per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make the checkpoint self-sufficient: the configuration travels with the weights."""
        checkpoint.update(self._description)

    def log_cost(self, name: str, mean: _MeanCost, cost: Cost) -> None:
        """Add a batch to the loss of an epoch."""
        mean.update(cost.total.detach(), cost.count.detach())
        self.log(name, mean, on_step=False, on_epoch=True, prog_bar=True)


class TrackerModule(LearningModule):
    """Trains a :class:`BallTracker`.

    Logs ``train/loss`` and ``val/loss`` per epoch, and every figure of the protocols as ``val/<figure>``; as
    ``val/<protocol>/<figure>`` where an earlier protocol has a figure of that name.

    Args:
        model: the network.
        loss: compares logits and target.
        protocols: rules of evaluation by name, in pixels of the original video.
        optimizer: makes the optimizer from ``params``.
        scheduler: makes the scheduler from ``optimizer``, ``total_steps`` and ``steps_per_epoch``.
        description: what goes into every checkpoint beside the weights.
        seed: draws inside the network (dropout) in an epoch follow from it and the epoch alone.
        train_empty: whether frames without a ball are trained as such, or left out.
        batch_transforms: augmentations across the windows of a training batch, in order.
        backbone_lr_scale: factor on the learning rate of the backbone.
        accumulate: batches whose gradients make one step.
    """

    model: BallTracker

    def __init__(
        self,
        *,
        model: BallTracker,
        loss: Loss,
        protocols: Mapping[str, ProtocolMetric],
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory,
        description: Mapping[str, Any],
        seed: int = 0,
        train_empty: bool = True,
        batch_transforms: Sequence[BatchTransform] = (),
        backbone_lr_scale: float = 1.0,
        accumulate: int = 1,
    ) -> None:
        super().__init__(
            model=model,
            optimizer=optimizer,
            scheduler=scheduler,
            description=description,
            seed=seed,
            backbone_lr_scale=backbone_lr_scale,
            accumulate=accumulate,
        )
        self.loss = loss
        self.protocols = nn.ModuleDict(protocols)  # type: ignore[arg-type]  # torchmetrics' Metric is a Module
        self._train_empty = train_empty
        self._batch_transforms = batch_transforms
        self._states: dict[int, State] = {}  # after the last window of each clip that is validated

    def forward(self, frames: Tensor) -> Tensor:
        """(B, P, 3, H, W) uint8 frames -> (B, K, *form) logits."""
        logits: Tensor = self.model(frames)
        return logits

    def cost(self, batch: Batch) -> Cost:
        """Return the loss of a training batch: of all that the head says of it, the mean."""
        frames, target = batch.frames, self._target(batch)
        for transform in self._batch_transforms:
            frames, target = transform.mix(frames, target)
        costs = [self.loss(logits, target) for logits in self.model.answers(frames)]
        return Cost(torch.stack([part.total for part in costs]).mean(), costs[-1].count)

    def on_validation_epoch_start(self) -> None:
        """Begin every clip without a state."""
        self._states.clear()

    def validation_step(self, batch: Batch, batch_idx: int) -> ValidationOutput:  # type: ignore[override]
        """Count a batch, whose windows follow each other as a clip has them; return what previews show."""
        target = self._target(batch)
        logits = self._in_turn(batch) if self.model.decoder.state else self(batch.frames)
        self.log_cost("val/loss", self.val_cost, self.loss(logits, target))
        detections = self.model.codec.decode(logits)
        size = (batch.frames.shape[-1], batch.frames.shape[-2])
        original = detections.rescaled(size, batch.original_size)
        targets = self._targets(batch)
        for protocol in self.protocols.values():
            cast(ProtocolMetric, protocol).update(
                original,
                batch.original_points[:, targets],
                batch.labels.visibility[:, targets],
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

    def _in_turn(self, batch: Batch) -> Tensor:
        """Return the logits (B, K, *form) of windows, each with the state that the one before in its clip has left.

        So a clip is seen as it is tracked, from its start to its end, and not in rows as short as those of training.
        """
        logits = []
        for frames, clip, counts in zip(
            batch.frames.unsqueeze(1), batch.clip.tolist(), batch.counted.any(1), strict=True
        ):
            said, state = self.model.step(frames, self._states.get(clip) or self.model.start(frames))
            logits.append(said)
            if counts:  # what fills up the batches of a process is of no clip that goes on
                self._states[clip] = state
        return torch.cat(logits)

    def _targets(self, batch: Batch) -> list[int]:
        """Return the positions that get an answer, in one window or in several in a row."""
        window = self.model.window
        windows = 1 + (batch.labels.visibility.shape[1] - window.length) // len(window.targets)
        return list(window.in_a_row(windows).targets)

    def _target(self, batch: Batch) -> Target:
        """Return what the logits should become, as the codec encodes it."""
        targets = self._targets(batch)
        labels = Labels(*(part[:, targets] for part in batch.labels))
        target = self.model.codec.encode(labels, (batch.frames.shape[-1], batch.frames.shape[-2]))
        return target if self._train_empty else target._replace(weight=target.weight * target.has_ball)


class _MeanCost(Metric):
    """The loss of an epoch: all sums by all counts."""

    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, total: Tensor, count: Tensor) -> None:
        """Add a batch."""
        self.total += total
        self.count += count

    def compute(self) -> Tensor:
        """Return the ratio."""
        return Cost(self.total, self.count).mean()


def parameter_groups(model: nn.Module, backbone_lr_scale: float) -> list[dict[str, Any]]:
    """Return torch's parameter groups: no decay on norms, biases and other vectors; ``lr_scale`` for the backbone.

    Frozen parameters are included, so that thawing them needs no new optimizer.
    """
    backbone = {id(p) for name, p in model.named_parameters() if name.startswith("backbone.")}
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
