"""Networks that take the luma of frames alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import build_model
from tracknet_core.config import Config
from tracknet_core.exporting.luma_network import of_luma
from tracknet_core.exporting.network import Portable
from tracknet_core.model import BallTracker

DIFFERENCES = {"name": "differences", "keep_frames": True, "grey": True, "luma": True, "outputs": "all"}
STACK = {"name": "stack", "outputs": "all", "grey": True}


def built(config: Config, **parts: Any) -> BallTracker:
    torch.manual_seed(0)
    plain = replace(config.data, preprocess=replace(config.data.preprocess, normalize=False))
    return build_model(replace(config, data=plain, model=replace(config.model, **parts))).eval()


@pytest.fixture
def grey() -> Tensor:
    """Frames without colours (2, 3, 3, 48, 64)."""
    draw = torch.Generator().manual_seed(0)
    return torch.randint(256, (2, 3, 1, 48, 64), generator=draw, dtype=torch.uint8).expand(-1, -1, 3, -1, -1)


@pytest.mark.parametrize("seen", [DIFFERENCES, STACK])
def test_a_network_that_looks_at_luma_alone_takes_it_alone(config: Config, grey: Tensor, seen: dict[str, Any]) -> None:
    model = built(config, input=seen)
    network = of_luma(model)
    assert network is not None
    torch.testing.assert_close(network(grey[:, :, :1]), model(grey), rtol=1e-4, atol=1e-5)
    assert network.window == model.window


@pytest.mark.parametrize(
    "parts",
    [
        {"input": {"name": "stack", "outputs": "all", "grey": False}},
        {"input": {**DIFFERENCES, "luma": False}},
        {"input": {"name": "per_frame"}},
        {"input": DIFFERENCES, "head": {"name": "detail", "channels": 8, "prior": 0.5}},
    ],
)
def test_a_network_that_needs_more_than_luma_gets_it(config: Config, parts: dict[str, Any]) -> None:
    assert of_luma(built(config, **parts)) is None


def test_a_network_to_which_black_is_not_zero_keeps_its_colours(config: Config) -> None:
    model = built(config, input=DIFFERENCES)
    model.mean += 0.5  # at the border, where pictures are padded with 0, it would be another
    assert of_luma(model) is None


def test_windows_lose_their_colours_on_the_way_into_a_file(config: Config) -> None:
    network = Portable(built(config, input=DIFFERENCES), torch.zeros(1, 3, 3, 48, 64, dtype=torch.uint8))
    coloured = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 1, 3, 1, 1).expand(2, 3, 3, 48, 64)
    assert network.luma
    assert network.frames_of(coloured).unique().tolist() == [18]
    assert len(network(network.frames_of(coloured))) == 4
