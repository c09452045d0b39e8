"""Networks with plain tensors as results."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import build_model
from tracknet_core.config import Config
from tracknet_core.contracts import Codec, Detections, Labels, Target
from tracknet_core.exporting.network import Portable, can_be_graph, with_decoding
from tracknet_core.model import BallTracker


class CellByCell(Codec):
    """Its work depends on how many cells are above 0: the place is their mean."""

    size = (32, 24)

    def encode(self, labels: Labels[Tensor], size: Any) -> Target:
        raise NotImplementedError

    def decode(self, logits: Tensor) -> Detections:
        places = torch.zeros(*logits.shape[:2], 1, 2)
        for b, k in {(b, k) for b, k, _, _ in (logits > 0).nonzero().tolist()}:
            rows, columns = (logits[b, k] > 0).nonzero(as_tuple=True)
            places[b, k, 0] = torch.stack([columns.float().mean(), rows.float().mean()])
        score = logits.amax(dim=(-2, -1))[..., None].sigmoid()
        return Detections.at(places, score, score > 0.5)


@pytest.fixture
def model(config: Config) -> BallTracker:
    torch.manual_seed(0)
    return build_model(config)


@pytest.fixture
def frames() -> Tensor:
    return torch.randint(256, (2, 3, 3, 48, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_logits_and_detections_come_out(model: BallTracker, frames: Tensor) -> None:
    network = Portable(model, frames)
    assert not model.training
    logits, points, score, present = network(frames)
    detections = model.detect(frames)
    assert torch.equal(logits, model(frames))
    assert all(map(torch.equal, (points, score, present), (detections.points, detections.score, detections.present)))
    assert with_decoding(network, CellByCell())(frames)[1].equal(points)  # as the network says


def test_a_decoding_that_is_no_graph_is_left_out(
    model: BallTracker, frames: Tensor, capfd: pytest.CaptureFixture[str]
) -> None:
    model.codec = CellByCell()
    network = Portable(model, frames)
    assert not network.decodes
    (logits,) = network(frames)
    assert capfd.readouterr() == ("", "")
    # Half of the cells of the tiny network are made positive: then there is something to find.
    again, xy, _, present = with_decoding(lambda given: (network(given)[0] - logits.median(),), model.codec)(frames)
    assert torch.equal(again, logits - logits.median())
    assert present.all()
    assert xy.min() > 0


def test_only_fixed_work_is_a_graph(model: BallTracker) -> None:
    logits = torch.zeros(1, 3, 24, 32)
    assert can_be_graph(model.codec, logits)
    assert not can_be_graph(CellByCell(), logits)
