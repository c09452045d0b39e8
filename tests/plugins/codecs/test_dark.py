"""Codec `dark`: slope and curvature of the smoothed heatmap's logarithm lead to the ball."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.argmax import Argmax
from tracknet_plugins.codecs.dark import Dark


def encoded(codec: Any, xy: Any, visible: Any, size: Any) -> Any:
    """Return the values that a codec draws for plain balls."""
    code = visible.long() * int(Visibility.EASY)
    return codec.encode(Labels(xy.unsqueeze(-2), code, torch.zeros(code.shape)), size).values


def logits_of(heights: torch.Tensor) -> torch.Tensor:
    return torch.logit(heights.clamp(1e-7, 1 - 1e-6))


def all_visible(xy: torch.Tensor) -> torch.Tensor:
    return torch.ones(xy.shape[:2], dtype=torch.bool)


def dark_by_hand(heights: np.ndarray, sigma: float) -> tuple[float, float]:
    """The paper's rule on a whole map: smooth, logarithm, one Newton step in central differences."""
    row, column = np.unravel_index(heights.argmax(), heights.shape)
    rows, columns = np.mgrid[: heights.shape[0], : heights.shape[1]]

    def at(dy: int, dx: int) -> float:
        kernel = np.exp(-((rows - row - dy) ** 2 + (columns - column - dx) ** 2) / (2 * sigma**2))
        return float(np.log((kernel * heights).sum()))

    gradient = np.array([at(0, 1) - at(0, -1), at(1, 0) - at(-1, 0)]) / 2
    xy = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4
    xx = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    yy = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    step = -np.linalg.inv(np.array([[xx, xy], [xy, yy]])) @ gradient
    return float(column + step[0]), float(row + step[1])


def test_the_contract_is_kept() -> None:
    check_constructor("codecs", Dark)
    codec = Dark(image_size=(320, 192), size=(160, 96), sigma=1.5, candidates=2)
    check_codec(codec, image_size=(320, 192), tolerance=0.1)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_places_come_back_within_a_fiftieth_of_a_cell(sigma: float) -> None:
    codec = Dark(image_size=(320, 192), size=(80, 48), sigma=sigma)
    generator = torch.Generator().manual_seed(1)
    # Far enough from the border for the whole of the kernel.
    xy = 60 + torch.rand(20, 3, 2, generator=generator) * torch.tensor([200.0, 72.0])

    detections = codec.decode(logits_of(encoded(codec, xy, all_visible(xy), (320, 192))))

    assert ((detections.xy[:, :, 0] - xy).abs() / 4).max() < 0.02


def test_a_lopsided_heatmap_gives_what_the_papers_rule_gives() -> None:
    codec = Dark(image_size=(30, 24), size=(30, 24), sigma=1.5)
    heights = torch.rand(24, 30, generator=torch.Generator().manual_seed(4)) * 0.3
    heights[10:14, 11:15] = torch.tensor([[0.5, 0.6, 0.5, 0.3], [0.6, 0.9, 0.8, 0.5], [0.5, 0.8, 0.7, 0.4], [0.3] * 4])

    detections = codec.decode(logits_of(heights)[None, None])

    # The kernel reaches 4 cells; what is beyond weighs less than exp(-5^2 / 4.5) = 0.004.
    assert detections.xy[0, 0, 0].tolist() == pytest.approx(dark_by_hand(heights.numpy(), 1.5), abs=0.02)


def test_it_is_finer_than_the_plain_cell_also_with_noise() -> None:
    generator = torch.Generator().manual_seed(2)
    xy = 60 + torch.rand(60, 1, 2, generator=generator) * torch.tensor([200.0, 72.0])
    errors = {}
    for codec in (Dark, Argmax):
        made = codec(image_size=(320, 192), size=(80, 48), sigma=2.0)
        heights = encoded(made, xy, all_visible(xy), (320, 192))
        noise = 0.05 * torch.randn(heights.shape, generator=torch.Generator().manual_seed(3))
        found = made.decode(logits_of((heights + noise).clamp(1e-3, 1 - 1e-3)))
        errors[codec.__name__] = ((found.xy[:, :, 0] - xy) / 4).norm(dim=-1).mean().item()
    assert errors["Dark"] < 0.1
    assert errors["Argmax"] > 0.38


def test_within_two_cells_of_the_border_a_place_is_its_cell() -> None:
    codec = Dark(image_size=(40, 40), size=(40, 40), sigma=2.0)
    xy = torch.tensor([[[1.3, 20.4], [20.4, 38.3]]])

    detections = codec.decode(logits_of(encoded(codec, xy, all_visible(xy), (40, 40))))

    assert detections.xy[0, :, 0].tolist() == [[1.0, 20.0], [20.0, 38.0]]


def test_a_flat_or_empty_map_has_finite_places() -> None:
    codec = Dark(image_size=(20, 20), size=(20, 20), candidates=2)
    logits = torch.stack([torch.full((20, 20), -200.0), torch.zeros(20, 20)])[None]

    detections = codec.decode(logits)

    assert detections.xy.isfinite().all()
    assert not detections.present[0, 0].any()


def test_no_place_moves_farther_than_sigma() -> None:
    codec = Dark(image_size=(20, 20), size=(20, 20), sigma=1.0)
    logits = 6 * torch.randn(50, 4, 20, 20, generator=torch.Generator().manual_seed(3))
    cell = Argmax(image_size=(20, 20), size=(20, 20)).decode(logits).xy

    assert (codec.decode(logits).xy - cell).abs().max() <= 1.0


def test_no_place_leaves_the_image() -> None:
    codec = Dark(image_size=(20, 20), size=(20, 20), sigma=3.0)
    heights = torch.full((20, 20), 1e-6)
    # Two ridges make the smoothed heatmap so flat at the peak, in column 2, that the way to its top is overrated.
    heights[7:14, 0] = heights[7:14, 8] = 0.89
    heights[10, 2] = 0.9

    found = codec.decode(logits_of(torch.stack([heights, heights.flip(1), heights.T, heights.T.flip(0)])[None]))

    expected = [[-0.5, 10.0], [19.5, 10.0], [10.0, -0.5], [10.0, 19.5]]
    torch.testing.assert_close(found.xy[0, :, 0], torch.tensor(expected), atol=1e-3, rtol=0)


def test_half_precision_logits_are_decoded_in_float32_under_autocast() -> None:
    codec = Dark(image_size=(320, 192), size=(80, 48))
    xy = torch.tensor([[[100.3, 90.6]]])
    logits = logits_of(encoded(codec, xy, all_visible(xy), (320, 192)))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        detections = codec.decode(logits.to(torch.bfloat16))

    assert detections.xy.dtype == torch.float32
    torch.testing.assert_close(detections.xy[:, :, 0], xy, atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": math.nan}, "sigma: nan cells"),
        ({"threshold": -1.0}, "threshold: -1.0 is no score"),
        ({"candidates": 0}, "candidates: 0 per frame"),
        ({"size": (10, 4)}, "at least 5 each"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Dark(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
