"""Find out which training frames are hard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Batch, Network, TrainingFrames, Visibility
from tracknet_core.errors import CheckpointError
from tracknet_core.registry import callbacks


@callbacks.register("hard_samples")
class HardSamples(pl.Callback):
    """Runs the network on the training clips, and writes into the labels which frames prove hard.

    A frame is hard where the ball is visible and the network finds one, but far from it: the mining of WASB (Tarashima
    et al., BMVC 2023). Its difficulty is then that distance, in pixels of the original video, and that of any other
    frame is 0. What becomes of it is the codec's to say: ``blob`` with ``graded: hard`` draws another target. A later
    measurement replaces an earlier one. The share of hard frames among the balls that were found is logged as
    ``train/hard``.

    The clips are looked at as in validation: whole frames, each once, with the best candidate and no tracker.

    Args:
        epochs: the epochs, counted from 1, at the start of which is measured: once, at 20 of 30, in the paper. One
            beyond the end of the training measures nothing.
        least: distance from which a frame is hard, in pixels of the original video; by default that from which WASB's
            protocol counts a ball as wrong.
        most: distance up to which it is; None for any. WASB's code has 5 for video of 1280 x 720: near misses alone.

    Raises:
        ValueError: an epoch before the first, or distances that do not ascend from 0.
    """

    def __init__(self, *, epochs: tuple[int, ...] = (20,), least: float = 4.0, most: float | None = None) -> None:
        if not epochs or min(epochs) < 1:
            raise ValueError(f"epochs: {list(epochs)} are no epochs. Give numbers from 1 on, at least one.")
        if not least > 0:
            raise ValueError(f"least: {least} is no distance from which a frame is hard. Give more than 0 pixels.")
        if most is not None and not most > least:
            raise ValueError(f"most: {most} is not above least, {least}. Give more pixels, or null.")
        self.epochs = epochs
        self.least = least
        self.most = most
        self._difficulty: Tensor | None = None
        self._share = 0.0
        self._measured = 0  # the last epoch, from 1, at the start of which was measured

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give back to the data what an interrupted run has measured."""
        if self._difficulty is None:
            return
        frames = _frames(trainer)
        if len(self._difficulty) != len(frames.difficulty):
            raise CheckpointError(
                f"hard_samples: the checkpoint knows {len(self._difficulty)} training frames, and there are "
                f"{len(frames.difficulty)}. Resume with the same data, or start from its weights: training.init_from=…"
            )
        frames.difficulty.copy_(self._difficulty)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure, if it is time."""
        epoch = trainer.current_epoch + 1
        if epoch in self.epochs and epoch != self._measured:
            self._measure(trainer, pl_module)
            self._measured = epoch
        if self._difficulty is not None:
            pl_module.log("train/hard", self._share)

    def state_dict(self) -> dict[str, Any]:
        """Return what was measured."""
        return {"difficulty": self._difficulty, "share": self._share, "measured": self._measured}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what was measured."""
        self._difficulty = state_dict["difficulty"]
        self._share = state_dict["share"]
        self._measured = state_dict["measured"]

    def _measure(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        frames, model = _frames(trainer), cast(Network, pl_module.model)
        difficulty, found = torch.zeros_like(frames.difficulty), torch.zeros(())
        with _evaluating(pl_module), torch.no_grad(), trainer.precision_plugin.forward_context():
            for batch in frames.every_training_frame():
                counts, distance = _distances(batch, trainer.strategy.batch_to_device(batch.frames), model)
                hard = counts & (distance >= self.least)
                if self.most is not None:
                    hard &= distance <= self.most
                difficulty[frames.places(batch)[hard]] = distance[hard]
                found += counts.sum()
        # Each process has measured the clips that it reads.
        difficulty, found = (
            trainer.strategy.reduce(part.to(pl_module.device), reduce_op="sum").cpu() for part in (difficulty, found)
        )
        frames.difficulty.copy_(difficulty)
        self._difficulty = difficulty
        self._share = float((difficulty > 0).sum() / found.clamp(min=1))


def _distances(batch: Batch, pictures: Tensor, model: Network) -> tuple[Tensor, Tensor]:
    """Return in which frames a visible ball was found, and how far from it.

    Args:
        batch: windows, on the CPU.
        pictures: (B, P, 3, H, W), its frames, where the network is.
        model: the network.

    Returns:
        (B, T) bool and (B, T) distances in pixels of the original video, on the CPU.
    """
    logits: Tensor = cast(nn.Module, model)(pictures)
    height, width = pictures.shape[-2:]
    best = model.codec.decode(logits).best()
    best = best.rescaled((width, height), batch.original_size.to(logits.device))
    first = model.input.targets[0]
    targets = slice(first, first + logits.shape[1])  # windows in a row have more than one window alone
    counts, distance = torch.zeros_like(batch.counted), torch.zeros(batch.counted.shape)
    code = batch.labels.visibility
    visible = torch.isin(code, code.new_tensor([int(one) for one in Visibility if one.is_visible]))
    counts[:, targets] = (batch.counted & visible)[:, targets] & best.present[..., 0].cpu()
    distance[:, targets] = (best.xy[..., 0, :].cpu() - batch.original_xy[:, targets]).norm(dim=-1).float()
    return counts, distance


def _frames(trainer: pl.Trainer) -> TrainingFrames:
    return cast(TrainingFrames, trainer.datamodule)  # type: ignore[attr-defined]  # set by Lightning's fit


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for a while; a part that was in it before stays in it."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
