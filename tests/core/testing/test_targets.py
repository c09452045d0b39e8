"""The kit accepts codecs and losses that keep the contract and tells what breaks it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tracknet_core.contracts import Detections
from tracknet_core.testing import check_codec, check_loss

# ------------------------------------------------------------------------------------------------- codecs


class NearestCell:
    """One cell of 1 per ball, in heatmaps of a fourth of the size."""

    size = (16, 8)

    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        target = torch.zeros(*visible.shape, size[1] // 4, size[0] // 4)
        for b, k in visible.nonzero().tolist():
            x, y = ((xy[b, k] + 0.5) / 4 - 0.5).round().long().tolist()
            target[b, k, y, x] = 1.0
        return target

    def decode(self, logits: Any) -> Any:
        score, index = logits.sigmoid().flatten(2).max(dim=-1, keepdim=True)
        cell = torch.stack((index % logits.shape[-1], index // logits.shape[-1]), dim=-1).float()
        return Detections((cell + 0.5) * 4 - 0.5, score, score > 0.5)


class Shifted(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, xy=found.xy + 3)


class Certain(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, present=torch.ones_like(found.present))


class Leaking(NearestCell):
    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        return super().encode(xy, visible, size) + 0 * xy[..., :1, None]


class Fixed(NearestCell):
    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        return F.pad(super().encode(xy, visible, size), (0, 16 - size[0] // 4))


class Flat(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, score=found.score[..., 0])


def test_a_codec_passes_within_the_tolerance_of_its_cells(refused):
    check_codec(NearestCell(), image_size=(64, 32), tolerance=2.9)
    with refused("at most 1 px off, got"):
        check_codec(NearestCell(), image_size=(64, 32), tolerance=1.0)


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        (Shifted(), "at most 2.9 px off"),
        (Certain(), "2 of 25 frames are wrong"),
        (Leaking(), "NaN.*reached the targets"),
        (Fixed(), r"targets for 32x16 px have the shape \(5, 5, 4, 8\), got \(5, 5, 4, 16\)"),
        (Flat(), r"detections.score"),
    ],
)
def test_broken_codecs_are_refused(refused, codec, words):
    with refused(words):
        check_codec(codec, image_size=(64, 32), tolerance=2.9)


# ------------------------------------------------------------------------------------------------- losses


class Squared(nn.Module):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        per_frame = (logits.sigmoid() - target).square().mean(dim=(2, 3))
        return (per_frame * weight).sum() / weight.sum().clamp(min=1)


class Unreduced(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return (logits.sigmoid() - target).square().mean(dim=(2, 3)) * weight


class Dividing(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return super().forward(logits, target, weight) / weight.sum()


class Unweighted(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return super().forward(logits, target, torch.ones_like(weight))


class Constant(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return 0 * logits.sum()


def test_a_loss_passes():
    check_loss(Squared())


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Unreduced(), r"a scalar, got the shape \(2, 3\)"),
        (Dividing(), "finite where no frame counts"),
        (Unweighted(), "weight 0 still changes"),
        (Constant(), "no finite gradient other than 0"),
    ],
)
def test_broken_losses_are_refused(refused, loss, words):
    with refused(words):
        check_loss(loss)
