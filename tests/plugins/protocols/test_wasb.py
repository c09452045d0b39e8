"""Protocol `wasb`: counts worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.testing import check_constructor, check_protocol
from tracknet_plugins.protocols.wasb import WASB

Place = tuple[float, float]
NOWHERE = (math.nan, math.nan)
SIZE = torch.tensor([[1280.0, 720.0]])


def frame(detected: Place | None, place: Place, visibility: int, counted: bool = True) -> WASB:
    """Return the metric after one frame; the detection is None for "no ball"."""
    metric = WASB()
    metric.update(
        Detections.at(
            xy=torch.tensor(detected or (0.0, 0.0)).view(1, 1, 1, 2),
            score=torch.full((1, 1, 1), 0.9 if detected else 0.1),
            present=torch.tensor([[[detected is not None]]]),
        ),
        torch.tensor(place).view(1, 1, 1, 2),
        torch.tensor([[visibility]]),
        torch.tensor([[counted]]),
        SIZE,
    )
    return metric


def count(metric: WASB) -> str | None:
    """Return the one count that is 1, or None if all are 0."""
    counts = {name: int(value) for name, value in metric.compute().items() if name in ("tp", "fp1", "fp2", "tn", "fn")}
    assert sum(counts.values()) <= 1
    return next((name for name, value in counts.items() if value), None)


def test_the_contract_is_kept() -> None:
    check_constructor("protocols", WASB)
    check_protocol(WASB())


@pytest.mark.parametrize(
    ("detected", "place", "visibility", "expected"),
    [
        ((103.9, 50.0), (100.0, 50.0), Visibility.EASY, "tp"),
        ((104.0, 50.0), (100.0, 50.0), Visibility.EASY, "fp1"),  # d = 4 is not closer than 4
        ((102.0, 53.4), (100.0, 50.0), Visibility.HARD, "tp"),  # d = 3.945
        ((0.0, 0.0), (0.0, 0.0), Visibility.EASY, "tp"),  # the corner is a place, not "no ball"
        (None, (0.0, 0.0), Visibility.EASY, "fn"),
        (None, (100.0, 50.0), Visibility.HARD, "fn"),
        ((100.0, 50.0), NOWHERE, Visibility.ABSENT, "fp2"),
        (None, NOWHERE, Visibility.ABSENT, "tn"),
        ((100.0, 50.0), (100.0, 50.0), Visibility.OCCLUDED, "fp2"),  # WASB expects no ball where it is hidden
        (None, (100.0, 50.0), Visibility.OCCLUDED, "tn"),
        ((100.0, 50.0), (100.0, 50.0), Visibility.UNLABELLED, None),
        (None, NOWHERE, Visibility.UNLABELLED, None),
    ],
)
def test_each_kind_of_frame_has_its_count(
    detected: Place | None, place: Place, visibility: int, expected: str | None
) -> None:
    assert count(frame(detected, place, visibility)) == expected


@pytest.mark.parametrize("detected", [None, (100.0, 50.0)])
@pytest.mark.parametrize("visibility", list(Visibility))
def test_a_frame_that_is_not_counted_is_left_out(detected: Place | None, visibility: Visibility) -> None:
    assert count(frame(detected, (100.0, 50.0), visibility, counted=False)) is None


def batch(kinds: str) -> tuple[Detections, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a batch (1, K) of frames that are T = tp, 1 = fp1, 2 = fp2, N = tn, F = fn."""
    x = torch.tensor([{"T": 1.0, "1": 9.0}.get(kind, 0.0) for kind in kinds])
    detections = Detections.at(
        xy=torch.stack([x, torch.zeros_like(x)], dim=-1).view(1, -1, 1, 2),
        score=torch.ones(1, len(kinds), 1),
        present=torch.tensor([kind in "T12" for kind in kinds], dtype=torch.bool).view(1, -1, 1),
    )
    visibility = torch.tensor(
        [[Visibility.ABSENT if kind in "2N" else Visibility.EASY for kind in kinds]], dtype=torch.int64
    )
    return detections, torch.zeros(1, len(kinds), 1, 2), visibility, torch.ones(1, len(kinds), dtype=torch.bool), SIZE


def test_figures_worked_by_hand_over_two_batches() -> None:
    metric = WASB()
    metric.update(*batch("TTTTT11F"))
    metric.update(*batch("T2NNNNFF"))

    figures = metric.compute()

    # tp 6, fp1 2, fp2 1, tn 4, fn 3: fp1 is in the precision and not in the recall.
    assert {name: value.item() for name, value in figures.items()} == pytest.approx(
        {
            "precision": 6 / 9,
            "recall": 6 / 9,
            "f1": 6 / 9,
            "accuracy": 10 / 16,
            "rmse": (6 * 1 + 2 * 81) ** 0.5 / 8**0.5,
            "ap": 6 / 9 * 6 / 9,  # all have one score: one point, recall times precision
            "recall_easy": 6 / 9,
            "tp": 6,
            "fp1": 2,
            "fp2": 1,
            "tn": 4,
            "fn": 3,
        }
    )
    assert all(value.shape == () for value in figures.values())


