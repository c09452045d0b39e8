"""The protocol of TOTNet."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("totnet")
class TOTNet(FrameCounts):
    """The counts of TOTNet (2025), which is about balls that are hidden: visibility 1, 2 and 3 is a ball.

    Close is d <= 5 by default in its code; the paper does not say of which picture, and here these are pixels of the
    original video. Recall is tp / (tp + fn). Beside the counts it reports the share of balls found within radii
    (``pck@r``). ``rmse`` is the root of the mean square here, as in every protocol; its code takes the mean of roots.
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=5.0,
            inclusive=True,
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
            radii=(2.0, 5.0, 10.0, 20.0),
        )
