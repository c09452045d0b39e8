"""One step of training on four windows whose labels are missing unevenly: whole, in parts, or on two processes.

As a script, ``python one_step.py FILE``: on two processes (gloo), and the change of the weights by loss into FILE.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tracknet_core.contracts import Batch, Codec, FeatureSpec, Labels, Visibility, WindowSpec
from tracknet_core.model import BallTracker
from tracknet_core.registry import losses
from tracknet_core.training.module import TrackerModule
from tracknet_plugins.codecs.classes import Classes
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.codecs.offsets import Offsets
from tracknet_plugins.codecs.sides import Sides
from tracknet_plugins.heads.heatmap import Heatmap
from tracknet_plugins.heads.sides import Sides as SidesHead
from tracknet_plugins.inputs.stack import Stack

CODECS: dict[str, Callable[..., Codec]] = {
    **dict.fromkeys(("bce", "focal", "mse", "quality_focal", "soft_iou", "wbce"), partial(Gaussian, sigma=1.0)),
    "cross_entropy": partial(Classes, levels=4, sigma=1.0),
    "grid": Offsets,
    "softmax_bce": Sides,
}
"""A codec for each loss."""
SIZE = (32, 16)


class Plain(nn.Module):
    """A backbone without normalisation over the batch, whose parts know of each other."""

    features = (FeatureSpec(4, 4),)

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(9, 4, 4, stride=4)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.convolution(x).tanh()]


class Only(nn.Module):
    """A decoder that passes the only map on."""

    feature = FeatureSpec(4, 4)
    state = ()

    def forward(self, features: list[Tensor]) -> Tensor:
        return features[0]


def windows() -> list[Batch]:
    """Return four batches of one window; of their three frames 3, 1, 0 and 2 have a label, with 2, 1, 0, 0 balls."""
    draw = torch.Generator().manual_seed(0)
    easy, absent, unknown = int(Visibility.EASY), int(Visibility.ABSENT), int(Visibility.UNLABELLED)
    codes = [[easy, easy, absent], [easy, unknown, unknown], [unknown] * 3, [absent, absent, unknown]]
    batches = []
    for code in torch.tensor(codes):
        points = torch.rand(1, 3, 1, 2, generator=draw) * torch.tensor([28.0, 12.0]) + 1
        frames = torch.randint(256, (1, 3, 3, SIZE[1], SIZE[0]), generator=draw, dtype=torch.uint8)
        labels = Labels(points, code[None], torch.zeros(1, 3))
        rest = torch.zeros(1, 3)
        batches.append(Batch(frames, labels, (code != unknown)[None], points, rest[:, :2], rest[:, 0], rest))
    return batches


def together(batches: list[Batch]) -> Batch:
    """Return several batches as one."""
    labels = Labels(*(torch.cat(parts) for parts in zip(*(batch.labels for batch in batches), strict=True)))
    frames = torch.cat([batch.frames for batch in batches])
    rest = (torch.cat(parts) for parts in zip(*(batch[2:] for batch in batches), strict=True))
    return Batch(frames, labels, *rest)


class Given(pl.LightningDataModule):
    """Batches that are there, or this process's share of them."""

    def __init__(self, batches: list[Batch]) -> None:
        super().__init__()
        self.batches = batches

    def train_dataloader(self) -> Any:
        trainer: Any = self.trainer
        return DataLoader(self.batches[trainer.global_rank :: trainer.world_size], batch_size=None)  # type: ignore[arg-type]


def change(loss: str, batches: list[Batch], *, accumulate: int = 1, **trainer: Any) -> Tensor:
    """Return by how much one step of SGD at a rate of 1 changes the weights: the gradient."""
    torch.manual_seed(1)
    window = WindowSpec(3, (0, 1, 2), background=False, image_size=SIZE)
    codec = CODECS[loss](image_size=SIZE, size=(8, 4))
    head = (
        SidesHead(in_feature=Only.feature, maps=3, form=codec.form, normalize=False)  # no statistics of a batch
        if codec.form.layout == "sides"
        else Heatmap(in_feature=Only.feature, maps=3, form=codec.form, prior=0.3)
    )
    model = BallTracker(input=Stack(frames=3), backbone=Plain(), decoder=Only(), head=head, codec=codec, window=window)
    module = TrackerModule(
        model=model,
        loss=losses.get(loss)(),
        protocols={},
        optimizer=partial(torch.optim.SGD, lr=1.0),
        scheduler=lambda optimizer, **_: torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0),
        description={},
        accumulate=accumulate,
    )
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    pl.Trainer(
        max_steps=1,
        max_epochs=1,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **trainer,
    ).fit(module, datamodule=Given(batches))
    return before - nn.utils.parameters_to_vector(model.parameters()).detach()


if __name__ == "__main__":
    found = {loss: change(loss, windows(), accumulate=2, devices=2, strategy="ddp") for loss in CODECS}
    if torch.distributed.get_rank() == 0:
        torch.save(found, sys.argv[1])
