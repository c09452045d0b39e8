"""Which learning rate to train with: a few steps at rising rates, and what the loss says to each.

The test is that of Smith (Cyclical Learning Rates for Training Neural Networks, WACV 2017). It trains with the
optimizer of the experiment, with its precision, its batches and their augmentations; only the schedule is another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
from lightning.fabric.utilities.exceptions import MisconfigurationException
from rich.console import RenderableType
from rich.table import Table
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from tracknet_core.errors import ConfigError, DataError
from tracknet_core.progress import Progress
from tracknet_core.training.module import LearningModule
from tracknet_core.training.trainer import Prepared, arithmetic

Numbers = npt.NDArray[np.float64]

_DIVERGED = 4.0
"""The test is over where the loss is so many times the lowest."""

_WIDTH = 0.25
"""Standard deviation of what losses are smoothed with, in powers of ten of the rate."""

_ROWS = 20
_BAR = 40

_SIZE = (640, 360)  # of the picture, in pixels
_LEFT, _EDGE = 64, 32
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" \
font-family="sans-serif" font-size="13" text-anchor="middle">
<title>Loss over learning rate</title>
<rect width="100%" height="100%" fill="white"/>
<g fill="#9aa5b1">{dots}</g>
<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>
{mark}{labels}
<g text-anchor="end"><text x="56" y="36">{most:.3g}</text><text x="56" y="332">{least:.3g}</text></g>
</svg>
"""
_MARK = '<path d="M{x:.1f} 32V328" stroke="#d1242f" stroke-dasharray="4 4"/>\n'


@dataclass(frozen=True)
class RateTest:
    """What a test has found.

    Attributes:
        rates: (S,) of its steps, rising.
        losses: (S,) of the batches of each step, before it was made.
        current: the rate that the experiment has.
    """

    rates: Numbers
    losses: Numbers
    current: float

    @property
    def smoothed(self) -> Numbers:
        """(S,) The losses as means over their neighbours, because each is one of few windows."""
        powers = np.log10(self.rates)
        weights = np.exp(-0.5 * ((powers[:, None] - powers) / _WIDTH) ** 2)
        smoothed: Numbers = weights @ self.losses / weights.sum(axis=1)
        return smoothed

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest."""
        return float(self.rates[self.smoothed.argmin()])

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest; None where it never falls."""
        smoothed = self.smoothed
        until = int(smoothed.argmin()) + 1
        if until < 3:
            return None
        slopes = np.gradient(smoothed[:until], np.log10(self.rates[:until]))
        return float(self.rates[slopes.argmin()])

    def tell(self) -> Iterator[RenderableType]:
        """Yield a table with the curve, and what follows from it."""
        smoothed = self.smoothed
        table = Table("learning rate", "loss", "", title=f"{len(self.rates)} steps")
        least, most = float(smoothed.min()), float(smoothed.max())
        for step in np.unique(np.linspace(0, len(self.rates) - 1, _ROWS).round().astype(int)):
            share = (smoothed[step] - least) / (most - least or 1)
            table.add_row(f"{self.rates[step]:.1e}", f"{smoothed[step]:#.4g}", "█" * max(1, round(share * _BAR)))
        yield table
        if self.suggestion is None:
            yield "The loss falls at no rate: look at the data (tracknet data check), or begin with a lower rate."
            return
        yield f"The loss falls fastest at {self.suggestion:.1e}, and is lowest at {self.lowest:.1e}."
        yield f"training.optimizer.lr={self.suggestion:.1e} to try; the experiment has {self.current:.1e}"

    def as_svg(self) -> str:
        """Return a picture: the loss of each step as a dot, the smoothed ones as a line, a mark at the suggestion."""
        powers, smoothed = np.log10(self.rates), self.smoothed
        least = float(min(self.losses.min(), smoothed.min()))
        most = float(min(self.losses.max(), 2 * smoothed[0] - least))  # what diverges goes off the picture
        xs = _LEFT + (powers - powers[0]) / (powers[-1] - powers[0] or 1) * (_SIZE[0] - _LEFT - _EDGE)
        height = _SIZE[1] - 2 * _EDGE
        ys, smooth_ys = (
            _EDGE + (most - np.clip(values, least, most)) / (most - least or 1) * height
            for values in (self.losses, smoothed)
        )
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in zip(xs, ys, strict=True))
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, smooth_ys, strict=True))
        ticks = [
            (float(np.interp(power, powers, xs)), f"1e{power}")
            for power in range(math.ceil(powers[0] - 1e-9), math.floor(powers[-1] + 1e-9) + 1)
        ]
        labels = "".join(f'<text x="{x:.1f}" y="{_SIZE[1] - 8}">{text}</text>' for x, text in ticks)
        mark = "" if self.suggestion is None else _MARK.format(x=np.interp(np.log10(self.suggestion), powers, xs))
        return _SVG.format(
            width=_SIZE[0], height=_SIZE[1], dots=dots, line=line, labels=labels, mark=mark, least=least, most=most
        )


