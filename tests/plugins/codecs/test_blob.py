"""Codec `blob`: WASB's disc, and the weighted centres of components."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.blob import Blob


def encoded(codec: Any, xy: Any, visible: Any, size: Any) -> Any:
    """Return the values that a codec draws for plain balls."""
    code = visible.long() * int(Visibility.EASY)
    return codec.encode(Labels(xy.unsqueeze(-2), code, torch.zeros(code.shape)), size).values


def empty(height: int = 10, width: int = 12) -> torch.Tensor:
    return torch.full((1, 1, height, width), -20.0)


def logit(height: float) -> float:
    return math.log(height / (1 - height))


@pytest.fixture
def codec() -> Blob:
    """As many cells as pixels, so that places are cells."""
    return Blob(image_size=(12, 10), size=(12, 10), candidates=3)


@pytest.mark.parametrize("rim", [None, 0.7])
def test_the_contract_is_kept(rim: float | None) -> None:
    check_constructor("codecs", Blob)
    check_codec(Blob(image_size=(128, 96), size=(128, 96), rim=rim), image_size=(128, 96), tolerance=0.3)
    check_codec(Blob(image_size=(128, 96), size=(64, 48), rim=rim), image_size=(128, 96), tolerance=0.6)


# --------------------------------------------------------------------------------------------- encode


def test_the_disc_has_the_21_cells_of_radius_two_and_a_half(codec: Blob) -> None:
    target = encoded(codec, torch.tensor([[[5.0, 4.0]]]), torch.tensor([[True]]), (12, 10))

    # Offsets (i, j) with i^2 + j^2 <= 6.25: a square of 5 x 5 without its corners.
    assert target.sum() == 21
    assert target[0, 0, 2:7, 3:8].tolist() == [
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
    ]


def test_a_cell_at_exactly_the_radius_belongs_to_the_disc() -> None:
    codec = Blob(image_size=(12, 10), size=(12, 10), radius=2.0)

    target = encoded(codec, torch.tensor([[[5.0, 4.0]]]), torch.tensor([[True]]), (12, 10))

    assert target.sum() == 13  # 9 of the square 3 x 3, and 4 at the distance 2
    assert target[0, 0, 4, 7] == 1


def test_the_graded_target_has_the_rims_height_at_the_radius() -> None:
    codec = Blob(image_size=(20, 20), size=(20, 20), radius=2.5, rim=0.7)

    target = encoded(codec, torch.tensor([[[10.0, 10.0]]]), torch.tensor([[True]]), (20, 20))[0, 0]

    distance = np.arange(4)
    expected = np.exp(-(distance**2) / 2.5**2) / np.exp(-1) * 0.7
    expected = np.where(expected < 0.5, 0, np.minimum(expected, 1))
    np.testing.assert_allclose(target[10, 10:14].numpy(), expected, rtol=1e-6)
    assert expected[1] == 1  # the middle is flat
    assert expected[3] == 0  # 0.45, below a half
    assert encoded(
        Blob(image_size=(20, 20), size=(20, 20), rim=0.7),
        torch.tensor([[[10.0, 7.5]]]),
        torch.tensor([[True]]),
        (20, 20),
    )[0, 0, 10, 10] == pytest.approx(0.7)


def test_hard_frames_alone_get_the_graded_target() -> None:
    places = torch.tensor([[[10.0, 10.0], [6.0, 9.0]]])
    difficulty = torch.tensor([[0.0, 4.5]])
    labels = Labels(places.unsqueeze(-2), torch.full((1, 2), int(Visibility.EASY)), difficulty)

    def drawn(**parameters: Any) -> torch.Tensor:
        return Blob(image_size=(20, 20), size=(20, 20), **parameters).encode(labels, (20, 20)).values

    mixed = drawn(rim=0.7, graded="hard")
    assert torch.equal(mixed[0, 0], drawn()[0, 0])
    assert torch.equal(mixed[0, 1], drawn(rim=0.7)[0, 1])
    assert not torch.equal(drawn()[0, 1], drawn(rim=0.7)[0, 1])
    assert torch.equal(drawn(graded="hard"), drawn())  # without a rim there is no graded target


def test_a_ball_that_is_not_visible_draws_nothing(codec: Blob) -> None:
    target = encoded(codec, torch.full((1, 1, 2), torch.nan), torch.tensor([[False]]), (12, 10))

    assert torch.equal(target, torch.zeros(1, 1, 10, 12))


# --------------------------------------------------------------------------------------------- decode


def test_place_and_score_are_the_weighted_sums(codec: Blob) -> None:
    logits = empty()
    logits[0, 0, 4, 5], logits[0, 0, 4, 6], logits[0, 0, 5, 6] = logit(0.9), logit(0.6), logit(0.8)
    logits[0, 0, 4, 7] = logit(0.4)  # below the threshold, so no part

    detections = codec.decode(logits)

    assert detections.present[0, 0].tolist() == [True, False, False]
    assert detections.score[0, 0, 0].item() == pytest.approx(2.3)
    x = (0.9 * 5 + 0.6 * 6 + 0.8 * 6) / 2.3
    y = (0.9 * 4 + 0.6 * 4 + 0.8 * 5) / 2.3
    assert detections.xy[0, 0, 0].tolist() == pytest.approx([x, y])


def test_blobs_that_touch_at_a_corner_are_one(codec: Blob) -> None:
    logits = empty()
    logits[0, 0, 2, 3] = logits[0, 0, 3, 2] = logits[0, 0, 4, 1] = 20.0

    detections = codec.decode(logits)

    assert detections.present[0, 0].tolist() == [True, False, False]
    assert detections.xy[0, 0, 0].tolist() == pytest.approx([2.0, 3.0])


def test_a_blob_at_the_border_keeps_to_its_own_row(codec: Blob) -> None:
    logits = empty()
    logits[0, 0, 3, 10:] = logits[0, 0, 4, 0] = 20.0  # the end of a row, and the beginning of the next

    detections = codec.decode(logits)

    assert detections.xy[0, 0, :2].tolist() == [pytest.approx([10.5, 3.0]), pytest.approx([0.0, 4.0])]


def test_two_equal_blobs_come_in_reading_order_and_the_larger_sum_first(codec: Blob) -> None:
    logits = empty()
    logits[0, 0, 1, 8] = logits[0, 0, 6, 2] = 3.0
    logits[0, 0, 8, 8:10] = 1.0  # lower heights, but more of them

    detections = codec.decode(logits)

    torch.testing.assert_close(detections.xy[0, 0], torch.tensor([[8.5, 8.0], [8.0, 1.0], [2.0, 6.0]]))
    score = [2 / (1 + math.exp(-1)), 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-3))]
    assert detections.score[0, 0].tolist() == pytest.approx(score)


def test_maps_are_decoded_each_for_itself(codec: Blob) -> None:
    logits = empty().repeat(2, 3, 1, 1)
    logits[0, 1, 2, 2] = logits[1, 2, 9, 11] = logits[1, 2, 0, 0] = 20.0

    detections = codec.decode(logits)

    assert detections.present.sum(dim=-1).tolist() == [[0, 1, 0], [0, 0, 2]]
    assert detections.xy[0, 1, 0].tolist() == [2.0, 2.0]
    assert detections.xy[1, 2, :2].tolist() == [[0.0, 0.0], [11.0, 9.0]]


def test_an_empty_map_has_finite_places_and_no_ball(codec: Blob) -> None:
    detections = codec.decode(empty())

    assert not detections.present.any()
    assert detections.xy.isfinite().all()
    assert detections.score.eq(0).all()


def test_cells_become_pixels_by_the_half_pixel_rule() -> None:
    codec = Blob(image_size=(24, 30), size=(12, 10), candidates=1)
    logits = empty()
    logits[0, 0, 4, 5] = 20.0

    assert codec.decode(logits).xy[0, 0, 0].tolist() == [10.5, 13.0]  # columns 10, 11; rows 12, 13, 14


def test_half_precision_is_summed_in_float32(codec: Blob) -> None:
    logits = empty()
    logits[0, 0, 2:8, 2:8] = 2.0

    detections = codec.decode(logits.to(torch.bfloat16))

    assert detections.score.dtype == detections.xy.dtype == torch.float32
    assert detections.score[0, 0, 0].item() == pytest.approx(36 / (1 + math.exp(-2)))


# ----------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"radius": 0.5}, "radius: 0.5 cells is out of range. Give at least 0.75"),
        ({"radius": math.nan}, "radius: nan cells"),
        ({"rim": 0.4}, "rim: 0.4 is no height.*0.5 to 1"),
        ({"graded": "soft"}, "graded: 'soft' is unknown. Give every or hard"),
        ({"threshold": -0.1}, "threshold: -0.1 is no score"),
        ({"candidates": 0}, "candidates: 0 per frame"),
        ({"size": (2, 10)}, "at least 3 each"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Blob(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
