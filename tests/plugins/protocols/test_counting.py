"""The protocols that count frames in the pixels of another picture, or divide by other balls: counts by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from tracknet_core.contracts import Detections, Outcome, Visibility
from tracknet_core.testing import check_constructor, check_protocol
from tracknet_plugins.protocols.counting import FrameCounts
from tracknet_plugins.protocols.racketvision import RacketVision
from tracknet_plugins.protocols.totnet import TOTNet
from tracknet_plugins.protocols.tracknet import TrackNet
from tracknet_plugins.protocols.tracknetv5 import TrackNetV5
from tracknet_plugins.protocols.wasb import WASB
from tracknet_plugins.protocols.yastrebksv import Yastrebksv

ALL = (TrackNet, TrackNetV5, Yastrebksv, RacketVision, TOTNet, WASB)
COUNTS = ("tp", "fp1", "fp2", "tn", "fn")
HD = (1280.0, 720.0)
FULL_HD = (1920.0, 1080.0)


def counted(
    protocol: type[FrameCounts], distances: list[float | None], codes: list[int], size: tuple[float, float] = HD
) -> dict[str, float]:
    """Return the figures of a clip of balls at (100.5, 100.5), found at a distance along x, or not at all (None)."""
    frames = len(distances)
    xy = torch.full((1, frames, 2), 100.5)
    xy[0, [code == 0 for code in codes]] = math.nan
    found = torch.tensor([(100.5 + (distance or 0.0), 100.5) for distance in distances]).view(1, frames, 1, 2)
    present = torch.tensor([distance is not None for distance in distances], dtype=torch.bool).view(1, frames, 1)
    metric = protocol()  # type: ignore[call-arg]
    metric.update(
        Detections.at(found, torch.ones(1, frames, 1), present),
        xy.unsqueeze(-2),
        torch.tensor([codes], dtype=torch.int64),
        torch.ones(1, frames, dtype=torch.bool),
        torch.tensor([size]),
    )
    return {name: value.item() for name, value in metric.compute().items()}


def counts(figures: dict[str, float]) -> tuple[int, ...]:
    return tuple(int(figures[name]) for name in COUNTS)


@pytest.mark.parametrize("protocol", ALL)
def test_the_contract_is_kept(protocol: type[FrameCounts]) -> None:
    check_constructor("protocols", protocol)
    check_protocol(protocol())  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("protocol", "size", "close", "far"),
    [
        # In 512x288, 1280x720 shrinks by 0.4: the ball is in column 40, and 4 whole columns on is ends at x = 112.
        (TrackNet, HD, 11.4, 11.6),
        (RacketVision, HD, 11.4, 11.6),
        (TrackNetV5, HD, 8.9, 9.1),  # less than 4 columns: column 43 ends at x = 109.5
        # 1920x1080 shrinks by 4/15: column 26 (26.43 rounded), and column 30 ends at x = 115.75.
        (TrackNet, FULL_HD, 15.2, 15.3),
        (Yastrebksv, HD, 4.99, 5.0),
        (Yastrebksv, FULL_HD, 7.49, 7.5),  # 5 px of 1280 are 7.5 px of 1920
        (WASB, FULL_HD, 3.99, 4.0),
        (TOTNet, HD, 13.9, 14.1),  # columns 40 (40.2 cut) and 45, which ends at x = 114.5
        # 26.8 is cut to column 26; column 31 ends at x = 119.5. So 5 px are 18.75 here, and 5.01 would be close.
        (TOTNet, FULL_HD, 18.9, 19.1),
    ],
)
def test_close_is_in_the_pixels_of_the_rule(
    protocol: type[FrameCounts], size: tuple[float, float], close: float, far: float
) -> None:
    assert counts(counted(protocol, [close, far], [1, 1], size)) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize(("protocol", "expected"), [(TrackNet, 1), (RacketVision, 1), (TrackNetV5, 0)])
def test_a_distance_of_exactly_four_columns(protocol: type[FrameCounts], expected: int) -> None:
    # Column 40 and column 44, whose centre is at x = 44.5 / 0.4 - 0.5 = 110.75.
    assert counted(protocol, [10.25], [1])["tp"] == expected


@pytest.mark.parametrize(
    ("protocol", "recall"),
    [(TrackNet, 2 / 3), (TrackNetV5, 2 / 3), (TOTNet, 2 / 3), (Yastrebksv, 2 / 6), (RacketVision, 2 / 6)],
)
def test_recall_divides_by_the_balls_of_the_rule(protocol: type[FrameCounts], recall: float) -> None:
    figures = counted(protocol, [0.0, 1.0, 50.0, 50.0, 50.0, None, 0.0, None], [1, 1, 1, 1, 1, 1, 0, 0])

    assert counts(figures) == (2, 3, 1, 1, 1)
    assert figures["precision"] == pytest.approx(2 / 6)
    assert figures["recall"] == pytest.approx(recall)
    assert figures["f1"] == pytest.approx(2 * (2 / 6) * recall / (2 / 6 + recall))
    assert figures["accuracy"] == pytest.approx(3 / 8)


def test_hidden_balls_count_where_the_rule_says_so() -> None:
    distances, codes = [0.0, None], [int(Visibility.OCCLUDED)] * 2

    assert counts(counted(TOTNet, distances, codes)) == (1, 0, 0, 0, 1)
    assert counted(TOTNet, distances, codes)["recall_occluded"] == 0.5
    assert counts(counted(WASB, distances, codes)) == (0, 0, 1, 1, 0)
    assert "recall_occluded" not in counted(WASB, distances, codes)


def test_a_hidden_ball_without_a_place_is_left_out() -> None:
    metric = TOTNet()
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.full((1, 1, 1, 2), math.nan),
        torch.tensor([[3]]),
        torch.tensor([[True]]),
        torch.tensor([HD]),
    )

    assert metric.counts.sum() == 0


def test_a_rule_says_which_count_each_frame_adds_to() -> None:
    metric = WASB()
    found = torch.tensor([(10.0, 10.0), (20.0, 10.0), (10.0, 10.0), (0.0, 0.0), (0.0, 0.0), (10.0, 10.0)])
    present = torch.tensor([True, True, True, False, False, True]).view(1, 6, 1)
    truth = torch.tensor(
        [(10.0, 12.0), (10.0, 10.0), (math.nan, math.nan), (math.nan, math.nan), (5.0, 5.0), (1.0, 1.0)]
    )

    outcomes = metric.outcomes(
        Detections.at(found.view(1, 6, 1, 2), torch.ones(1, 6, 1), present),
        truth.view(1, 6, 1, 2),
        torch.tensor([[1, 2, 0, 0, 1, -1]]),
        torch.ones(1, 6, dtype=torch.bool),
        torch.tensor([HD]),
    )

    said = [Outcome(code).name for code in outcomes[0].tolist()]
    assert said == ["TP", "FP1", "FP2", "TN", "FN", "UNCOUNTED"]
    assert metric.counts.sum() == 0


def test_root_mean_square_is_in_pixels_of_the_rule_over_balls_that_were_found() -> None:
    figures = counted(Yastrebksv, [3.0, 4.0, None, 100.0], [1, 2, 1, 0], FULL_HD)

    assert figures["rmse"] == pytest.approx((((3 / 1.5) ** 2 + (4 / 1.5) ** 2) / 2) ** 0.5)


def test_totnet_gives_shares_within_radii() -> None:
    # 512x288: 2.5 px of 1280x720 are a column. From column 40, these are 1, 2, 4 and 12 away.
    figures = counted(TOTNet, [2.0, 5.0, 10.0, 30.0, None], [1, 1, 2, 3, 1])

    expected = {"pck@1": 1 / 5, "pck@2": 2 / 5, "pck@3": 2 / 5, "pck@4": 3 / 5, "pck@5": 3 / 5}
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize(
    ("distances", "codes", "expected"),
    [([], [], (0, 0, 0, 0, 0)), ([None, None], [0, 0], (0, 0, 0, 2, 0)), ([0.0], [-1], (0, 0, 0, 0, 0))],
    ids=["empty clip", "no ball at all", "unlabelled"],
)
def test_without_balls_no_ratio_is_defined(
    protocol: type[FrameCounts], distances: list[float | None], codes: list[int], expected: tuple[int, ...]
) -> None:
    figures = counted(protocol, distances, codes)

    assert counts(figures) == expected
    shares = [name for name in figures if name in ("precision", "recall", "f1", "ap", "rmse") or "pck" in name]
    assert len(shares) >= 4
    assert all(math.isnan(figures[name]) for name in shares)


@pytest.mark.parametrize("protocol", ALL)
def test_a_false_ball_is_an_error_where_there_is_none(protocol: type[FrameCounts]) -> None:
    figures = counted(protocol, [5.0, None], [0, 0])

    assert (figures["precision"], figures["f1"], figures["accuracy"]) == (0.0, 0.0, 0.5)
    assert math.isnan(figures["recall"])


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("distance", [None, 200.0], ids=["not found", "found elsewhere"])
def test_with_a_ball_a_ratio_of_nothing_to_nothing_is_zero(protocol: type[FrameCounts], distance: float | None) -> None:
    figures = counted(protocol, [distance], [1])

    assert [figures[name] for name in ("precision", "recall", "f1", "accuracy")] == [0.0] * 4
    assert figures.get("ap", 0.0) == figures.get("pck@20", 0.0) == 0.0


@pytest.mark.parametrize("protocol", ALL)
def test_counts_are_whole_numbers_and_figures_are_not(protocol: type[FrameCounts]) -> None:
    figures = counted(protocol, [1.0, None], [1, 0])

    assert {name for name, value in figures.items() if isinstance(value, int)} == set(COUNTS)


def one_count(protocol: type[FrameCounts], truth: tuple[float, float], found: tuple[float, float]) -> str:
    metric = protocol()  # type: ignore[call-arg]
    metric.update(
        Detections.at(torch.tensor(found).view(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.tensor(truth).view(1, 1, 1, 2),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        torch.tensor([HD]),
    )
    return next(name for name, value in metric.compute().items() if name in COUNTS and value == 1)


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        # Column 40 (102 / 2.5 = 40.8); a CSV of 112 is column 45 and one of 90 column 36.
        ((102.0, 250.0), (112.0, 250.0), "fp1"),
        ((102.0, 250.0), (90.0, 250.0), "tp"),
        # The disc around column 0 is columns 0 to 2, whose middle is 1; a CSV of 12 is column 5.
        ((0.0, 250.0), (12.0, 250.0), "tp"),
        # The same in both directions: (4, 3) is sqrt(9 + 4) from (1, 1).
        ((0.0, 0.0), (10.0, 7.0), "tp"),
        # The disc around column 511 is columns 509 to 511, whose middle is 510; 1267 is column 507, 1264 is 505.
        ((1279.0, 250.0), (1267.0, 250.0), "tp"),
        ((1279.0, 250.0), (1264.0, 250.0), "fp1"),
    ],
)
def test_tracknet_reads_the_truth_from_its_disc(
    truth: tuple[float, float], found: tuple[float, float], expected: str
) -> None:
    assert one_count(TrackNet, truth, found) == expected


@pytest.mark.parametrize(("protocol", "step", "expected"), [(Yastrebksv, 5.0, "fp1"), (WASB, 4.0, "fp1")])
@pytest.mark.parametrize("x", [124.1, 0.3, 77.7, 1003.9])
def test_a_distance_of_exactly_the_threshold_in_decimals(
    protocol: type[FrameCounts], step: float, expected: str, x: float
) -> None:
    assert one_count(protocol, (x, 50.0), (round(x + step, 1), 50.0)) == expected


@pytest.mark.parametrize("protocol", ALL)
def test_the_corner_is_a_place(protocol: type[FrameCounts]) -> None:
    metric = protocol()  # type: ignore[call-arg]
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.zeros(1, 1, 1, 2),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        torch.tensor([HD]),
    )

    assert metric.compute()["tp"] == 1


@pytest.mark.parametrize(
    ("widths", "written"),
    [
        # TrackNetV3's files: the left top of the column, cut to a whole number.
        ((512, 640, 854, 1280, 1366, 1536, 1920, 2560, 3840), lambda column, scale: int(column * scale)),
        # RacketVision's: the middle of the box, which may be the middle of a column.
        ((1280, 1366, 1536, 1920, 2560, 3840), lambda column, scale: int((column + 0.5 * (column % 2)) * scale)),
        # This project's: the centre of the column.
        ((512, 640, 854, 1280, 1366, 1536, 1920, 2560, 3840), lambda column, scale: (column + 0.5) * scale - 0.5),
    ],
)
@pytest.mark.parametrize("protocol", [TrackNet, TrackNetV5, TOTNet])
def test_a_column_of_the_map_is_found_again_in_what_was_written_for_it(
    protocol: type[FrameCounts], widths: tuple[int, ...], written: Callable[[int, float], float]
) -> None:
    columns = range(2, 510)  # where the disc is whole
    found = [[(written(column, width / 512), 100.0) for column in columns] for width in widths]
    # The first pixel that a code cuts to the column.
    truth = [[(float(-(-column * width // 512)), 100.0) for column in columns] for width in widths]
    shape = (len(widths), len(columns))
    metric = protocol()  # type: ignore[call-arg]

    metric.update(
        Detections.at(torch.tensor(found).unsqueeze(2), torch.ones(*shape, 1), torch.ones(*shape, 1, dtype=torch.bool)),
        torch.tensor(truth).unsqueeze(-2),
        torch.ones(shape, dtype=torch.int64),
        torch.ones(shape, dtype=torch.bool),
        torch.tensor([(width, 288.0) for width in widths]),
    )

    figures = metric.compute()
    assert (figures["tp"], figures["rmse"]) == (len(widths) * len(columns), 0.0)


@pytest.mark.parametrize(
    ("protocol", "x", "column", "distance"),
    [
        (TrackNetV5, 102.0, 40, 0.0),  # 102 * 0.4 = 40.8 is cut to 40; by half pixels it would be 41
        (TOTNet, 102.0, 40, 0.0),
        (RacketVision, 102.0, 40, 0.8),  # not rounded
        (TrackNetV5, 101.0, 41, 1.0),  # 40.4
        (RacketVision, 101.0, 41, 0.6),
    ],
)
def test_the_truth_is_scaled_as_in_the_code(
    protocol: type[FrameCounts], x: float, column: int, distance: float
) -> None:
    metric = protocol()  # type: ignore[call-arg]
    metric.update(
        Detections.at(
            torch.tensor([(column + 0.5) * 2.5 - 0.5, 100.75]).view(1, 1, 1, 2),  # row 40
            torch.ones(1, 1, 1),
            torch.ones(1, 1, 1, dtype=torch.bool),
        ),
        torch.tensor([[[[x, 100.0]]]]),  # row 40 exactly
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        torch.tensor([HD]),
    )

    assert metric.compute()["rmse"].item() == pytest.approx(distance, abs=1e-5)


def test_rules_are_said_in_a_sentence() -> None:
    assert TrackNet().rule == (
        "close is d <= 4 px of 512x288, both places in whole pixels, the true one read from a disc drawn there; "
        "recall tp / (tp + fn); visibility 1, 2, 3 is a ball"
    )
    assert RacketVision().rule == (
        "close is d <= 4 px of 512x288, the place found in whole pixels, the true one not rounded; "
        "recall tp / (tp + fn + fp1); visibility 1, 2, 3 is a ball"
    )
    assert TOTNet().rule == (
        "close is d <= 5 px of 512x288, both places in whole pixels, the true one cut to them; "
        "recall tp / (tp + fn); visibility 1, 2, 3 is a ball"
    )
    assert Yastrebksv().rule == (
        "close is d < 5 px of 1280x720; recall tp / (tp + fn + fp1); visibility 1, 2, 3 is a ball"
    )
