"""Whether a network and its copy in another format are the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from tracknet_core.exporting.network import Run
from tracknet_core.model import State

LOGITS_TOLERANCE = 1e-3
"""Largest difference, as a share of the largest logit. Other orders of summing give some 1e-6, 16 bits some 1e-2."""

PLACES_TOLERANCE = 0.1
"""Pixels of the network input."""

FAR = 4.0
"""Pixels of the network input from which 8 bits found another ball; what WASB counts as found."""

AGREEMENT = 0.9
"""Share of the frames with a ball in which 8 bits have to find the same balls."""

_BROKEN = (
    "the network itself gives numbers that are not finite on real frames: its training went wrong. Use an earlier "
    "checkpoint."
)


@dataclass(frozen=True)
class Agreement:
    """How a copy differs from the network.

    Attributes:
        logits: largest difference of a logit; infinite where the copy's are no numbers, or of another shape.
        lowest: the network's lowest logit.
        highest: its highest.
        balls: (F,) that the network finds in each target frame.
        copied: (F,) that the copy finds there.
        apart: (F,) pixels of the network input that a ball of either lies from the nearest of the other's, at most; 0
            where both find none, infinite where only one finds any.
        finite: whether all that the network says are finite numbers.
        copy_finite: the same of the copy.
    """

    logits: float
    lowest: float
    highest: float
    balls: Tensor
    copied: Tensor
    apart: Tensor
    finite: bool = True
    copy_finite: bool = True

    def as_text(self) -> str:
        """Return the figures in lines."""
        lines = [
            f"logits: largest difference {self.logits:.2g}; the network's run from {self.lowest:.2f} to "
            f"{self.highest:.2f}"
        ]
        places = self.apart[(self.balls > 0) & (self.copied > 0)]
        if len(places):
            middle, most = (float(places.quantile(share)) for share in (0.5, 0.95))
            lines.append(
                f"places: largest difference {float(places.max()):.2g} px, 95 % within {most:.2g} px, half within "
                f"{middle:.2g} px, of {len(places)} frames"
            )
        else:
            lines.append("places: not compared, since no ball was found by both")
        lines.append(
            f"frames: {len(self.balls)}; more balls found by the network in {int((self.balls > self.copied).sum())}, "
            f"by the file in {int((self.copied > self.balls).sum())}"
        )
        return "\n".join(lines)

    def fault(self) -> str | None:
        """Return what is wrong if the copy should be the same up to rounding, and the cure; None if nothing is."""
        if not self.finite:
            return _BROKEN
        if not self.copy_finite:
            return "it gives numbers that are not finite on real frames, the network does not. Another format may do."
        tolerance = LOGITS_TOLERANCE * max(1.0, abs(self.lowest), abs(self.highest))
        if not self.logits <= tolerance:  # true of NaN, too
            fault = f"its logits differ by {self.logits:.2g} from the network's, and {tolerance:.2g} is accepted"
        elif others := int((self.balls != self.copied).sum()):
            fault = f"it finds another number of balls than the network in {others} frames"
        elif not float(self.apart.max()) <= PLACES_TOLERANCE:
            fault = f"its places differ by {float(self.apart.max()):.2g} px, and {PLACES_TOLERANCE:g} px are accepted"
        else:
            return None
        return f"{fault}. Another format may do."

    def fault_of_int8(self) -> str | None:
        """Return what is wrong if the copy may differ in details, but not in the balls, and the cure; None if nothing.

        Frames without a ball say little, and are not counted.
        """
        if not self.finite:
            return _BROKEN
        if not self.copy_finite or not math.isfinite(self.logits):
            return "in 8 bits its logits are no numbers, or of another shape. Leave out --int8."
        judged = (self.balls > 0) | (self.copied > 0)
        count, same = int(judged.sum()), int((self.apart[judged] <= FAR).sum())
        if not count:
            return (
                "no ball is found in the frames compared, so that 8 bits cannot be judged. Name data with balls: "
                "--data NAME data.root=/path/to/data"
            )
        if same >= AGREEMENT * count:
            return None
        return (
            f"in 8 bits it finds the network's balls and no others, to within {FAR:g} px, in {same} of {count} frames "
            f"with a ball, and {AGREEMENT:.0%} of them are asked for. Leave out --int8."
        )


def compare(
    network: Run, copy: Run, batches: Iterable[Tensor], start: Callable[[Tensor], State] = lambda _frames: ()
) -> Agreement:
    """Run both on the same windows; each carries a state of its own along windows in a row.

    Args:
        network: (B, P, 3, H, W) uint8 frames and a state to logits, points, score and present, and the state after.
        copy: the same from a file.
        batches: (B, S, P, 3, H, W) each, B times S windows in a row; at least one batch, and one window in each.
        start: frames of the first of these windows to the state before them; none by default.
    """
    logits, lowest, highest = 0.0, float("inf"), float("-inf")
    finite = copy_finite = True
    balls: list[Tensor] = []
    copied: list[Tensor] = []
    apart: list[Tensor] = []
    for batch in batches:
        before = its_before = start(batch[:, 0])
        for frames in batch.unbind(1):
            with torch.inference_mode():
                results, its_results = network(frames, *before), copy(frames, *its_before)
            finite, copy_finite = finite and _are_finite(*results), copy_finite and _are_finite(*its_results)
            ours, points, _, present, *after = results
            theirs, its_points, _, its_present, *its_after = its_results
            before, its_before = tuple(after), tuple(its_after)
            logits = max(logits, _largest_difference(ours, theirs))
            lowest, highest = min(lowest, float(ours.min())), max(highest, float(ours.max()))
            balls.append(present.sum(dim=-1).flatten())
            copied.append(its_present.sum(dim=-1).flatten())
            apart.append(_apart(points.mean(-2), present, its_points.mean(-2), its_present).flatten())
    return Agreement(
        logits, lowest, highest, torch.cat(balls), torch.cat(copied), torch.cat(apart), finite, copy_finite
    )


def _are_finite(logits: Tensor, points: Tensor, score: Tensor, present: Tensor, *state: Tensor) -> bool:
    """Return whether all numbers are finite; where no ball is present, place and score say nothing."""
    return all(bool(values.isfinite().all()) for values in (logits, points[present], score[present], *state))


def _apart(xy: Tensor, present: Tensor, other_xy: Tensor, other_present: Tensor) -> Tensor:
    """(B, K, D, 2) places and (B, K, D) which of them are balls, twice -> (B, K) the Hausdorff distance of the two."""
    distance = (xy.unsqueeze(-2) - other_xy.unsqueeze(-3)).norm(dim=-1)  # (B, K, D, D)
    there = distance.masked_fill(~other_present.unsqueeze(-2), torch.inf).amin(dim=-1).masked_fill(~present, 0.0)
    back = distance.masked_fill(~present.unsqueeze(-1), torch.inf).amin(dim=-2).masked_fill(~other_present, 0.0)
    return torch.maximum(there.amax(dim=-1), back.amax(dim=-1))


def _largest_difference(one: Tensor, other: Tensor) -> float:
    """Return infinity where the shapes differ or one is not a number."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().nan_to_num(nan=torch.inf).max())
