"""The protocol of RacketVision."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("racketvision")
class RacketVision(FrameCounts):
    """The counts of RacketVision's benchmark of ball tracking (2025).

    Close is d <= 4 in pixels of 512x288. What is found is a whole pixel there, the truth is not rounded: the label
    times the scale, without half pixels (``gt_src='position'`` in its configuration). Recall is over all frames with a
    ball, tp / (tp + fn + fp1). Visibility 1, 2 and 3 is a ball. (Its code takes the place (0, 0) for "no ball"; here it
    is a place.)
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=4.0,
            inclusive=True,
            space=(512, 288),
            maps="exact",
            recall="tp + fn + fp1",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
        )
