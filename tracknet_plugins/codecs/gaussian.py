"""One gaussian bump per ball: drawn around its sub-pixel place, found again by a fit of the bump.

Letters: B batch, K target frames, D detections per frame, W x H pixels of the network input, w x h cells of the
heatmap, S cells along a side of the window around a peak.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.registry import codecs
from tracknet_plugins.codecs.gaussian_map import GaussianMap
from tracknet_plugins.codecs.peaks import Peaks, cut_patches

MIN_CELLS = 3
"""A parabola takes three cells."""

WINDOW_SIGMAS = 1.5
"""Reach of the fit around a peak. Farther cells have more of the noise and of other balls than of the peak."""

FLOOR = 1e-4
"""Share of a profile's maximum below which its logarithm is not followed: a sigmoid can round to 0."""


@codecs.register("gaussian")
class Gaussian(GaussianMap):
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

    least = MIN_CELLS

    def tops(self, logits: Tensor, peaks: Peaks) -> Tensor:
        """Return the tops of the parabolas."""
        radius = max(math.ceil(WINDOW_SIGMAS * self.sigma), MIN_CELLS - 1)
        offsets = torch.arange(-radius, radius + 1, device=logits.device)  # (S,)
        heights, has_column, has_row = cut_patches(logits, peaks, radius)
        x = peaks.column + _top(heights.sum(dim=-2), has_column, offsets).clamp(-self.sigma, self.sigma)
        y = peaks.row + _top(heights.sum(dim=-1), has_row, offsets).clamp(-self.sigma, self.sigma)
        return torch.stack([x, y], dim=-1)


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
