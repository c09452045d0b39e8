"""The protocol of TOTNet."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("totnet")
class TOTNet(FrameCounts):
    """The counts of TOTNet (2025), which is about balls that are hidden: visibility 1, 2 and 3 is a ball.

    Close is d <= 5 in pixels of its network, 512x288 by default, which are 12.5 of a 1280x720 video. Both places are
    whole pixels there: what is found is read from a map, the truth is the label times the scale, cut. Beside the counts
    stand the shares of balls found within radii of 1 to 5 such pixels (``pck@r``).

    Its code is questionable in two places. Recall is always 1 there, by a slip: it compares tensors with a tuple, so
    that no ball is ever counted as missed. Here it is tp / (tp + fn), as intended. And its ``rmse`` is the mean of the
    roots of each frame; here it is the root of the mean square, as in every protocol.
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=5.0,
            inclusive=True,
            space=(512, 288),
            maps="cut",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
            radii=(1.0, 2.0, 3.0, 4.0, 5.0),
        )
