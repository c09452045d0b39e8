"""Tracker `none`: the best detection of each frame."""

from __future__ import annotations

from tracknet_core.contracts import TrackPoint
from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.none import NoTracker


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", NoTracker)
    check_tracker(NoTracker())


def test_the_best_detection_of_each_frame_however_far_it_jumps(clip) -> None:
    frames = clip([(10, 20, 0.75), (11, 21, 0.5)], [], [(1200, 700, 0.5)], [(0, 0, 0.25)])

    tracked = list(NoTracker()(frames))

    assert [(frame.number, frame.time) for frame in tracked] == [(number, number / 30) for number in range(4)]
    assert [frame.balls for frame in tracked] == [
        (TrackPoint.at((10.0, 20.0), 0.75),),
        (),
        (TrackPoint.at((1200.0, 700.0), 0.5),),
        (TrackPoint.at((0.0, 0.0), 0.25),),
    ]
