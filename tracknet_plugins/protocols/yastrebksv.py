"""The protocol of the unofficial TrackNet by yastrebksv."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("yastrebksv")
class Yastrebksv(FrameCounts):
    """The counts of the repository yastrebksv/TrackNet, the usual TrackNetV1 in PyTorch.

    Close is d < 5 in pixels of 1280x720. Recall is over all frames with a ball, tp / (tp + fn + fp1); visibility 1, 2
    and 3 is a ball. Its published figures are on a split that draws random frames, which leaks.
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=5.0,
            inclusive=False,
            space=(1280, 720),
            recall="tp + fn + fp1",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
        )
