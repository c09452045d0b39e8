"""Codec `box`: the disc of TrackNetV2, and the centre of the largest box."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.box import Box


def encoded(codec: Any, xy: Any, visible: Any, size: Any) -> Any:
    """Return the values that a codec draws for plain balls."""
    code = visible.long() * int(Visibility.EASY)
    return codec.encode(Labels(xy.unsqueeze(-2), code, torch.zeros(code.shape)), size).values


def empty() -> torch.Tensor:
    return torch.full((1, 1, 10, 12), -5.0)


@pytest.fixture
def codec() -> Box:
    """As many cells as pixels, so that places are cells."""
    return Box(image_size=(12, 10), size=(12, 10))


def test_the_contract_is_kept() -> None:
    check_constructor("codecs", Box)
    # A whole cell: off by half of one along each axis at most.
    check_codec(Box(image_size=(128, 96), size=(128, 96)), image_size=(128, 96), tolerance=0.5**0.5)


def test_the_disc_stands_on_the_cell_that_the_ball_is_in(codec: Box) -> None:
    xy = torch.tensor([[[4.6, 4.4], [5.4, 3.5]]])  # both in column 5, row 4

    target = encoded(codec, xy, torch.tensor([[True, True]]), (12, 10))

    assert target.sum(dim=(2, 3)).tolist() == [[21, 21]]
    assert torch.equal(target[:, 0], target[:, 1])
    assert target[0, 0, 2:7, 3:8].sum() == 21


def test_the_largest_box_wins_over_more_and_higher_cells(codec: Box) -> None:
    logits = empty()
    logits[0, 0, 0:3, 0:3] = 4.0  # nine cells in a box of nine
    for step in range(4):  # four cells, corner to corner, in a box of sixteen
        logits[0, 0, 5 + step, 6 + step] = 1.0

    detections = codec.decode(logits)

    # Columns 6 to 9, rows 5 to 8: the right and lower one of the two in the middle.
    assert detections.xy[0, 0].tolist() == [[8.0, 7.0]]
    assert detections.score[0, 0, 0].item() == pytest.approx(torch.tensor(1.0).sigmoid().item())
    assert detections.present[0, 0].tolist() == [True]


def test_the_centre_ignores_how_the_cells_are_spread(codec: Box) -> None:
    logits = empty()
    logits[0, 0, 4, 2:7] = 3.0
    logits[0, 0, 5, 2] = logits[0, 0, 6, 2] = 3.0

    assert codec.decode(logits).xy[0, 0, 0].tolist() == [4.0, 5.0]  # columns 2 to 6, rows 4 to 6


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ((1, 6), (8, 1), [2.0, 7.0]),  # the lower one, although the other is further right
        ((6, 1), (1, 8), [2.0, 7.0]),
        ((4, 4), (1, 8), [9.0, 5.0]),  # of the same rows, the right one
        ((4, 5), (8, 1), [2.0, 6.0]),  # its first row decides, though they share one
    ],
)
def test_of_two_equal_boxes_the_last_in_reading_order(
    codec: Box, rows: tuple[int, int], columns: tuple[int, int], expected: list[float]
) -> None:
    # As OpenCV 4.14 and 5.0 order contours, tried on 3,000 random maps: exactly from the last to the first.
    logits = empty()
    for row, column in zip(rows, columns, strict=True):
        logits[0, 0, row : row + 2, column : column + 2] = 1.0

    assert codec.decode(logits).xy[0, 0, 0].tolist() == expected


def test_of_equal_boxes_each_map_takes_its_own(codec: Box) -> None:
    logits = empty().repeat(2, 2, 1, 1)
    for batch, frame, row in ((0, 0, 1), (0, 0, 5), (0, 1, 3), (1, 1, 0), (1, 1, 8), (1, 1, 4)):
        logits[batch, frame, row, 2] = 1.0

    detections = codec.decode(logits)

    assert detections.present[..., 0].tolist() == [[True, True], [False, True]]
    assert detections.xy[..., 0, 1][detections.present[..., 0]].tolist() == [5.0, 3.0, 8.0]


def test_exactly_the_threshold_is_no_ball(codec: Box) -> None:
    logits = empty()
    logits[0, 0, 4, 4] = 0.0
    assert not codec.decode(logits).present.any()

    logits[0, 0, 4, 4] = 0.01
    assert codec.decode(logits).present.all()


def test_a_box_at_the_corner_and_an_empty_map(codec: Box) -> None:
    logits = empty().repeat(1, 2, 1, 1)
    logits[0, 1, 9, 11] = 5.0

    detections = codec.decode(logits)

    assert detections.present[0, :, 0].tolist() == [False, True]
    assert detections.xy[0, 1, 0].tolist() == [11.0, 9.0]
    assert detections.xy.isfinite().all()


def test_cells_become_pixels_by_the_half_pixel_rule() -> None:
    codec = Box(image_size=(24, 30), size=(12, 10))
    logits = empty()
    logits[0, 0, 4, 5] = 5.0

    assert codec.decode(logits).xy[0, 0, 0].tolist() == [10.5, 13.0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radius": 0.1}, "radius: 0.1 cells"),
        ({"threshold": 2.0}, "threshold: 2.0 is no score"),
        ({"size": (10,)}, r"\[width, height\]"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Box(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
