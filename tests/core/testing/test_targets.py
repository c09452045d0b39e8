"""The kit accepts codecs and losses that keep the contract and tells what breaks it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tracknet_core.contracts import Codec, Cost, Detections, Form, Target, Visibility
from tracknet_core.testing import check_codec, check_loss

# ------------------------------------------------------------------------------------------------- codecs


class NearestCell(Codec):
    """One cell of 1 per ball, in heatmaps of a fourth of the size."""

    size = (16, 8)

    def encode(self, labels: Any, size: Any) -> Any:
        has_ball = labels.visibility == int(Visibility.EASY)
        values = torch.zeros(*has_ball.shape, size[1] // 4, size[0] // 4)
        for b, k in has_ball.nonzero().tolist():
            x, y = ((labels.xy[b, k] + 0.5) / 4 - 0.5).round().long().tolist()
            values[b, k, y, x] = 1.0
        return Target(values, (labels.visibility >= 0).float(), has_ball)

    def decode(self, logits: Any) -> Any:
        score, index = logits.sigmoid().flatten(2).max(dim=-1, keepdim=True)
        cell = torch.stack((index % logits.shape[-1], index // logits.shape[-1]), dim=-1).float()
        return Detections.at((cell + 0.5) * 4 - 0.5, score, score > 0.5)


class Shifted(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, points=found.points + 3)


class Certain(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, present=torch.ones_like(found.present))


class Leaking(NearestCell):
    def encode(self, labels: Any, size: Any) -> Any:
        target = super().encode(labels, size)
        return target._replace(values=target.values + 0 * labels.xy[..., :1, None])


class Fixed(NearestCell):
    def encode(self, labels: Any, size: Any) -> Any:
        target = super().encode(labels, size)
        return target._replace(values=F.pad(target.values, (0, 16 - size[0] // 4)))


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
        (Fixed(), r"the values for 32x16 px: the contract asks for the shape \(5, 5, 4, 8\), got \(5, 5, 4, 16\)"),
        (Flat(), r"detections.score"),
    ],
)
def test_broken_codecs_are_refused(refused, codec, words):
    with refused(words):
        check_codec(codec, image_size=(64, 32), tolerance=2.9)


class Parted(NearestCell):
    """One class for no ball and one for a ball."""

    form = Form("classes", channels=2, indices=True)

    def encode(self, labels: Any, size: Any) -> Any:
        target = super().encode(labels, size)
        return target._replace(values=target.values.long())

    def decode(self, logits: Any) -> Any:
        return super().decode(logits[:, :, 1] - logits[:, :, 0])


class Expanded(Parted):
    def encode(self, labels: Any, size: Any) -> Any:
        target = super().encode(labels, size)
        return target._replace(values=F.one_hot(target.values, 2).movedim(-1, 2))


class Forgetful(NearestCell):
    def average(self, logits: Any, weights: Any) -> Any:
        return torch.zeros_like(logits[0])


def test_a_codec_of_numbers_of_channels_passes():
    check_codec(Parted(), image_size=(64, 32), tolerance=2.9)


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        (Expanded(), r"the values for 64x32 px: .* the shape \(5, 5, 8, 16\), got \(5, 5, 2, 8, 16\)"),
        (Forgetful(), "windows that agree say together something else"),
    ],
)
def test_broken_codecs_of_any_form_are_refused(refused, codec, words):
    with refused(words):
        check_codec(codec, image_size=(64, 32), tolerance=2.9)


# ------------------------------------------------------------------------------------------------- losses


class Squared(nn.Module):
    def forward(self, logits: Any, target: Any) -> Any:
        per_frame = (logits.sigmoid() - target.values).square().mean(dim=(2, 3))
        return Cost((per_frame * target.weight).sum(), target.weight.sum())


class Each(nn.Module):
    """The same for answers of any form."""

    def forward(self, logits: Any, target: Any) -> Any:
        per_frame = (logits.sigmoid() - target.values).square().flatten(2).mean(dim=2)
        return Cost((per_frame * target.weight).sum(), target.weight.sum())


class Unreduced(Squared):
    def forward(self, logits: Any, target: Any) -> Any:
        return Cost((logits.sigmoid() - target.values).square().mean(dim=(2, 3)) * target.weight, target.weight.sum())


class Dividing(Squared):
    """What a loss was before it was a sum and a count."""

    def forward(self, logits: Any, target: Any) -> Any:
        cost = super().forward(logits, target)
        return Cost(cost.total / cost.count, torch.ones(()))


class Halved(Squared):
    """Counts frames that have no weight."""

    def forward(self, logits: Any, target: Any) -> Any:
        return Cost(super().forward(logits, target).total, torch.tensor(float(target.weight.numel())))


class Unweighted(Squared):
    def forward(self, logits: Any, target: Any) -> Any:
        return super().forward(logits, target._replace(weight=torch.ones_like(target.weight)))


class Constant(Squared):
    def forward(self, logits: Any, target: Any) -> Any:
        return Cost(0 * logits.sum(), target.weight.sum())


class Foreign(Squared):
    forms = ("classes",)


class Inverted(Squared):
    def forward(self, logits: Any, target: Any) -> Any:
        return super().forward(-logits, target)


class Likelihood(nn.Module):
    """Of the number of a channel."""

    forms = ("classes",)

    def forward(self, logits: Any, target: Any) -> Any:
        chosen = logits.log_softmax(2).gather(2, target.values.unsqueeze(2))
        return Cost(-(chosen.mean(dim=(2, 3, 4)) * target.weight).sum(), target.weight.sum())


@pytest.mark.parametrize(
    "form", [Form("heatmap"), Form("offsets", channels=3), Form("strip", layout="sides")], ids=lambda form: form.name
)
def test_a_loss_passes(form):
    loss = Each()
    loss.forms = (form.name,)
    check_loss(loss, form=form)


def test_a_loss_of_numbers_of_channels_passes():
    check_loss(Likelihood(), form=Form("classes", channels=5, indices=True))


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Unreduced(), r"a scalar, got the shape \(2, 3\)"),
        (Dividing(), "the total of a batch is not the sum of those of its parts"),
        (Halved(), "where no frame counts, total and count are 0"),
        (Unweighted(), "where no frame counts, total and count are 0"),
        (Foreign(), r"takes \('classes',\), and is tried with 'heatmap'"),
        (Constant(), "no finite gradient other than 0"),
        (Inverted(), "logits that say what the target does cost no less than random ones"),
    ],
)
def test_broken_losses_are_refused(refused, loss, words):
    with refused(words):
        check_loss(loss)
