"""The protocol of TrackNetV5's code."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("tracknetv5")
class TrackNetV5(FrameCounts):
    """The counts of the code of TrackNetV5, as its tennis experiments set them.

    Close is d < 4 in pixels of 512x288, both places being whole pixels there: what is found is read from a map, the
    truth is the label times the scale, cut. Recall is tp / (tp + fn); visibility 1, 2 and 3 is a ball. Its published
    figures are on a split that draws random frames, which leaks. (A ball without a place is a false alarm in its code
    if one is found; here it is left out.)
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=4.0,
            inclusive=False,
            space=(512, 288),
            maps="cut",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
        )
