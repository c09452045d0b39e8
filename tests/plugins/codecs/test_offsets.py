"""Codec `offsets`: GridTrackNet's cells, and the places in them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tracknet_core.contracts import Form, Labels, Target, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.offsets import Offsets


def encoded(codec: Offsets, x: float, y: float, size: tuple[int, int] = (96, 64)) -> Target:
    """Return the target of one ball."""
    codes = torch.full((1, 1), int(Visibility.EASY))
    return codec.encode(Labels(torch.tensor([[[[x, y]]]]), codes, torch.zeros(1, 1)), size)


@pytest.fixture
def codec() -> Offsets:
    """Cells of 16 pixels."""
    return Offsets(image_size=(96, 64), size=(6, 4))


def test_the_contract_is_kept() -> None:
    check_constructor("codecs", Offsets)
    assert Offsets.form == Form("offsets", channels=3)
    check_codec(Offsets(image_size=(768, 432), size=(48, 26)), image_size=(768, 432), tolerance=1e-3)
    check_codec(Offsets(image_size=(128, 96), size=(8, 6), candidates=4), image_size=(128, 96), tolerance=1e-3)


def test_offsets_are_measured_from_the_top_left_corner_of_the_cell(codec: Offsets) -> None:
    target = encoded(codec, 39.5, 20.5)  # 40 and 21 pixels from the corner of the image
    expected = torch.zeros(1, 1, 3, 4, 6)
    expected[0, 0, :, 1, 2] = torch.tensor([1, 8 / 16, 5 / 16])
    torch.testing.assert_close(target.values, expected)
    assert target.has_ball.all()


def test_a_ball_at_the_corner_of_a_cell_belongs_to_it(codec: Offsets) -> None:
    values = encoded(codec, 31.5, 15.5).values
    assert values[0, 0, 0].nonzero().tolist() == [[1, 2]]
    assert values[0, 0, 1:, 1, 2].tolist() == [0, 0]


@pytest.mark.parametrize(("x", "y"), [(-0.6, 20.0), (95.6, 20.0), (20.0, -0.6), (20.0, 63.6)])
def test_a_ball_outside_is_in_no_cell(codec: Offsets, x: float, y: float) -> None:
    target = encoded(codec, x, y)
    assert not target.values.any()
    assert not target.has_ball.any()
    assert target.weight.all()


def test_the_best_cells_are_found_with_the_place_in_them() -> None:
    codec = Offsets(image_size=(96, 64), size=(6, 4), candidates=3, threshold=0.4)
    logits = torch.full((1, 1, 3, 4, 6), -9.0)
    logits[0, 0, :, 1, 2] = torch.tensor([1.0, 0.0, math.log(3)])  # offsets of 1/2 and 3/4
    logits[0, 0, :, 3, 5] = torch.tensor([2.0, math.log(1 / 3), 0.0])
    logits[0, 0, 0, 3, 0] = -1.0  # below the threshold
    found = codec.decode(logits)
    assert found.present[0, 0].tolist() == [True, True, False]
    assert found.score[0, 0, :2].tolist() == pytest.approx([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))])
    assert found.xy[0, 0, 0].tolist() == pytest.approx([5.25 * 16 - 0.5, 3.5 * 16 - 0.5])
    assert found.xy[0, 0, 1].tolist() == pytest.approx([2.5 * 16 - 0.5, 1.75 * 16 - 0.5])


def test_the_highest_cell_is_found_in_half_precision(codec: Offsets) -> None:
    logits = torch.zeros(2, 2, 3, 4, 6, dtype=torch.bfloat16)
    logits[1, 0, 0, 2, 3] = 4
    found = codec.decode(logits)
    assert found.points.dtype == torch.float32
    assert found.xy[1, 0, 0].tolist() == [3.5 * 16 - 0.5, 2.5 * 16 - 0.5]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"threshold": -0.1}, "threshold: -0.1"),
        ({"candidates": 25}, "candidates: 25 .* 1 to 24"),
        ({"hidden": "show"}, "hidden: 'show'"),
        ({"size": (2, 4)}, r"size: \[2, 4\]"),
    ],
)
def test_bad_values_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Offsets(**({"image_size": (96, 64), "size": (6, 4)} | parameters))
