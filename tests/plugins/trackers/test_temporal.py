"""Convolutions along time."""

import torch

from tracknet_plugins.trackers.temporal import TemporalUNet


def test_it_has_as_many_parameters_as_published_and_keeps_the_length() -> None:
    network = TemporalUNet(3, 2, channels=(32, 64, 128), bottleneck=256, kernel=3)
    assert sum(parameter.numel() for parameter in network.parameters()) == 520_610
    assert network(torch.zeros(2, 3, 5)).shape == (2, 2, 5)


def test_a_frame_is_seen_from_a_frame_per_convolution_to_each_side() -> None:
    torch.manual_seed(0)
    network = TemporalUNet(1, 1, channels=(4, 4), bottleneck=4, kernel=3)
    x = torch.zeros(1, 1, 31)
    x[..., 15] = 1.0
    moved = (network(x) != network(torch.zeros(1, 1, 31)))[0, 0].nonzero()[:, 0]
    convolutions = 2 + 2 + 2 + 1
    assert 15 - convolutions <= moved.min()
    assert moved.max() <= 15 + convolutions