def find_learning_rate(prepared: Prepared, *, lowest: float = 1e-6, highest: float = 1.0, steps: int = 100) -> RateTest:
    """Train for a few steps at rates that rise evenly by powers of ten, and keep nothing of it.

    No validation, callback or logger takes part, and one device alone. It ends early where the loss is no finite number
    or several times the lowest. The module of ``prepared`` has other weights afterwards.

    Args:
        prepared: what would be trained.
        lowest: rate of the first step.
        highest: rate of the last step.
        steps: of the optimizer.

    Raises:
        ConfigError: the rates do not rise, the optimizer has no ``lr``, or Lightning refuses the settings.
        DataError: the loss is no finite number from the start.
    """
    if not 0 < lowest < highest or steps < 10:
        raise ConfigError(
            f"{steps} steps from {lowest:g} to {highest:g}: the rates have to rise, from above 0, in 10 steps or more."
        )
    training = prepared.config.training
    if "lr" not in training.optimizer:
        raise ConfigError(f"training.optimizer: '{training.optimizer['name']}' has no setting lr to find a value for.")
    current = float(training.optimizer["lr"])
    rates = np.geomspace(lowest, highest, steps)

    def rising(*, optimizer: Any, **_: int) -> LRScheduler:
        # Of the rate of each group, so that the share of the backbone stays.
        return LambdaLR(optimizer, lambda step: float(rates[min(step, steps - 1)]) / current)

    prepared.module.scheduler = rising
    with Progress("learning rates", steps, unit="steps") as progress:
        watch = _Losses(progress)
        try:
            trainer = pl.Trainer(
                **arithmetic(training),
                devices=1,
                max_steps=steps,
                max_epochs=-1,
                limit_val_batches=0,
                num_sanity_val_steps=0,
                callbacks=[watch],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
            )
        except (ValueError, MisconfigurationException) as error:
            raise ConfigError(f"training: Lightning refuses these settings: {error}") from error
        trainer.fit(prepared.module, datamodule=prepared.data)
    if not watch.losses:
        raise DataError(
            f"the loss is no finite number at the first step already, with a rate of {lowest:g}. Look at the data "
            "(tracknet data check), or try training.precision=fp32."
        )
    return RateTest(rates[: len(watch.losses)], np.array(watch.losses), current)


class _Losses(pl.Callback):
    """Keeps the loss of each step, and ends the training where it makes no sense to go on."""

    def __init__(self, progress: Progress) -> None:
        self.losses: list[float] = []
        self._progress = progress
        self._step = 0
        self._before = (0.0, 0.0)  # sum and count of the epoch before this step

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._before = (0.0, 0.0)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        module: LearningModule = pl_module  # type: ignore[assignment]
        if module.left_out:
            trainer.should_stop = True
            return
        if trainer.global_step == self._step:  # of several batches for a step, this is not the last one
            return
        self._step = trainer.global_step
        self._progress.advance()
        total, count = float(module.train_cost.total), float(module.train_cost.count)
        if count > self._before[1]:
            self.losses.append((total - self._before[0]) / (count - self._before[1]))
            trainer.should_stop = self.losses[-1] > _DIVERGED * min(self.losses)
        self._before = (total, count)
