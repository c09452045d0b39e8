"""Codec `streak`: what is drawn along a streak, and centre, length and angle of what is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.components import find_components, find_spread
from tracknet_plugins.codecs.streak import Streak, half_lines


def streaks(centre: Tensor, length: Tensor | float, degrees: Tensor) -> Tensor:
    """Both ends (..., 2, 2) of streaks around ``centre`` (..., 2)."""
    angle = degrees.deg2rad()
    half = torch.stack([angle.cos(), angle.sin()], dim=-1) * length / 2
    return torch.stack([centre - half, centre + half], dim=-2)


def drawn(codec: Streak, points: Tensor, size: tuple[int, int], code: int = Visibility.EASY) -> Tensor:
    """The values for streaks (B, K, 2, 2)."""
    codes = torch.full(points.shape[:2], int(code))
    return codec.encode(Labels(points, codes, torch.zeros(codes.shape)), size).values


@pytest.fixture
def codec() -> Streak:
    """As many cells as pixels, so that places are cells."""
    return Streak(image_size=(48, 40), size=(48, 40), candidates=2)


@pytest.mark.parametrize("rim", [None, 0.7])
def test_the_contract_is_kept(rim: float | None) -> None:
    check_constructor("codecs", Streak)
    check_codec(Streak(image_size=(128, 96), size=(128, 96), rim=rim), image_size=(128, 96), tolerance=0.6)
    check_codec(Streak(image_size=(128, 96), size=(64, 48), rim=rim), image_size=(128, 96), tolerance=1.4)


# --------------------------------------------------------------------------------------------- encode


def test_a_disc_is_swept_from_end_to_end(codec: Streak) -> None:
    values = drawn(codec, torch.tensor([[[[10.0, 8.0], [14.0, 8.0]]]]), (48, 40))[0, 0]

    # Where i^2 + j^2 <= 6.25 to the left of one end and to the right of the other; between them 5 rows.
    assert values[5:12, 7:18].int().tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert values.sum() == 41


@pytest.mark.parametrize("degrees", [0.0, 31.0, 90.0, 118.0])
def test_cells_are_those_that_a_fine_row_of_discs_covers(codec: Streak, degrees: float) -> None:
    points = streaks(torch.tensor([[[22.3, 19.6]]]), 11.0, torch.tensor([[degrees]]))

    values = drawn(codec, points, (48, 40))[0, 0].numpy()

    rows, columns = np.mgrid[:40, :48]
    first, last = points[0, 0].numpy()
    along = np.linspace(first, last, 2001)[:, :, None, None]
    nearest = np.hypot(columns - along[:, 0], rows - along[:, 1]).min(axis=0)
    np.testing.assert_array_equal(values, nearest <= 2.5)


def test_a_plain_ball_is_a_disc_of_21_cells(codec: Streak) -> None:
    assert drawn(codec, torch.full((1, 1, 2, 2), 9.0), (48, 40)).sum() == 21
    assert drawn(codec, torch.full((1, 1, 1, 2), 9.0), (48, 40)).sum() == 21  # Q = 1


def test_the_graded_target_falls_off_from_the_line_as_from_a_ball() -> None:
    codec = Streak(image_size=(48, 40), size=(48, 40), rim=0.7)

    values = drawn(codec, torch.tensor([[[[10.0, 8.0], [14.0, 8.0]]]]), (48, 40))[0, 0]

    expected = np.exp(-(np.arange(4) ** 2) / 2.5**2) / np.exp(-1) * 0.7
    expected = np.where(expected < 0.5, 0, np.minimum(expected, 1))
    np.testing.assert_allclose(values[8:12, 12].numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(values[8, 14:18].numpy(), expected, rtol=1e-6)


def test_a_streak_is_as_long_on_a_smaller_map_as_the_map_is_small() -> None:
    points = torch.tensor([[[[20.0, 50.0], [60.0, 50.0]]]])

    values = drawn(Streak(image_size=(96, 96), size=(48, 48)), points, (96, 96))[0, 0]

    assert values.any(dim=0).nonzero().flatten().tolist() == list(range(8, 33))  # 9.75 - 2.5 to 29.75 + 2.5
    assert values.any(dim=1).sum() == 5


def test_absent_and_hidden_balls_are_not_drawn(codec: Streak) -> None:
    points = torch.full((1, 1, 2, 2), torch.nan)
    assert not drawn(codec, points, (48, 40), Visibility.ABSENT).any()
    assert not drawn(codec, torch.full((1, 1, 2, 2), 9.0), (48, 40), Visibility.OCCLUDED).any()


# --------------------------------------------------------------------------------------------- decode


@pytest.mark.parametrize(
    ("length", "off", "degrees"), [(4.0, 0.9, 9.0), (6.0, 0.8, 6.0), (10.0, 0.8, 2.5), (20.0, 0.8, 1.0)]
)
def test_what_is_drawn_is_found_again(length: float, off: float, degrees: float) -> None:
    torch.manual_seed(0)
    codec = Streak(image_size=(48, 48), size=(48, 48), candidates=1)
    angle = torch.arange(0, 180, 7.5).expand(4, -1)
    centre = 24 + torch.rand(4, 24, 2)

    found = codec.decode((drawn(codec, streaks(centre, length, angle), (48, 48)) - 0.5) * 20)

    assert found.present.all()
    way = found.points[:, :, 0, 1] - found.points[:, :, 0, 0]
    error = way.norm(dim=-1) - length
    assert error.abs().max() < off
    assert error.mean().abs() < 0.15
    turned = (torch.atan2(way[..., 1], way[..., 0]).rad2deg() - angle + 90) % 180 - 90
    assert turned.abs().max() < degrees
    assert (found.xy[:, :, 0] - centre).norm(dim=-1).max() < 0.5


@pytest.mark.parametrize("radius", [0.7, 2.5, 6.0])
@pytest.mark.parametrize("half", [0.0, 0.4, 2.0, 15.0])
def test_the_line_of_a_swept_disc_follows_from_the_moments_of_its_area(radius: float, half: float) -> None:
    # The moments by a sum over a fine grid of points, of a disc that is swept along 30 degrees.
    side = np.linspace(-half - radius, half + radius, 1601)
    along, across = np.meshgrid(side, np.linspace(-radius, radius, 401))
    covered = np.hypot(np.maximum(np.abs(along) - half, 0), across) <= radius
    along, across = along[covered], across[covered]
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    x, y = along * cos - across * sin, along * sin + across * cos

    way = half_lines(torch.tensor([[(x * x).mean(), (y * y).mean(), (x * y).mean()]]).float())[0]

    assert way.norm() == pytest.approx(half, abs=0.02 * radius)
    if half:
        assert math.degrees(math.atan2(way[1], way[0])) == pytest.approx(30, abs=0.5)


def test_a_row_of_cells_and_a_lone_cell_have_finite_ends(codec: Streak) -> None:
    logits = torch.full((1, 1, 40, 48), -20.0)
    logits[0, 0, 5, 10:20] = logits[0, 0, 30, 7] = 20.0

    found = codec.decode(logits)

    first, second = found.points[0, 0]
    assert first.isfinite().all()
    assert first.mean(dim=0).tolist() == pytest.approx([14.5, 5.0])
    assert first[:, 1].tolist() == pytest.approx([5.0, 5.0])
    assert 8 < first[1, 0] - first[0, 0] < 10  # ten cells less a disc of the width of one
    assert second.tolist() == [pytest.approx([7.0, 30.0])] * 2


def test_the_place_is_weighted_by_heights_and_the_shape_is_not(codec: Streak) -> None:
    logits = torch.full((1, 1, 40, 48), -20.0)
    logits[0, 0, 8:13, 10:19] = 20.0
    even = codec.decode(logits)
    logits[0, 0, 8:13, 10:14] = math.log(0.6 / 0.4)

    found = codec.decode(logits)

    weights = np.repeat([0.6, 1.0], [4, 5])
    assert found.xy[0, 0, 0].tolist() == pytest.approx([np.average(np.arange(10, 19), weights=weights), 10.0])
    assert found.score[0, 0, 0].item() == pytest.approx(5 * weights.sum())
    ways = [detections.points[0, 0, 0].diff(dim=0) for detections in (even, found)]
    torch.testing.assert_close(ways[0], ways[1])


def test_ends_are_in_pixels_of_the_input_along_both_axes() -> None:
    codec = Streak(image_size=(96, 40), size=(48, 40), candidates=1)  # a cell is two pixels wide and one high
    logits = torch.full((1, 1, 40, 48), -20.0)
    logits[0, 0, 8:13, 10:30] = 20.0

    (left, top), (right, bottom) = codec.decode(logits).points[0, 0, 0].tolist()

    cells = Streak(image_size=(48, 40), size=(48, 40), candidates=1).decode(logits).points[0, 0, 0]
    assert (left, right) == pytest.approx((2 * cells[0, 0].item() + 0.5, 2 * cells[1, 0].item() + 0.5))
    assert (top, bottom) == pytest.approx((10, 10))


def test_an_empty_map_has_finite_ends_and_no_ball(codec: Streak) -> None:
    found = codec.decode(torch.full((2, 3, 40, 48), -20.0))

    assert found.points.shape == (2, 3, 2, 2, 2)
    assert not found.present.any()
    assert found.points.isfinite().all()


def test_the_spread_of_components_is_that_of_squares() -> None:
    logits = torch.full((1, 1, 9, 9), -20.0)
    logits[0, 0, 1, 1:5] = logits[0, 0, 4:8, 6] = logits[0, 0, 7, 7] = 20.0

    spread = find_spread(find_components(logits, 0.5))

    # Every square as 50 x 50 points.
    fine = (np.arange(50) + 0.5) / 50 - 0.5
    for number, cells in enumerate([[(x, 1) for x in range(1, 5)], [(6, y) for y in range(4, 8)] + [(7, 7)]]):
        x = np.concatenate([np.repeat(column + fine, 50) for column, _ in cells])
        y = np.concatenate([np.tile(row + fine, 50) for _, row in cells])
        expected = [x.var(), y.var(), ((x - x.mean()) * (y - y.mean())).mean()]
        np.testing.assert_allclose(spread[number].numpy(), expected, atol=1e-4)
    assert spread[-1].tolist() == pytest.approx([1 / 12, 1 / 12, 0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radius": 0.5}, "radius: 0.5 cells is out of range. Give at least 0.75"),
        ({"rim": 0.4}, "rim: 0.4 is no height.*0.5 to 1"),
        ({"threshold": 1.5}, "threshold: 1.5 is no score"),
        ({"candidates": 0}, "candidates: 0 per frame"),
        ({"size": (2, 10)}, "at least 3 each"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Streak(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
