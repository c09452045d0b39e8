"""Streaks of motion blur: the line that a disc is swept along, and its two ends from the shape of what is found.

Letters: B batch, K target frames, D detections per frame, w x h cells of the heatmap, M components.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target, Wanted
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.adjusting import with_candidates
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.components import find_centres, find_components, find_spread
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_radius, check_rim, check_threshold
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_graded, squared_distance_to_line

STEPS = 8
"""Of Newton's method: enough for float32 from a start that is at most sqrt(3) times too far."""


@codecs.register("streak")
class Streak(Codec):
    """The swept disc of BlurBall (Gossard et al., CVPR Workshops 2026), and its ends (Q = 2).

    Drawn are the cells up to ``radius`` from the line between the two ends of the ball's way during the exposure, all 1
    or, with ``rim``, graded as by ``blob``. A plain ball, whose ends are in one place, is a disc. The ends move with
    the pixels, so that a smaller map has shorter streaks.

    A detection is a component as ``blob`` finds it, with the same place and score. Its direction is the principal axis
    of the area that its cells cover, whatever their heights. Its length is that of the line along which a disc must be
    swept to cover an area whose variances along and across the axis have the same ratio: so the disc takes itself off,
    however wide the network draws it. The ends lie half of that to both sides of the place; which of them came first is
    not known.

    BlurBall's code draws as many cells for a streak as it has pixels of the original video, and measures the length
    with the disc; here both are in scale.

    Decoding depends on the number of cells above the threshold, so it does not run inside exported files.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 3 x 3; published are as many as pixels.
        radius: of the disc in cells, at least 0.75: a smaller one slips through between the centres of cells.
        rim: height of a graded target at ``radius``, from 0.5 to 1; 0.7 in BlurBall's code. None draws 0 and 1.
        threshold: height in 0..1 above which a cell belongs to a ball.
        candidates: detections per frame (D).
        hidden: what a frame trains whose ball is OCCLUDED: ``empty``, no ball; ``ignore``, nothing; ``ball``, the ball
            where it is said to be.
        weights: how much frames count in the loss, by visibility: absent, easy, hard, occluded; 1 if nothing is said.

    Raises:
        ValueError: a parameter is out of its range.
    """

    points = 2

    def __init__(
        self,
        *,
        image_size: tuple[int, int],
        size: tuple[int, int],
        radius: float = 2.5,
        rim: float | None = None,
        threshold: float = 0.5,
        candidates: int = 8,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        check_radius(radius)
        check_rim(rim)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.radius = radius
        self.rim = rim
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Sweep a disc along each streak.

        Args:
            labels: (B, K) in pixels of the network input, the first and the last of their points being the ends; what
                lies outside of it leaves what its shape reaches.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, h, w) float32: 0 or 1, or heights in 0..1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        ends = [self.grid.places(labels.points[..., end, :], frames.has_ball, size) for end in (0, -1)]
        squares = squared_distance_to_line(torch.stack(ends, dim=-2), self.grid.cells(size))
        if self.rim is None:
            height = ((squares <= self.radius**2) & frames.has_ball[..., None, None]).float()
        else:
            height = draw_graded(squares, frames.has_ball, self.radius, self.rim)
        return Target(height, frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (h, w) of the mean probabilities of M windows: (M, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with at least as many candidates; which cells hang together stays as it is."""
        return with_candidates(self, wanted.candidates)

    def decode(self, logits: Tensor) -> Detections:
        """Find the streaks.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: both ends in pixels of the network input, the left one (of an upright
            streak the upper one) first; as score the sum of the heights of a component. ``present`` is False where a
            map has fewer than D components.
        """
        batch, targets = logits.shape[:2]
        found = find_components(logits, self.threshold)
        best = find_centres(found, batch * targets, self.candidates)
        half = half_lines(find_spread(found))[best.component]  # (B * K, D, 2)
        ends = torch.stack([best.place - half, best.place + half], dim=-2)
        shape = (batch, targets, self.candidates)
        return Detections(self.grid.pixels(ends).view(*shape, 2, 2), best.score.view(shape), best.present.view(shape))


def half_lines(spread: Tensor) -> Tensor:
    """Return the way from the middle of a swept disc to an end of the line along which it was swept.

    A disc of radius r swept along a line of half the length t r has an area of (4 t + pi) r^2. Its second moments about
    the middle, r^4 (4/3 t^3 + pi t^2 + 8/3 t + pi / 4) along the line and r^4 (4/3 t + pi / 4) across it, have a ratio
    that rises with t, from 1. For a given ratio, t is the root of a cubic that is convex where t >= 0.

    Args:
        spread: (M, 3) second central moments of x, of y, and of both, per area.

    Returns:
        (M, 2) towards the right, or straight down.
    """
    xx, yy, xy = spread.unbind(-1)
    angle = torch.atan2(2 * xy, xx - yy) / 2  # in (-pi / 2, pi / 2]
    mean, apart = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy)
    along, across = mean + apart, mean - apart
    ratio = along / across.clamp(min=1 / 12)  # cells are squares: none is thinner
    t = (3 * ratio).sqrt()  # where the cubic is positive: from there each step comes nearer to its root, from above
    for _ in range(STEPS):
        cubic = 4 / 3 * t**3 + math.pi * t**2 + 4 / 3 * (2 - ratio) * t + math.pi / 4 * (1 - ratio)
        t = t - cubic / (4 * t**2 + 2 * math.pi * t + 4 / 3 * (2 - ratio))
    area_moment = (4 / 3 * t + math.pi / 4) / (4 * t + math.pi)  # across the line, per area, of a disc of radius 1
    half = t.clamp(min=0) * (across / area_moment).clamp(min=0).sqrt()
    return half.unsqueeze(-1) * torch.stack([angle.cos(), angle.sin()], dim=-1)
