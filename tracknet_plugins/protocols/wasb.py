"""The protocol of WASB."""

from __future__ import annotations

from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import FrameCounts


@protocols.register("wasb")
class WASB(FrameCounts):
    """The counts and the average precision published with WASB (Tarashima et al., BMVC 2023).

    Close is d < 4 in pixels of the original video. Recall is tp / (tp + fn): a ball that was found in the wrong place
    counts against the precision alone. Visibility 1 and 2 is a ball; where it is hidden (3), none is expected.
    """

    def __init__(self) -> None:
        super().__init__(threshold=4.0, inclusive=False, average_precision=True)
