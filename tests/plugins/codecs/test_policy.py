"""What a hidden ball trains, and how much frames count, is the codec's to say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tracknet_core.contracts import Labels, Target, Visibility
from tracknet_plugins.codecs.argmax import Argmax
from tracknet_plugins.codecs.blob import Blob
from tracknet_plugins.codecs.box import Box
from tracknet_plugins.codecs.classes import Classes
from tracknet_plugins.codecs.dark import Dark
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.codecs.offsets import Offsets
from tracknet_plugins.codecs.policy import Hidden, Policy

CODECS = [Gaussian, Argmax, Dark, Blob, Box, Classes, Offsets]
UNLABELLED, ABSENT, EASY, HARD, OCCLUDED = (int(code) for code in Visibility)


def labels() -> Labels[Tensor]:
    """Frames of every code at (20, 12); the last is occluded, and nobody knows where."""
    codes = torch.tensor([[UNLABELLED, ABSENT, EASY, HARD, OCCLUDED, OCCLUDED]])
    points = torch.tensor([20.0, 12.0]).expand(1, 6, 1, 2).clone()
    points[0, 5] = torch.nan
    return Labels(points, codes, torch.zeros(1, 6))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("hidden", "balls", "weight"),
    [
        ("empty", [0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1]),
        ("ignore", [0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0]),
        ("ball", [0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 1, 0]),
    ],
)
def test_an_occluded_ball_trains_what_hidden_says(
    codec: type[Gaussian], hidden: Hidden, balls: list[int], weight: list[int]
) -> None:
    target: Target = codec(image_size=(40, 24), size=(40, 24), hidden=hidden).encode(labels(), (40, 24))
    assert target.has_ball.int().tolist() == [balls]
    assert target.weight.tolist() == [weight]
    assert target.values.flatten(2).amax(dim=-1).gt(0).int().tolist() == [balls]
    assert bool(target.values.isfinite().all())


def test_frames_count_by_their_visibility() -> None:
    policy = Policy("ball", {"hard": 2.0, "occluded": 3.0, "absent": 0.5})
    assert policy.choose(labels()).weight.tolist() == [[0, 0.5, 1, 2, 3, 0]]


@pytest.mark.parametrize(
    ("hidden", "weights", "message"),
    [
        ("show", None, r"^hidden: 'show' is unknown\. Give one of empty, ignore, ball\."),
        (
            "empty",
            {"blurred": 1.0},
            r"^weights: 'blurred' is no visibility\. Give weights for absent, easy, hard, occluded",
        ),
        ("empty", {"hard": -1.0}, r"^weights: hard is -1\.0\. Give a number of at least 0\."),
    ],
)
def test_bad_settings_are_refused(hidden: Hidden, weights: dict[str, float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy(hidden, weights)
