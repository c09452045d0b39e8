"""Merger `pool`: all detections side by side, as WASB does it."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import Candidates
from tracknet_core.testing import check_constructor, check_merger
from tracknet_plugins.mergers.pool import Pool


def test_the_contract_is_kept() -> None:
    check_constructor("mergers", Pool)
    check_merger(Pool())


def test_all_candidates_are_there_highest_score_first_of_equal_ones_the_earlier_window(answer) -> None:
    answers = [answer((1, 1, 0.5), (2, 2, 0.25)), answer(), answer((3, 3, 0.75), (4, 4, 0.5))]
    pooled = Pool()(answers, [2, 1, 0])
    assert (pooled.number, pooled.time) == (7, 0.25)
    assert pooled.xy.tolist() == [[3, 3], [1, 1], [4, 4], [2, 2]]
    assert pooled.score.tolist() == [0.75, 0.5, 0.5, 0.25]


def test_streaks_keep_their_ends(answer) -> None:
    one = Candidates(7, 0.25, np.float32([[[0, 0], [2, 2]]]), np.float32([0.25]))
    other = Candidates(7, 0.25, np.float32([[[5, 5], [9, 7]]]), np.float32([0.75]))
    pooled = Pool()([one, other], [1, 0])
    assert pooled.points.tolist() == [[[5, 5], [9, 7]], [[0, 0], [2, 2]]]
    assert pooled.xy.tolist() == [[7, 6], [1, 1]]


def test_no_candidates_stay_none(answer) -> None:
    assert Pool()([answer(), answer()], [1, 0]).xy.shape == (0, 2)
