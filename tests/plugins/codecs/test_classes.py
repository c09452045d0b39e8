"""Codec `classes`: TrackNet's grey levels, and the centres of what is above half."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import Form, Labels, Target, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.classes import Classes


def encoded(codec: Classes, x: float, y: float, size: tuple[int, int]) -> Target:
    """Return the target of one ball."""
    codes = torch.full((1, 1), int(Visibility.EASY))
    return codec.encode(Labels(torch.tensor([[[[x, y]]]]), codes, torch.zeros(1, 1)), size)


def logits_of(levels: Any, count: int) -> torch.Tensor:
    """Return logits (1, 1, count, h, w) whose highest class in each cell is that of ``levels``."""
    return F.one_hot(torch.as_tensor(levels), count).permute(2, 0, 1)[None, None].float()


@pytest.fixture
def codec() -> Classes:
    """As many cells as pixels, so that places are cells."""
    return Classes(image_size=(12, 10), size=(12, 10), levels=16, candidates=3)


@pytest.mark.parametrize("levels", [2, 5, 16, 256])
def test_the_contract_is_kept(levels: int) -> None:
    check_constructor("codecs", Classes)
    codec = Classes(image_size=(64, 48), size=(64, 48), levels=levels)
    assert codec.form == Form("classes", channels=levels, indices=True)
    check_codec(codec, image_size=(64, 48), tolerance=0.6)
    check_codec(Classes(image_size=(128, 96), size=(64, 48), levels=levels), image_size=(128, 96), tolerance=1.2)


def test_the_class_of_a_cell_is_the_nearest_level_of_the_gaussian() -> None:
    codec = Classes(image_size=(32, 24), size=(32, 24), levels=256, sigma=2.0)
    target = encoded(codec, 10.25, 7.5, (32, 24))
    assert target.values.dtype == torch.int64
    assert target.values.shape == (1, 1, 24, 32)
    for x, y in ((10, 7), (10, 8), (13, 5), (20, 20)):
        height = math.exp(-((x - 10.25) ** 2 + (y - 7.5) ** 2) / (2 * 2.0**2))
        assert int(target.values[0, 0, y, x]) == round(255 * height)


def test_a_frame_without_a_ball_is_of_class_0_everywhere(codec: Classes) -> None:
    labels = Labels(torch.full((1, 1, 1, 2), torch.nan), torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1))
    target = codec.encode(labels, (12, 10))
    assert not target.values.any()
    assert not target.has_ball.any()


def test_place_and_score_are_sums_weighted_by_the_levels_above_the_threshold(codec: Classes) -> None:
    levels = torch.zeros(10, 12, dtype=torch.long)
    levels[4, 5], levels[4, 6], levels[5, 6] = 15, 9, 12
    levels[4, 7] = 7  # 7 / 15 is below a half
    levels[8, 1] = 8  # another, smaller one
    found = codec.decode(logits_of(levels, 16))
    assert found.present[0, 0].tolist() == [True, True, False]
    assert found.xy[0, 0, 0].tolist() == pytest.approx([(15 * 5 + 9 * 6 + 12 * 6) / 36, (15 * 4 + 9 * 4 + 12 * 5) / 36])
    assert found.xy[0, 0, 1].tolist() == pytest.approx([1, 8])
    assert found.score[0, 0].tolist() == pytest.approx([36 / 15, 8 / 15, 0])


def test_of_256_levels_those_from_128_on_are_a_ball() -> None:
    codec = Classes(image_size=(12, 10), size=(12, 10))
    levels = torch.zeros(10, 12, dtype=torch.long)
    levels[3, 2] = 127
    assert not codec.decode(logits_of(levels, 256)).present.any()
    levels[3, 2] = 128
    assert codec.decode(logits_of(levels, 256)).present.all()


def test_batches_and_targets_are_kept_apart(codec: Classes) -> None:
    levels = torch.zeros(2, 3, 10, 12, dtype=torch.long)
    levels[1, 2, 6, 4] = 15
    logits = F.one_hot(levels, 16).movedim(-1, 2).to(torch.bfloat16)
    found = codec.decode(logits)
    assert found.present.nonzero().tolist() == [[1, 2, 0]]
    assert found.xy[1, 2, 0].tolist() == [4, 6]


def test_cells_are_pixels_of_the_network_input_by_the_half_pixel_rule() -> None:
    codec = Classes(image_size=(48, 40), size=(12, 10), levels=16)
    levels = torch.zeros(10, 12, dtype=torch.long)
    levels[4, 5] = 15
    assert codec.decode(logits_of(levels, 16)).xy[0, 0, 0].tolist() == [5 * 4 + 1.5, 4 * 4 + 1.5]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"levels": 1}, "levels: 1 tells no ball from none"),
        ({"sigma": 0.5}, "sigma: 0.5"),
        ({"threshold": 1.5}, "threshold: 1.5"),
        ({"candidates": 0}, "candidates: 0"),
        ({"hidden": "show"}, "hidden: 'show'"),
        ({"size": (2, 2)}, r"size: \[2, 2\]"),
    ],
)
def test_bad_values_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Classes(**({"image_size": (12, 10), "size": (12, 10)} | parameters))
