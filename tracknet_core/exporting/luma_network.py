"""Networks that look at the luma of their frames alone, in the form in which that costs least.

Such a network takes frames of one colour: a third of the bytes, and no conversion of colours while a video is decoded.
Where its input does nothing but add up pictures, normalisation and input are the weights of a convolution over single
pixels, which files melt into the first convolution of the backbone.

Letters: P pictures of a window, C channels of a network sample.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tracknet_core.contracts import Input, Normalization
from tracknet_core.luma import LUMA
from tracknet_core.model import BallTracker

TOLERANCE = 1e-5
"""Of a sample whose pixels are between 0 and 1."""

_SMALL = (3, 4)
"""Rows and columns that are enough for a trial."""

_UNCHANGED = Normalization(mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))


def of_luma(model: BallTracker) -> BallTracker | None:
    """Return the same network for frames of one colour, (B, P, 1, H, W): their luma.

    Whether there is one is found out by trial. None where the input does not add up luma, where black is not zero to
    the network, or where its head looks at the frames.

    Args:
        model: in evaluation mode.
    """
    weights = _weights(model)
    if weights is None or bool(model.mean.any()) or _looks_at_frames(model):
        return None
    weights = weights / model.std.flatten()  # (C, P, 3)
    level = weights.sum(dim=-1)  # (C, P)
    if not torch.allclose(weights, level[..., None] * weights.new_tensor(LUMA), rtol=0, atol=TOLERANCE / 255):
        return None
    model_of_luma = BallTracker(
        input=_Sums(level, model.input),
        backbone=model.backbone,
        decoder=model.decoder,
        head=model.head,
        codec=model.codec,
        window=model.window,
        normalization=_UNCHANGED,
    )
    model_of_luma.mean, model_of_luma.std = model_of_luma.mean[:1], model_of_luma.std[:1]
    return model_of_luma.eval()


class _Sums(nn.Module, Input):
    """Each channel of a sample as a sum of all pictures.

    Args:
        weights: (C, P).
        like: the input that it stands for.
    """

    weights: Tensor

    def __init__(self, weights: Tensor, like: Input) -> None:
        super().__init__()
        self.background, self.channels = like.background, like.channels
        self.targets, self.maps = like.targets, like.maps
        self.register_buffer("weights", weights[..., None, None])

    def forward(self, frames: Tensor) -> Tensor:
        """(B, P, 1, H, W) -> (B, C, H, W)."""
        return functional.conv2d(frames.flatten(1, 2), self.weights)


@torch.no_grad()
def _weights(model: BallTracker) -> Tensor | None:
    """Return the weights (C, P, 3) of an input that adds up the pixels of its pictures; None of another."""
    pictures, (height, width) = model.window.pictures, _SMALL
    single = torch.eye(3 * pictures).view(-1, pictures, 3, 1, 1).expand(-1, -1, -1, height, width)
    trial = torch.rand(2, pictures, 3, height, width, generator=torch.Generator().manual_seed(0))
    answers = model.input(single)  # (3 P, C, H, W)
    if len(answers) != len(single) or answers.shape[-2:] != single.shape[-2:]:
        return None
    weights = answers[..., 0, 0].T.contiguous()  # (C, 3 P)
    expected = functional.conv2d(trial.flatten(1, 2), weights[..., None, None])
    if not torch.allclose(model.input(trial), expected, rtol=0, atol=TOLERANCE):
        return None
    return weights.view(-1, pictures, 3)


@torch.no_grad()
def _looks_at_frames(model: BallTracker) -> bool:
    """Return whether the head needs the frames, and not their size alone: by trial."""
    (width, height), spec = model.window.image_size, model.decoder.feature
    draw = torch.Generator().manual_seed(0)
    feature = torch.rand(1, spec.channels, height // spec.stride, width // spec.stride, generator=draw)
    frames = torch.rand(1, model.window.pictures, 3, height, width, generator=draw)
    one, other = (model.head(feature, pictures, model.cells(pictures)) for pictures in (frames, 1 - frames))
    return not all(map(torch.equal, one, other))  # (N, …) each, or a list of such
