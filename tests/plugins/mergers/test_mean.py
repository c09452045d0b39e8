"""Merger `mean`: the codec's average, all windows counting the same."""

from __future__ import annotations

import torch

from tracknet_core.testing import check_constructor, check_merger
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.mergers.mean import Mean


def test_the_contract_is_kept() -> None:
    check_constructor("mergers", Mean)
    check_merger(Mean(codec=Gaussian(image_size=(32, 24), size=(8, 6))))


def test_heatmaps_have_their_mean_probability() -> None:
    chances = torch.tensor([0.9, 0.3, 0.6])
    maps = [chance.logit().expand(6, 8) for chance in chances]
    merged = Mean(codec=Gaussian(image_size=(32, 24), size=(8, 6)))(maps, [2, 1, 0])
    torch.testing.assert_close(merged.sigmoid(), torch.full((6, 8), 0.6))
