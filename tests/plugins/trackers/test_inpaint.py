"""Tracker `inpaint`: gaps filled by a network that has learned from trajectories."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Cost, Labels, LearnedTracker, Visibility
from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.inpaint import Inpaint

SIZE = (1280, 720)
SMALL = {"channels": (8, 8), "bottleneck": 8}


def build(frames: int = 16, **parameters) -> Inpaint:
    torch.manual_seed(0)
    settings = {"fps": 30.0, "size": SIZE, "gap": (3, 5), "max_gap": 5, **SMALL, **parameters}
    return Inpaint(frames=frames, **settings).eval()


def trained(frames: int = 16, **parameters) -> Inpaint:
    """Return one whose network says something."""
    tracker = build(frames, **parameters)
    torch.nn.init.normal_(tracker.network.last.weight, std=0.05)
    return tracker


def labels(xy: np.ndarray, code: Visibility = Visibility.EASY) -> Labels[torch.Tensor]:
    points = torch.as_tensor(xy, dtype=torch.float32)[None, :, None]
    return Labels(points, torch.full(points.shape[:2], int(code)), torch.zeros(points.shape[:2]))


def cost_of(tracker: Inpaint, windows: Labels[torch.Tensor], size: torch.Tensor) -> Cost:
    with torch.no_grad():
        return tracker.cost(windows, size)


def straight(frames: int) -> np.ndarray:
    return np.stack([100 + 20.0 * np.arange(frames), 300 + 5.0 * np.arange(frames)], axis=1)


@pytest.mark.parametrize("residual", [True, False])
def test_the_contract_is_kept(residual: bool) -> None:
    check_constructor("trackers", Inpaint)
    tracker = trained(residual=residual)
    check_tracker(tracker, size=SIZE)
    assert isinstance(tracker, LearnedTracker)
    assert tracker.delay == math.inf


def test_untrained_it_fills_along_a_straight_line_and_leaves_detections_and_ends(clip) -> None:
    places = straight(30)
    hidden = {0, 1, 8, 9, 10, 11, 12, 27, 28, 29}
    found = list(build()(clip(*([] if n in hidden else [(*xy, 0.8)] for n, xy in enumerate(places)))))
    origins = [frame.balls[0].origin if frame.balls else "" for frame in found]
    assert [n for n, origin in enumerate(origins) if origin == "filled"] == [8, 9, 10, 11, 12]
    assert [n for n, origin in enumerate(origins) if not origin] == [0, 1, 27, 28, 29]
    for n in range(2, 27):
        assert found[n].balls[0].xy == pytest.approx(tuple(places[n]), abs=1e-2)
    # 0.7 for each frame to the nearer side.
    assert [found[n].balls[0].score for n in range(8, 13)] == pytest.approx([0.8 * 0.7**n for n in (1, 2, 3, 2, 1)])


@pytest.mark.parametrize(("frames", "is_filled"), [(5, True), (6, False)])
def test_gaps_up_to_max_gap_are_filled(clip, frames: int, is_filled: bool) -> None:
    places = straight(30)
    found = build()(clip(*([] if 10 <= n < 10 + frames else [(*xy, 0.8)] for n, xy in enumerate(places))))
    assert any(frame.balls for frame in found if 10 <= frame.number < 10 + frames) is is_filled


def test_what_lies_outside_of_the_image_is_not_filled(clip) -> None:
    places = [(600.0, 20.0)] * 10
    tracker = trained()
    torch.nn.init.constant_(tracker.network.last.bias, -100.0)  # far to the left and above
    found = list(tracker(clip(*([] if 4 <= n < 7 else [(*xy, 0.8)] for n, xy in enumerate(places)))))
    assert [bool(frame.balls) for frame in found] == [True] * 4 + [False] * 3 + [True] * 3


def test_windows_that_hold_a_gap_are_averaged_with_weights_that_fall_to_their_ends(clip) -> None:
    # A gap of 3 in 8 frames, windows of 6: those from frame 1 and from frame 2 hold it and a detection to each side.
    places = straight(8)
    tracker = trained(6, gap=(1, 2), max_gap=3)
    found = list(tracker(clip(*([] if 3 <= n < 6 else [(*xy, 0.8)] for n, xy in enumerate(places)))))
    shares = torch.tensor((places + 0.5) / SIZE, dtype=torch.float32)
    kept = torch.tensor([not 3 <= n < 6 for n in range(8)])
    with torch.no_grad():
        said = {s: tracker.places(shares[None, s : s + 6], kept[None, s : s + 6])[0].numpy() for s in (1, 2)}
    for n in range(3, 6):
        weights = {s: min(n - s + 1, 6 - (n - s)) for s in said}
        mean = sum(weights[s] * said[s][n - s] for s in said) / sum(weights.values())
        assert found[n].balls[0].xy == pytest.approx(tuple(mean * SIZE - 0.5), abs=1e-2)


def test_the_cost_is_the_distance_from_the_hidden_places_in_image_heights() -> None:
    xy = straight(16)
    size = torch.tensor([SIZE], dtype=torch.float32)
    tracker = build(noise=0.0)
    assert cost_of(tracker, labels(xy), size).mean() < 1e-5
    # A corner in the middle: across it the straight line is off, by no more than its depth.
    corner = xy + np.abs(np.arange(16) - 8)[:, None] * (0.0, 36.0)
    costs = [cost_of(tracker, labels(corner), size) for _ in range(20)]
    assert max(float(cost.mean()) for cost in costs) > 0.01
    assert max(float(cost.mean()) for cost in costs) < 8 * 36 / 720
    assert {int(cost.count) for cost in costs} <= set(range(3, 11))


@pytest.mark.parametrize("mask", ["gaps", "independent"])
@pytest.mark.parametrize("code", [Visibility.ABSENT, Visibility.UNLABELLED])
def test_frames_without_a_known_place_cost_nothing(code: Visibility, mask: str) -> None:
    cost = cost_of(build(mask=mask), labels(np.full((16, 2), np.nan), code), torch.tensor([SIZE]))
    assert (float(cost.total), int(cost.count)) == (0.0, 0)
    assert torch.isfinite(cost.mean())


def test_it_learns_what_no_straight_line_knows(parabola) -> None:
    tracker = build(noise=0.0, kernel=5).train()
    size = torch.tensor([SIZE], dtype=torch.float32).expand(16, 2)
    path = labels(parabola(np.arange(16) / 16))
    batch = Labels(*(part.expand(16, *part.shape[1:]) for part in path))
    optimizer = torch.optim.Adam(tracker.parameters(), lr=1e-2)
    before = cost_of(tracker, batch, size).mean()
    for _ in range(60):
        optimizer.zero_grad()
        tracker.cost(batch, size).mean().backward()
        optimizer.step()
    assert cost_of(tracker, batch, size).mean() < before / 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"channels": ()}, "channels"),
        ({"kernel": 4}, "kernel: 4"),
        ({"gap": (3, 13)}, "gap: "),
        ({"mask_ratio": 1.0}, "mask_ratio"),
        ({"noise": -0.1}, "noise"),
        ({"max_gap": 15}, "max_gap: 15"),
        ({"decay": 2.0}, "decay"),
    ],
)
def test_a_bad_value_is_told(parameters, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**parameters)
