"""The protocol of RacketVision."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("racketvision")
class RacketVision(FrameCounts):
    """The counts of RacketVision's benchmark of ball tracking (2025).

    Close is d <= 4 in pixels of 512x288, both places being whole pixels there, as with ``tracknet``. But recall is over
    all frames with a ball, tp / (tp + fn + fp1). Visibility 1, 2 and 3 is a ball.
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=4.0,
            inclusive=True,
            space=(512, 288),
            whole_pixels=True,
            recall="tp + fn + fp1",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
        )
