"""The kit accepts protocols that keep the contract and tells what breaks it."""

from typing import Any

import pytest
import torch
from torchmetrics import Metric

from tracknet_core.contracts import Outcome, Visibility
from tracknet_core.testing import check_protocol


class Share(Metric):
    """Share of labelled, counted frames in which something is found."""

    rule = "any place is close"
    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("found", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("frames", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, detections: Any, points: Any, visibility: Any, counted: Any, size: Any) -> None:
        counted = counted & (visibility != Visibility.UNLABELLED)
        self.found += (detections.present[..., 0] & counted).sum()
        self.frames += counted.sum()

    def compute(self) -> Any:
        return {"share": self.found / self.frames}


class Silent(Share):
    rule = ""


class AllLabels(Share):
    def update(self, detections: Any, points: Any, visibility: Any, counted: Any, size: Any) -> None:
        super().update(detections, points, torch.ones_like(visibility), counted, size)


class AllFrames(Share):
    def update(self, detections: Any, points: Any, visibility: Any, counted: Any, size: Any) -> None:
        super().update(detections, points, visibility, torch.ones_like(counted), size)


class Last(Share):
    def update(self, *batch: Any) -> None:
        self.found, self.frames = torch.tensor(0.0), torch.tensor(0.0)
        super().update(*batch)


class NoSums(Share):
    def update(self, *batch: Any) -> None:
        super().update(*batch)
        self.frames = self.frames.square()

    def compute(self) -> Any:
        return {"some": (self.found > 0).float()}


class Undefined(Share):
    def compute(self) -> Any:
        return {"share": torch.tensor(torch.nan)}


class Judging(Share):
    def outcomes(self, detections: Any, points: Any, visibility: Any, counted: Any, size: Any) -> Any:
        found = torch.where(detections.present[..., 0], Outcome.TP, Outcome.FN)
        return torch.where(visibility == Visibility.UNLABELLED, Outcome.UNCOUNTED, found)

    def compute(self) -> Any:
        none = dict.fromkeys(("fp1", "fp2", "tn"), torch.tensor(0))
        return {"tp": self.found.long(), "fn": (self.frames - self.found).long(), **none}


class JudgingAll(Judging):
    def outcomes(self, *batch: Any) -> Any:
        return super().outcomes(*batch).clamp(min=Outcome.TP)


class Misjudging(Judging):
    def outcomes(self, *batch: Any) -> Any:
        said = super().outcomes(*batch)
        return torch.where(said == Outcome.FN, Outcome.TN, said)


@pytest.mark.parametrize("protocol", [Share(), Judging()])
def test_a_protocol_passes(protocol):
    check_protocol(protocol)


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Silent(), "rule is a sentence"),
        (NoSums(), "the state 'frames' is no sum"),
        (AllLabels(), "an UNLABELLED frame counts"),
        (AllFrames(), "not 'counted' counts"),
        (Last(), "batches do not add up"),
        (Undefined(), "'share' is nan"),
        (JudgingAll(), "an UNLABELLED frame is UNCOUNTED"),
        (Misjudging(), "1 outcomes are TN: 'tn' is 0"),
    ],
)
def test_broken_protocols_are_refused(refused, protocol, words):
    with refused(words):
        check_protocol(protocol)
