"""How well streaks of motion blur are measured: their direction and their length."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics import Metric

from tracknet_core.contracts import Detections, Visibility
from tracknet_core.registry import protocols
from tracknet_plugins.protocols.counting import joined, thousandths


@protocols.register("streak")
class StreakErrors(Metric):
    """Median errors of the angle and the length of the streaks that were found.

    A streak counts where the ball is visible (visibility 1 and 2) and the streak longer than ``least``: a shorter one
    is hardly anything but a disc. It is found where the best detection of the frame is closer than ``radius`` to its
    middle, as in ``wasb``. Over the streaks that were found there are

    - ``angle_error``: median of the angles between the true and the found line, 0 to 90 degrees, since nobody says
      which end came first; a line without a length, such as that of a network which finds points, is 90 off;
    - ``length_error``: median of the absolute differences of the lengths, in pixels of the original video.

    Both are NaN where no streak was found. ``streaks`` and ``streaks_found`` are counts: median errors over few streaks
    say little. (BlurBall, Gossard et al. 2026, gives mean errors, and that of the angle where the found streak is
    long: what is hard to measure is then left out by the network.)

    Args:
        least: length from which on a true streak counts, in pixels of the original video.
        radius: distance below which a streak is found, in pixels of the original video.

    Raises:
        ValueError: a parameter is not positive.
    """

    full_state_update = False
    is_differentiable = False

    streaks: Tensor
    angles: list[Tensor]
    lengths: list[Tensor]

    def __init__(self, *, least: float = 4.0, radius: float = 4.0) -> None:
        super().__init__()
        for name, value in (("least", least), ("radius", radius)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name}: {value} is no length in pixels. Give a number above 0.")
        self._least = least
        self._radius = radius
        self.rule = (
            f"medians over visible streaks (1 and 2) longer than {least:g} px of the original video, whose middle is "
            f"found at d < {radius:g} px; angles of lines without a direction, 0 to 90 degrees"
        )
        self.add_state("streaks", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("angles", [], dist_reduce_fx="cat")
        self.add_state("lengths", [], dist_reduce_fx="cat")

    def update(self, detections: Detections, points: Tensor, visibility: Tensor, counted: Tensor, size: Tensor) -> None:
        """Count a batch, in pixels of the original video.

        Args:
            detections: candidates per frame; the best one counts.
            points: (B, K, Q, 2) true ends; NaN where there is none.
            visibility: (B, K) codes of :class:`Visibility`.
            counted: (B, K) bool; False leaves a frame out.
            size: not used.
        """
        best = detections.best()
        visible = (visibility == Visibility.EASY) | (visibility == Visibility.HARD)
        true_way, way = (ends[..., -1, :] - ends[..., 0, :] for ends in (points, best.points.squeeze(-3)))  # (B, K, 2)
        true_length, length = (torch.linalg.vector_norm(one, dim=-1) for one in (true_way, way))
        counts = counted & visible & (true_length > self._least)  # never where it is NaN
        distance = torch.linalg.vector_norm(best.xy.squeeze(-2) - points.mean(dim=-2), dim=-1)
        found = counts & best.present.squeeze(-1) & (thousandths(distance) < self._radius)
        self.streaks += counts.sum()
        self.angles.append(torch.where(length > 0, _degrees_between(true_way, way), 90.0)[found].float())
        self.lengths.append((length - true_length).abs()[found].float())

    def compute(self) -> dict[str, Tensor]:
        """Return ``angle_error`` in degrees, ``length_error`` in pixels, ``streaks`` and ``streaks_found``."""
        angles, lengths = joined(self.angles), joined(self.lengths)
        return {
            "angle_error": _median(angles),
            "length_error": _median(lengths),
            "streaks": self.streaks,
            "streaks_found": torch.tensor(len(angles), device=self.streaks.device),
        }


def _degrees_between(one: Tensor, other: Tensor) -> Tensor:
    """(…, 2) ways -> (…) angles between the lines that they are on, 0 to 90 degrees."""
    along = (one * other).sum(dim=-1)
    across = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return torch.atan2(across.abs(), along.abs()).rad2deg()


def _median(values: Tensor) -> Tensor:
    """Return the median of (M,) values, of an even number the mean of both in the middle; NaN of none."""
    return values.quantile(0.5) if len(values) else values.new_tensor(math.nan)