def test_recall_leaves_out_what_was_found_in_the_wrong_place() -> None:
    metric = WASB()
    metric.update(*batch("T111"))

    figures = metric.compute()

    assert figures["precision"] == 0.25
    assert figures["recall"] == 1.0
    assert figures["f1"] == pytest.approx(0.4)
    assert figures["accuracy"] == 0.25


@pytest.mark.parametrize(
    ("kinds", "share", "accuracy"), [("FFF", 0.0, 0.0), ("NN", math.nan, 1.0), ("", math.nan, math.nan)]
)
def test_nothing_over_nothing_is_zero_if_there_is_a_ball(kinds: str, share: float, accuracy: float) -> None:
    metric = WASB()
    metric.update(*batch(kinds))

    figures = {name: value.item() for name, value in metric.compute().items()}

    assert [figures[name] for name in ("precision", "recall", "f1", "ap")] == pytest.approx([share] * 4, nan_ok=True)
    assert figures["accuracy"] == pytest.approx(accuracy, nan_ok=True)


def test_only_the_best_candidate_counts() -> None:
    metric = WASB()
    detections = Detections.at(
        xy=torch.tensor([[[[90.0, 0.0], [0.0, 0.0]]]]),
        score=torch.tensor([[[0.9, 0.8]]]),
        present=torch.tensor([[[True, True]]]),
    )

    metric.update(detections, torch.zeros(1, 1, 1, 2), torch.tensor([[1]]), torch.tensor([[True]]), SIZE)

    assert count(metric) == "fp1"


def test_counts_of_several_processes_are_added() -> None:
    metric = WASB()
    metric.update(*batch("TT12NF"))

    metric.sync(dist_sync_fn=lambda state, group: [state, state], distributed_available=lambda: True)

    assert metric.counts.sum(dim=0).tolist() == [4, 2, 2, 2, 2]
    assert torch.as_tensor(metric.scores).shape == torch.as_tensor(metric.hits).shape == (8,)


def scored(metric: WASB, frames: list[tuple[str, float]]) -> WASB:
    """Count frames of these kinds, with these scores."""
    detections, *truth = batch("".join(kind for kind, _ in frames))
    score = torch.tensor([score for _, score in frames]).view(1, -1, 1)
    metric.update(Detections.at(detections.xy, score, detections.present), *truth)
    return metric


FRAMES = [("T", 0.9), ("1", 0.8), ("T", 0.7), ("2", 0.6), ("T", 0.5), ("F", 0.4), ("N", 0.3), ("2", 0.2)]


def test_average_precision_worked_by_hand() -> None:
    # Recall grows by 1/4 (3 tp and 1 fn) at ranks 1, 3 and 5, where precision is 1, 2/3 and 3/5.
    expected = (1 + 2 / 3 + 3 / 5) / 4

    assert scored(WASB(), FRAMES).compute()["ap"].item() == pytest.approx(expected)


def test_average_precision_depends_neither_on_the_order_nor_on_the_batches() -> None:
    metric = scored(scored(WASB(), FRAMES[:2:-1]), FRAMES[2::-1])

    assert metric.compute()["ap"].item() == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)


@pytest.mark.parametrize("order", [1, -1])
def test_equal_scores_enter_the_average_precision_together(order: int) -> None:
    frames = [("T", 0.9), ("T", 0.5), ("1", 0.5), ("2", 0.5)][::order]

    # 1/2 of the recall at precision 1, the other half at 2 of 4.
    assert scored(WASB(), frames).compute()["ap"].item() == pytest.approx(0.5 * 1 + 0.5 * 0.5)


def test_average_precision_over_processes_is_that_of_all_scores() -> None:
    metric = scored(WASB(), FRAMES)
    metric.distributed_available_fn = lambda: True
    metric.dist_sync_fn = lambda state, group: [state, state]

    # Every score twice: recall grows at ranks 2, 6 and 10 of pairs, at the same precisions as before.
    figures = metric.compute()
    assert figures["tp"] == 6
    assert figures["ap"].item() == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)


def test_recall_is_given_for_every_class_that_occurs() -> None:
    metric = WASB()
    detections, points, visibility, counted, size = batch("TF1TTF")
    visibility[0, 3:] = int(Visibility.HARD)
    metric.update(detections, points, visibility, counted, size)

    figures = {name: value.item() for name, value in metric.compute().items() if name.startswith("recall_")}

    assert figures == pytest.approx({"recall_easy": 1 / 2, "recall_hard": 2 / 3})


def test_without_a_detection_there_is_no_distance() -> None:
    metric = WASB()
    metric.update(*batch("NF"))

    assert math.isnan(metric.compute()["rmse"].item())


def test_the_rule_is_said_in_a_sentence() -> None:
    assert WASB().rule == ("close is d < 4 px of the original video; recall tp / (tp + fn); visibility 1, 2 is a ball")


def test_reset_forgets() -> None:
    metric = WASB()
    metric.update(*batch("T12NF"))
    metric.reset()
    metric.update(*batch("N"))

    assert count(metric) == "tn"
