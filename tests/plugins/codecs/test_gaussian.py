"""Codec `gaussian`: what is drawn, and that it is found again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.gaussian import Gaussian


def encoded(codec: Any, xy: Any, visible: Any, size: Any) -> Any:
    """Return the values that a codec draws for plain balls."""
    code = visible.long() * int(Visibility.EASY)
    return codec.encode(Labels(xy.unsqueeze(-2), code, torch.zeros(code.shape)), size).values


def logits_of(heights: torch.Tensor) -> torch.Tensor:
    """What a perfect network would give; a height of exactly 0 or 1 has no finite logit."""
    return torch.logit(heights.clamp(1e-7, 1 - 1e-6))


def all_visible(xy: torch.Tensor) -> torch.Tensor:
    return torch.ones(xy.shape[:2], dtype=torch.bool)


def test_the_contract_is_kept() -> None:
    check_constructor("codecs", Gaussian)
    check_codec(
        Gaussian(image_size=(320, 192), size=(160, 48), sigma=1.5, candidates=2), image_size=(320, 192), tolerance=0.05
    )


# --------------------------------------------------------------------------------------------- encode


def test_heights_equal_a_gaussian_computed_with_numpy() -> None:
    codec = Gaussian(image_size=(40, 24), size=(10, 8), sigma=1.5)
    xy = torch.tensor([[[13.25, 7.5], [0.0, 23.0]]])

    target = encoded(codec, xy, all_visible(xy), (40, 24))

    assert target.shape == (1, 2, 8, 10)
    for k, (x, y) in enumerate([(13.25, 7.5), (0.0, 23.0)]):
        # 4 pixels per cell across, 3 down; the centre of a cell is the mean of its pixels' places.
        columns = np.arange(40).reshape(10, 4).mean(axis=1)
        rows = np.arange(24).reshape(8, 3).mean(axis=1)
        squared = ((columns[None, :] - x) / 4) ** 2 + ((rows[:, None] - y) / 3) ** 2
        np.testing.assert_allclose(target[0, k].numpy(), np.exp(-squared / (2 * 1.5**2)), atol=1e-6)


def test_the_top_is_one_only_at_the_centre_of_a_cell() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10), sigma=2.0)
    # Cell (3, 5) covers pixels 12..15 and 20..23: its centre is at (13.5, 21.5), its corner at (15.5, 23.5).
    xy = torch.tensor([[[13.5, 21.5], [15.5, 23.5]]])

    target = encoded(codec, xy, all_visible(xy), (40, 40))

    assert target[0, 0, 5, 3] == 1.0
    assert target[0, 0].max() == 1.0
    corners = target[0, 1, 5:7, 3:5]
    torch.testing.assert_close(corners, torch.full((2, 2), math.exp(-0.5 / 8)))
    assert target[0, 1].max() == corners[0, 0]


def test_a_ball_that_is_not_visible_gives_an_empty_map_even_at_nan() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10))
    xy = torch.tensor([[[math.nan, math.nan], [20.0, 20.0]]])

    target = encoded(codec, xy, torch.tensor([[False, False]]), (40, 40))

    assert torch.equal(target, torch.zeros(1, 2, 10, 10))


def test_a_ball_outside_leaves_its_tail() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10), sigma=2.0)
    xy = torch.tensor([[[-6.5, 21.5]]])  # cell (-2, 5)

    target = encoded(codec, xy, all_visible(xy), (40, 40))

    torch.testing.assert_close(target[0, 0, 5, 0], torch.tensor(math.exp(-4 / 8)))


def test_a_crop_gets_the_part_of_the_map_that_it_shows() -> None:
    codec = Gaussian(image_size=(64, 48), size=(16, 16), sigma=1.3)
    xy = torch.tensor([[[30.0, 20.0]]])
    whole = encoded(codec, xy, all_visible(xy), (64, 48))

    crop = encoded(codec, xy - torch.tensor([16.0, 12.0]), all_visible(xy), (32, 24))

    assert crop.shape == (1, 1, 8, 8)
    torch.testing.assert_close(crop, whole[:, :, 4:12, 4:12])


def test_a_crop_that_is_no_whole_number_of_cells_is_refused() -> None:
    codec = Gaussian(image_size=(64, 48), size=(16, 16))
    xy = torch.zeros(1, 1, 2)

    with pytest.raises(ValueError, match=r"16 cells for its width of 64 px, so an input of 30 px would have 7\.5"):
        encoded(codec, xy, all_visible(xy), (30, 24))
    with pytest.raises(ValueError, match="16 cells for its height of 48 px, so an input of 6 px would have 2"):
        encoded(codec, xy, all_visible(xy), (32, 6))


def test_targets_are_float32_under_autocast() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10), sigma=2.0)
    xy = torch.tensor([[[17.2, 23.9]]])
    plain = encoded(codec, xy, all_visible(xy), (40, 40))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        target = encoded(codec, xy, all_visible(xy), (40, 40))

    assert target.dtype == torch.float32
    assert torch.equal(target, plain)


# --------------------------------------------------------------------------------------------- decode


@pytest.mark.parametrize(
    ("image_size", "size", "sigma"),
    [
        ((320, 192), (80, 48), 2.0),
        ((512, 288), (128, 72), 2.5),
        ((512, 288), (512, 288), 3.0),
        ((320, 192), (160, 48), 1.0),
        ((300, 200), (75, 25), 1.5),
        ((512, 288), (32, 18), 0.65),
        ((30, 30), (10, 10), 2.0),
    ],
)
def test_places_come_back_within_a_twentieth_of_a_cell(
    image_size: tuple[int, int], size: tuple[int, int], sigma: float
) -> None:
    codec = Gaussian(image_size=image_size, size=size, sigma=sigma)
    # The places reach the edges of the image, half a pixel beyond the centres of the outermost pixels.
    xy = torch.rand(8, 3, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor(image_size) - 0.5
    width, height = image_size
    corners = torch.tensor([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]).float()
    edges = torch.tensor([[-0.5, height / 2], [width - 0.5, 3], [width / 3, -0.5], [7.3, height - 0.5]])
    xy = torch.cat([xy, torch.stack([corners, edges, corners.flip(0)], dim=1)])

    detections = codec.decode(logits_of(encoded(codec, xy, all_visible(xy), image_size)))

    assert detections.xy.shape == (12, 3, 1, 2)
    assert detections.present.all()
    cell = torch.tensor(image_size) / torch.tensor(size)
    assert ((detections.xy[:, :, 0] - xy).abs() / cell).max() < 0.05


def test_a_place_in_a_crop_is_in_pixels_of_the_crop() -> None:
    codec = Gaussian(image_size=(320, 192), size=(80, 48), sigma=2.0)
    xy = torch.tensor([[[41.3, 8.8]]])

    detections = codec.decode(logits_of(encoded(codec, xy, all_visible(xy), (96, 64))))

    torch.testing.assert_close(detections.xy[:, :, 0], xy, atol=0.01, rtol=0)


@pytest.mark.parametrize(("height", "width_factor"), [(0.6, 1.0), (1.0, 1.4), (0.55, 0.8)])
def test_lower_and_wider_gaussians_than_trained_for_are_found_exactly(height: float, width_factor: float) -> None:
    codec = Gaussian(image_size=(160, 160), size=(40, 40), sigma=2.0)
    drawn = Gaussian(image_size=(160, 160), size=(40, 40), sigma=2.0 * width_factor)
    xy = torch.tensor([[[70.1, 61.7], [2.0, 157.0]]])

    detections = codec.decode(logits_of(height * encoded(drawn, xy, all_visible(xy), (160, 160))))

    torch.testing.assert_close(detections.xy[:, :, 0], xy, atol=0.02, rtol=0)


def test_noise_moves_a_place_by_a_tenth_of_a_cell_at_most_on_the_whole() -> None:
    codec = Gaussian(image_size=(320, 320), size=(80, 80), sigma=2.0)
    generator = torch.Generator().manual_seed(2)
    xy = 40 + 240 * torch.rand(100, 2, 2, generator=generator)
    heights = encoded(codec, xy, all_visible(xy), (320, 320))
    noisy = heights + 0.05 * torch.randn(heights.shape, generator=generator)

    detections = codec.decode(logits_of(noisy.clamp(1e-3, 1 - 1e-3)))

    error = (detections.xy[:, :, 0] - xy) / 4
    assert error.square().sum(dim=-1).mean().sqrt() < 0.1  # 0.066 measured; 0.22 with a parabola through three cells


def test_a_saturated_top_is_decoded_at_its_middle() -> None:
    codec = Gaussian(image_size=(160, 160), size=(40, 40), sigma=2.0)
    xy = torch.tensor([[[70.1, 61.7]]])
    heights = encoded(codec, xy, all_visible(xy), (160, 160))

    detections = codec.decode(logits_of((1.6 * heights).clamp(max=0.97)))

    error = (detections.xy[0, 0, 0] - xy[0, 0]) / 4
    assert error.abs().max() < 0.1


def test_half_precision_logits_are_decoded_in_float32() -> None:
    codec = Gaussian(image_size=(320, 192), size=(80, 48), sigma=2.0)
    xy = torch.tensor([[[100.3, 50.6]]])
    logits = logits_of(encoded(codec, xy, all_visible(xy), (320, 192)))

    for dtype in (torch.bfloat16, torch.float16):
        detections = codec.decode(logits.to(dtype))
        assert detections.xy.dtype == torch.float32
        assert detections.score.dtype == torch.float32
        torch.testing.assert_close(detections.xy[:, :, 0], xy, atol=0.05, rtol=0)


def test_an_empty_map_has_no_ball() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10), candidates=2)

    detections = codec.decode(torch.full((2, 3, 10, 10), -8.0))

    assert detections.present.shape == (2, 3, 2)
    assert not detections.present.any()
    assert detections.xy.isfinite().all()


def test_a_ball_is_present_from_the_threshold_on() -> None:
    logits = torch.full((1, 3, 10, 10), -8.0)
    logits[0, :, 4, 4] = torch.tensor([math.log(0.69 / 0.31), 0.0, math.log(0.71 / 0.29)])

    detections = Gaussian(image_size=(40, 40), size=(10, 10), threshold=0.7).decode(logits)

    torch.testing.assert_close(detections.score[0, :, 0], torch.tensor([0.69, 0.5, 0.71]))
    assert detections.present[0, :, 0].tolist() == [False, False, True]
    at_half = Gaussian(image_size=(40, 40), size=(10, 10), threshold=0.5).decode(logits)
    assert at_half.present[0, :, 0].tolist() == [True, True, True]


def test_candidates_come_best_first_and_missing_ones_are_not_present() -> None:
    codec = Gaussian(image_size=(160, 160), size=(40, 40), sigma=1.0, candidates=3)
    xy = torch.tensor([[[30.0, 40.0], [120.0, 90.0]]])
    heights = encoded(codec, xy, all_visible(xy), (160, 160))
    both = 0.7 * heights[:, :1] + 0.9 * heights[:, 1:]

    # -inf beside the bumps: nowhere else is a peak.
    detections = codec.decode(torch.where(both > 1e-3, logits_of(both), -torch.inf))

    torch.testing.assert_close(detections.xy[0, 0, :2], xy[0].flip(0), atol=0.02, rtol=0)
    assert detections.score[0, 0, 0] > detections.score[0, 0, 1] > detections.score[0, 0, 2]
    assert detections.present[0, 0].tolist() == [True, True, False]


def test_two_equal_cells_are_one_candidate_between_them() -> None:
    codec = Gaussian(image_size=(160, 160), size=(40, 40), sigma=1.5, candidates=2)
    xy = torch.tensor([[[79.5, 61.5]]])  # the border of columns 19 and 20, the centre of row 15
    heights = encoded(codec, xy, all_visible(xy), (160, 160))
    assert heights[0, 0, 15, 19] == heights[0, 0, 15, 20]

    detections = codec.decode(logits_of(heights))

    assert detections.present[0, 0].tolist() == [True, False]
    torch.testing.assert_close(detections.xy[0, 0, 0], xy[0, 0], atol=0.01, rtol=0)


def test_no_place_leaves_the_image() -> None:
    codec = Gaussian(image_size=(40, 40), size=(10, 10), sigma=2.0)
    logits = 6 * torch.randn(50, 4, 10, 10, generator=torch.Generator().manual_seed(3))

    xy = codec.decode(logits).xy

    assert xy.min() >= -0.5
    assert xy.max() <= 39.5


# ----------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": 0.0}, "sigma: 0.0 cells"),
        ({"sigma": -1.0}, "sigma: -1.0 cells"),
        ({"sigma": math.nan}, "sigma: nan cells"),
        ({"sigma": 0.5}, "Give 0.6 to 100"),
        ({"sigma": 1e300}, "Give 0.6 to 100"),
        ({"threshold": 1.5}, "threshold: 1.5 is no score"),
        ({"threshold": -0.1}, "from 0 to 1"),
        ({"candidates": 0}, "candidates: 0 per frame"),
        ({"candidates": 101}, "Give 1 to 100"),
        ({"size": (10, 2)}, r"size: \[10, 2\] is no size of a heatmap"),
        ({"size": (10, 10, 10)}, r"\[width, height\]"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Gaussian(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]


def test_a_size_from_yaml_is_a_list() -> None:
    assert Gaussian(image_size=(40, 40), size=[10, 8]).size == (10, 8)  # type: ignore[arg-type]
