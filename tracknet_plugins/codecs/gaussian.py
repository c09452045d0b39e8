"""One gaussian bump per ball: drawn around its sub-pixel place, found again by a fit of the bump.

Letters: B batch, K target frames, D detections per frame, W x H pixels of the network input, w x h cells of the
heatmap, S cells along a side of the window around a peak.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_sigma, check_threshold
from tracknet_plugins.codecs.peaks import cut_patches, find_peaks
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_gaussian

MIN_CELLS = 3
"""A parabola takes three cells."""

WINDOW_SIGMAS = 1.5
"""Reach of the fit around a peak. Farther cells have more of the noise and of other balls than of the peak."""

FLOOR = 1e-4
"""Share of a profile's maximum below which its logarithm is not followed: a sigmoid can round to 0."""


@codecs.register("gaussian")
class Gaussian(Codec):
    """Heatmap with the height ``exp(-d^2 / (2 sigma^2))`` at d cells from the ball.

    The gaussian keeps the ball's sub-pixel place: its top of 1 lies between cells, unless the ball is at the very
    centre of one. Pixels and cells follow the half-pixel rule, ``cell = (pixel + 0.5) * w / W - 0.5``.

    Decoding reads ``p = sigmoid(logits)`` as the height. Candidates are the cells that no neighbour in 3 x 3 exceeds
    (of equal neighbours the first), highest first. Around each, p is summed over the rows and over the columns of a
    window: two profiles, both gaussian again, also where the border of the map cuts the window. A parabola fitted to
    the logarithm of a profile by least squares with the weights p^2 has its top at the ball (Guo, "A Simple Algorithm
    for Fitting a Gaussian Function", IEEE Signal Processing Magazine 28(5), 2011). That is exact for a gaussian of any
    height and width. In trials on maps with independent noise, a cut top, or another width than trained for, it erred a
    half to a tenth as much as the parabola through three cells, and mostly less than a centroid, which is drawn to the
    middle of its window. A place is at most sigma from its peak along each axis, and never outside the image.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 3 x 3.
        sigma: standard deviation of the gaussian in cells, at least 0.6: a narrower one slips through between the
            centres of cells.
        threshold: score in 0..1 from which a candidate is a ball.
        candidates: detections per frame (D).
        hidden: what a frame trains whose ball is OCCLUDED: ``empty``, no ball; ``ignore``, nothing; ``ball``, the ball
            where it is said to be.
        weights: how much frames count in the loss, by visibility: absent, easy, hard, occluded; 1 if nothing is said.

    Raises:
        ValueError: a parameter is out of its range.
    """

    def __init__(
        self,
        *,
        image_size: tuple[int, int],
        size: tuple[int, int],
        sigma: float = 2.0,
        threshold: float = 0.5,
        candidates: int = 1,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size, least=MIN_CELLS)
        check_sigma(sigma)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.sigma = sigma
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw the heatmaps.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it leaves what its shape reaches.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, h, w) float32 heights in 0..1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        place = self.grid.places(labels.xy, frames.has_ball, size)
        heights = draw_gaussian(place, frames.has_ball, self.grid.cells(size), self.sigma)
        return Target(heights, frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (h, w) of the mean probabilities of M windows: (M, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, as score the ``p`` of the peak's
            cell. ``present`` is False below the threshold, and where a map has fewer than D peaks.
        """
        height, width = logits.shape[-2:]
        logits = logits.float()
        peaks = find_peaks(logits, self.candidates)
        radius = max(math.ceil(WINDOW_SIGMAS * self.sigma), MIN_CELLS - 1)
        offsets = torch.arange(-radius, radius + 1, device=logits.device)  # (S,)
        heights, has_column, has_row = cut_patches(logits, peaks, radius)
        x = peaks.column + _top(heights.sum(dim=-2), has_column, offsets).clamp(-self.sigma, self.sigma)
        y = peaks.row + _top(heights.sum(dim=-1), has_row, offsets).clamp(-self.sigma, self.sigma)

        place = torch.stack([x.clamp(-0.5, width - 0.5), y.clamp(-0.5, height - 0.5)], dim=-1)  # (B, K, D, 2), cells
        score = peaks.logit.sigmoid()
        present = (score >= self.threshold) & (peaks.logit > -torch.inf)
        return Detections.at(self.grid.pixels(place), score, present)


def _top(profile: Tensor, inside: Tensor, offsets: Tensor) -> Tensor:
    """Return where the parabola fitted to ``log(profile)`` has its top.

    Args:
        profile: (..., S) heights along an axis.
        inside: (..., S) bool; False leaves a cell out of the fit.
        offsets: (S,) places of the cells.

    Returns:
        (...,) in the units of ``offsets``; 0 where the parabola has no top.
    """
    profile = (profile / profile.amax(dim=-1, keepdim=True)).clamp(min=FLOOR)
    weight = profile.square() * inside
    weight = weight / weight.sum(dim=-1, keepdim=True)

    def mean(values: Tensor) -> Tensor:
        return (weight * values).sum(dim=-1, keepdim=True)

    # log p = a + b o + c o^2: with all three measured from their means a is gone, and b and c solve two equations.
    value, first, second = profile.log(), offsets.to(profile), offsets.to(profile).square()
    value, first, second = value - mean(value), first - mean(first), second - mean(second)
    cross = mean(first * second)
    slope = mean(value * first) * mean(second * second) - mean(value * second) * cross
    curvature = mean(value * second) * mean(first * first) - mean(value * first) * cross
    top: Tensor = torch.where(curvature < 0, -slope / (2 * curvature), 0.0)
    return top.squeeze(-1)
