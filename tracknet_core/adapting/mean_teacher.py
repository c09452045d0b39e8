"""The slow average of a network's weights, watched over by what it agrees with itself about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import lightning.pytorch as pl
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tracknet_core.model import BallTracker

DECAY = 0.95
"""Share of the average that a step leaves: it looks back over about 20 steps (Tarvainen and Valpola, 2017)."""

SLACK = 0.01
"""How much less agreement is no fall yet."""


class MeanTeacher(pl.Callback):
    """Averages the weights of a network in training, and stops where the average agrees less with itself.

    Args:
        model: the network.
        agree: says how much a network agrees with itself on what is held out, 0 to 1.
        before: how much it did before.
        seconds: that training may take at most.
        tell: is called with how it goes.

    Attributes:
        agreement: of the weights that are kept, and before of the network as it was.
        weights: what is kept; None as long as nothing is.
    """

    def __init__(
        self,
        model: BallTracker,
        agree: Callable[[BallTracker], float],
        *,
        before: float,
        seconds: float,
        tell: Callable[[str], object],
    ) -> None:
        average = get_ema_multi_avg_fn(DECAY)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self._agree, self._tell = agree, tell
        self._until = time.monotonic() + seconds
        self._best = self.agreement = before
        self.weights: dict[str, Tensor] | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Average, and stop when the time is over."""
        self._average.update_parameters(pl_module.model)  # type: ignore[arg-type]
        if time.monotonic() > self._until:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the average if it agrees with itself as well as any before; stop if that has fallen."""
        network = cast(BallTracker, self._average.module.eval())
        now = self._agree(network)
        self._tell(f"round {trainer.current_epoch + 1}: agreement {now:.3f}")
        if now >= self._best - SLACK:
            self._best = max(self._best, now)
            self.agreement = now
            self.weights = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        else:
            trainer.should_stop = True
