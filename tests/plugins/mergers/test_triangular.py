"""Merger `triangular`: the codec's average, the middle of a window counting most."""

from __future__ import annotations

import pytest
import torch

from tracknet_core.testing import check_constructor, check_merger
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.mergers.triangular import Triangular


def test_the_contract_is_kept() -> None:
    check_constructor("mergers", Triangular)
    check_merger(Triangular(targets=3, codec=Gaussian(image_size=(32, 24), size=(8, 6))))


@pytest.mark.parametrize(("targets", "weights"), [(1, [1]), (4, [1, 2, 2, 1]), (5, [1, 2, 3, 2, 1])])
def test_the_weights_are_those_of_tracknetv3(targets: int, weights: list[int]) -> None:
    merger = Triangular(targets=targets, codec=Gaussian(image_size=(32, 24), size=(8, 6)))
    certain = [torch.full((6, 8), 20.0), torch.full((6, 8), -20.0)]
    for position, weight in enumerate(weights):
        merged = merger(certain, [position, 0])
        torch.testing.assert_close(merged.sigmoid(), torch.full((6, 8), weight / (weight + 1)))
