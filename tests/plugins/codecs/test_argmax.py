"""Codec `argmax`: the centre of the highest cell."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tracknet_core.contracts import Labels, Visibility
from tracknet_core.testing import check_codec, check_constructor
from tracknet_plugins.codecs.argmax import Argmax
from tracknet_plugins.codecs.gaussian import Gaussian


def encoded(codec: Any, xy: Any, visible: Any, size: Any) -> Any:
    """Return the values that a codec draws for plain balls."""
    code = visible.long() * int(Visibility.EASY)
    return codec.encode(Labels(xy.unsqueeze(-2), code, torch.zeros(code.shape)), size).values


def test_the_contract_is_kept() -> None:
    check_constructor("codecs", Argmax)
    codec = Argmax(image_size=(320, 192), size=(160, 48), candidates=2)
    check_codec(codec, image_size=(320, 192), tolerance=math.hypot(1, 2))  # half a cell of 2 x 4 px


def test_the_target_is_that_of_gaussian() -> None:
    xy, visible = torch.tensor([[[13.2, 7.7], [30.0, 2.0]]]), torch.tensor([[True, False]])
    geometry = {"image_size": (40, 24), "size": (20, 12), "sigma": 1.5}

    target = encoded(Argmax(**geometry), xy, visible, (40, 24))

    assert torch.equal(target, encoded(Gaussian(**geometry), xy, visible, (40, 24)))


def test_a_place_is_the_centre_of_the_cell() -> None:
    logits = torch.full((1, 2, 6, 10), -3.0)
    logits[0, 0, 2, 7] = 1.0
    logits[0, 0, 2, 8] = 0.9  # has no influence
    logits[0, 1, 5, 0] = -1.0

    detections = Argmax(image_size=(40, 24), size=(10, 6)).decode(logits)

    assert detections.xy[0, :, 0].tolist() == [[29.5, 9.5], [1.5, 21.5]]
    assert detections.score[0, :, 0].tolist() == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))])
    assert detections.present[0, :, 0].tolist() == [True, False]


def test_candidates_are_peaks_best_first() -> None:
    logits = torch.full((1, 1, 6, 10), -torch.inf)
    logits[0, 0, 1, 1] = 1.0
    logits[0, 0, 1, 2] = 1.0  # of equal neighbours, the first
    logits[0, 0, 2, 2] = 0.5  # below a neighbour
    logits[0, 0, 5, 9] = 2.0

    detections = Argmax(image_size=(10, 6), size=(10, 6), candidates=3).decode(logits)

    assert detections.xy[0, 0, :2].tolist() == [[9.0, 5.0], [1.0, 1.0]]
    assert detections.present[0, 0].tolist() == [True, True, False]


def test_a_score_at_the_threshold_is_a_ball() -> None:
    logits = torch.full((1, 1, 4, 4), -3.0)
    logits[0, 0, 1, 2] = 0.0

    assert Argmax(image_size=(4, 4), size=(4, 4), threshold=0.5).decode(logits).present.all()
    assert not Argmax(image_size=(4, 4), size=(4, 4), threshold=0.51).decode(logits).present.any()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": 0.1}, "sigma: 0.1 cells"),
        ({"threshold": 1.1}, "threshold: 1.1 is no score"),
        ({"candidates": 101}, "Give 1 to 100"),
        ({"size": (10, 2)}, "no size of a heatmap"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Argmax(**{"image_size": (40, 40), "size": (10, 10), **parameters})  # type: ignore[arg-type]
