"""Averages of windows: probabilities of heatmaps, logits of anything else."""

from __future__ import annotations

import pytest
import torch

from tracknet_core.contracts import Codec
from tracknet_plugins.codecs.argmax import Argmax
from tracknet_plugins.codecs.blob import Blob
from tracknet_plugins.codecs.box import Box
from tracknet_plugins.codecs.classes import Classes
from tracknet_plugins.codecs.dark import Dark
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.codecs.offsets import Offsets


@pytest.mark.parametrize("codec", [Argmax, Blob, Box, Dark, Gaussian])
def test_of_heatmaps_probabilities_are_averaged(codec) -> None:
    logits = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([1.0, 2.0, 1.0])
    average = codec(image_size=(32, 24), size=(8, 6)).average(logits, weights)
    expected = (logits.sigmoid() * weights[:, None, None]).sum(0) / 4
    torch.testing.assert_close(average.sigmoid(), expected)


def test_of_grids_of_offsets_all_numbers_are_averaged() -> None:
    logits = torch.randn(3, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    average = Offsets(image_size=(32, 24), size=(8, 6)).average(logits, torch.tensor([1.0, 2.0, 1.0]))
    torch.testing.assert_close(
        average.sigmoid(), (logits[0].sigmoid() + 2 * logits[1].sigmoid() + logits[2].sigmoid()) / 4
    )


def test_of_classes_probabilities_are_averaged() -> None:
    logits = torch.randn(3, 5, 6, 8, generator=torch.Generator().manual_seed(0))
    average = Classes(image_size=(32, 24), size=(8, 6), levels=5).average(logits, torch.tensor([1.0, 2.0, 1.0]))
    p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    torch.testing.assert_close(average.softmax(dim=0), (p[0] + 2 * p[1] + p[2]) / 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_is_certain_stays_finite(dtype: torch.dtype) -> None:
    codec = Gaussian(image_size=(32, 24), size=(8, 6))
    for logit in (100.0, -100.0):
        average = codec.average(torch.full((2, 6, 8), logit, dtype=dtype), torch.ones(2, dtype=dtype))
        assert average.isfinite().all()
        assert (average > 10).all() if logit > 0 else (average < -10).all()


def test_a_codec_that_does_not_say_averages_logits() -> None:
    class Silent(Codec):
        def __init__(self) -> None:
            pass

    logits = torch.tensor([[[1.0, 2.0]], [[4.0, 8.0]]])  # (M, *form)
    torch.testing.assert_close(Silent().average(logits, torch.tensor([2.0, 1.0])), torch.tensor([[2.0, 4.0]]))
