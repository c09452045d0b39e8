"""The protocol of TrackNetV2 and its successors."""

from __future__ import annotations

from tracknet_core.contracts import Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("tracknet")
class TrackNet(FrameCounts):
    """The counts of the code of TrackNetV2 (Sun et al. 2020), which V3 and V4 share.

    Close is d <= 4 in pixels of 512x288, and both places are whole pixels there, since they are read from maps; the
    true one too, from the disc that is its target: at the border the middle of what is left of the disc. (A ball in
    the pixel (0, 0) is a ball here; the code calls that place "no ball".) Four pixels are 10 of a 1280x720 video, so
    figures are far above those of ``wasb``. Recall is tp / (tp + fn). Every ball with a place counts (visibility 1, 2
    and 3); the badminton set knows one kind.

    Files that the code of V3 wrote hold the left top of pixels of 512x288, cut to whole numbers; such places count as
    the very pixels that they were written for.

    The published figures of V3 are on its corrected labels without the frames that it drops: options of the dataset.
    """

    def __init__(self) -> None:
        super().__init__(
            threshold=4.0,
            inclusive=True,
            space=(512, 288),
            maps="drawn",
            balls=(Visibility.EASY, Visibility.HARD, Visibility.OCCLUDED),
        )
