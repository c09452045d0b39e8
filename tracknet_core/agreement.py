"""Whether a network and its copy in another format are the same."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from tracknet_core.portable import Run

LOGITS_TOLERANCE = 1e-3
"""Largest difference, as a share of the largest logit. Other orders of summing give some 1e-6, 16 bits some 1e-2."""

PLACES_TOLERANCE = 0.1
"""Pixels of the network input."""

FAR = 4.0
"""Pixels of the network input from which 8 bits found another ball; what WASB counts as found."""

AGREEMENT = 0.9
"""Share of the frames in which 8 bits have to find the same ball, or none."""


@dataclass(frozen=True)
class Agreement:
    """How a copy differs from the network.

    Attributes:
        logits: largest difference of a logit.
        lowest: the network's lowest logit.
        highest: its highest.
        places: (M,) for each ball that both find in a frame, pixels of the network input from the network's place to
            the nearest of the copy's.
        frames: target frames compared.
        lost: frames where only the network finds a ball.
        invented: frames where only the copy finds one.
    """

    logits: float
    lowest: float
    highest: float
    places: Tensor
    frames: int
    lost: int
    invented: int

    def as_text(self) -> str:
        """Return the figures in lines."""
        lines = [
            f"logits: largest difference {self.logits:.2g}; the network's run from {self.lowest:.2f} to "
            f"{self.highest:.2f}"
        ]
        if len(self.places):
            middle, most = (float(self.places.quantile(share)) for share in (0.5, 0.95))
            lines.append(
                f"places: largest difference {float(self.places.max()):.2g} px, 95 % within {most:.2g} px, half within "
                f"{middle:.2g} px, of {len(self.places)} balls"
            )
        else:
            lines.append("places: not compared, since no ball was found by both")
        lines.append(
            f"frames: {self.frames}; a ball found by the network only in {self.lost}, by the file only in "
            f"{self.invented}"
        )
        return "\n".join(lines)

    def fault(self) -> str | None:
        """Return what is wrong if the copy should be the same up to rounding; None if nothing is."""
        tolerance = LOGITS_TOLERANCE * max(1.0, abs(self.lowest), abs(self.highest))
        if not self.logits <= tolerance:  # true of NaN, too
            return f"its logits differ by {self.logits:.2g} from the network's, and {tolerance:.2g} is accepted."
        if self.lost or self.invented:
            return f"it disagrees with the network on the presence of a ball in {self.lost + self.invented} frames."
        if len(self.places) and not float(self.places.max()) <= PLACES_TOLERANCE:
            return f"its places differ by {float(self.places.max()):.2g} px, and {PLACES_TOLERANCE:g} px are accepted."
        return None

    def fault_of_int8(self) -> str | None:
        """Return what is wrong if the copy may differ in details, but not in the balls; None if nothing is."""
        # A frame may hold several balls; then one that moved counts like a frame.
        others = self.lost + self.invented + int((~(self.places <= FAR)).sum())
        share = 1 - others / self.frames
        if share >= AGREEMENT and math.isfinite(self.logits):
            return None
        return (
            f"in 8 bits it finds the network's balls, to within {FAR:g} px, in {share:.0%} of the frames, and "
            f"{AGREEMENT:.0%} are asked for."
        )


def compare(network: Run, copy: Run, batches: Iterable[Tensor]) -> Agreement:
    """Run both on the same windows.

    Args:
        network: (B, P, 3, H, W) uint8 frames to logits, xy, score and present.
        copy: the same from a file.
        batches: windows; at least one.
    """
    logits, lowest, highest = 0.0, float("inf"), float("-inf")
    places: list[Tensor] = []
    frames = lost = invented = 0
    for batch in batches:
        with torch.inference_mode():
            ours, theirs = network(batch), copy(batch)
        logits = max(logits, _largest_difference(ours[0], theirs[0]))
        lowest, highest = min(lowest, float(ours[0].min())), max(highest, float(ours[0].max()))
        found, found_too = ours[3].any(dim=-1), theirs[3].any(dim=-1)  # (B, K)
        frames += found.numel()
        lost += int((found & ~found_too).sum())
        invented += int((found_too & ~found).sum())
        distance = torch.cdist(ours[1], theirs[1]).masked_fill(~theirs[3].unsqueeze(-2), torch.inf)  # (B, K, D, D)
        places.append(distance.amin(dim=-1)[ours[3] & found_too.unsqueeze(-1)])
    return Agreement(logits, lowest, highest, torch.cat(places), frames, lost, invented)


def _largest_difference(one: Tensor, other: Tensor) -> float:
    """Return infinity where the shapes differ or one is not a number."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().nan_to_num(nan=torch.inf).max())
