"""Codec `sides`: two distributions, along the width and along the height."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tracknet_core.contracts import Labels, Target, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.sides import Sides

EASY, OCCLUDED, ABSENT = int(Visibility.EASY), int(Visibility.OCCLUDED), int(Visibility.ABSENT)


def logarithms(values: Tensor) -> Tensor:
    return values.clamp(min=1e-9).log()


def encoded(codec: Sides, xy: list[float], code: int = EASY) -> Target:
    """Return the target of one frame with a ball at (x, y)."""
    return codec.encode(Labels(torch.tensor([[[xy]]]), torch.tensor([[code]]), torch.zeros(1, 1)), (40, 24))


@pytest.mark.parametrize(
    ("parameters", "tolerance"),
    [
        ({}, 0.05),
        ({"sigma": 2.0, "subpixel": False}, math.hypot(1, 2)),  # half a cell of 2 x 4 px
        ({"sigma": 0.0, "absent": "corner", "threshold": 0.0}, math.hypot(1, 2)),
    ],
)
def test_the_contract_is_kept(parameters: dict[str, object], tolerance: float) -> None:
    check_constructor("codecs", Sides)
    codec = Sides(image_size=(320, 192), size=(160, 48), **parameters)  # type: ignore[arg-type]
    check_codec(codec, image_size=(320, 192), tolerance=tolerance, to_logits=logarithms)


def test_a_gaussian_on_each_side_adds_up_to_one() -> None:
    codec = Sides(image_size=(40, 24), size=(20, 12), sigma=1.5)

    values = encoded(codec, [13.2, 7.7]).values[0, 0]

    for side, count, pixel in ((values[:20], 20, 13.2), (values[20:], 12, 7.7)):
        place = (pixel + 0.5) / 2 - 0.5
        heights = [math.exp(-((cell - place) ** 2) / (2 * 1.5**2)) for cell in range(count)]
        torch.testing.assert_close(side, torch.tensor([height / sum(heights) for height in heights]))


def test_without_a_sigma_the_nearest_cell_has_it_all_and_a_ball_outside_is_at_the_border() -> None:
    codec = Sides(image_size=(40, 24), size=(20, 12), sigma=0.0)
    assert encoded(codec, [13.2, 7.7]).values[0, 0].nonzero().flatten().tolist() == [6, 20 + 4]  # 6.35, 3.6 cells
    assert encoded(codec, [50.0, -3.0]).values[0, 0].nonzero().flatten().tolist() == [19, 20]


def test_a_frame_without_a_ball_is_flat_or_points_to_the_corner() -> None:
    flat = encoded(Sides(image_size=(40, 24), size=(20, 12)), [math.nan, math.nan], ABSENT)
    torch.testing.assert_close(flat.values[0, 0], torch.tensor([1 / 20] * 20 + [1 / 12] * 12))
    corner = Sides(image_size=(40, 24), size=(20, 12), absent="corner", threshold=0.0)
    target = encoded(corner, [math.nan, math.nan], ABSENT)
    assert target.values[0, 0].nonzero().flatten().tolist() == [0, 20]
    assert not corner.decode(logarithms(target.values)).present.any()


def test_a_hidden_ball_is_drawn_where_it_is_said_to_be_and_weighs_what_it_is_given() -> None:
    weights = {"absent": 1.0, "easy": 2.0, "hard": 2.0, "occluded": 3.0}
    codec = Sides(image_size=(40, 24), size=(20, 12), hidden="ball", weights=weights)
    hidden, seen = encoded(codec, [13.2, 7.7], OCCLUDED), encoded(codec, [13.2, 7.7])
    assert torch.equal(hidden.values, seen.values)
    assert hidden.has_ball.all()
    assert (hidden.weight.item(), seen.weight.item()) == (3.0, 2.0)


def test_a_score_is_the_share_around_the_peak_of_the_less_sure_side() -> None:
    columns = [0.1, 0.1, 0.1, 0.1, 0.5, 0.1]  # within 1 cell of the peak: 0.7
    rows = [0.0, 0.9, 0.1, 0.0]  # 1.0
    logits = logarithms(torch.tensor([[columns + rows]]))

    found = Sides(image_size=(12, 8), size=(6, 4), sigma=0.0, subpixel=False).decode(logits)

    assert found.score.item() == pytest.approx(0.7)
    assert found.xy[0, 0, 0].tolist() == [8.5, 2.5]
    assert found.present.item()


def test_windows_say_together_the_mean_of_their_probabilities() -> None:
    codec = Sides(image_size=(12, 8), size=(6, 4))
    logits = torch.tensor([[0.2, 0.8], [0.6, 0.4]]).log()

    torch.testing.assert_close(codec.average(logits, torch.tensor([1.0, 3.0])).exp(), torch.tensor([0.5, 0.5]))


def test_a_crop_has_the_proportions_of_the_image() -> None:
    codec = Sides(image_size=(40, 24), size=(20, 12))
    labels = Labels(torch.zeros(1, 1, 1, 2), torch.full((1, 1), EASY), torch.zeros(1, 1))
    assert codec.encode(labels, (20, 12)).values.shape == (1, 1, 10 + 6)
    with pytest.raises(ValueError, match=r"20x20 px has 10 \+ 10 cells.*20 to 12"):
        codec.encode(labels, (20, 20))
    with pytest.raises(ValueError, match="20 numbers are no two sides"):
        codec.decode(torch.zeros(1, 1, 20))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": -0.1}, "sigma: -0.1 cells"),
        ({"absent": "nowhere"}, "accepts: flat, corner"),
        ({"threshold": 1.1}, "threshold: 1.1 is no score"),
        ({"size": (10, 2)}, "no size of a heatmap"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sides(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
