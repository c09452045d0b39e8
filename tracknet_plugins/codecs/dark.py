"""Sub-pixel places from the slope and curvature at a heatmap's maximum.

Letters: B batch, K target frames, D detections per frame, w x h cells of the heatmap, S cells along a side of the
window around a peak.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.registry import codecs
from tracknet_plugins.codecs.gaussian_map import GaussianMap
from tracknet_plugins.codecs.peaks import Peaks, cut_patches

REACH = 2
"""Cells that the derivatives reach from the maximum; nearer to the border a place is the centre of its cell."""

KERNEL_SIGMAS = 2.5
"""Reach of the smoothing kernel, as that of 11 cells for a sigma of 2 in the paper's code."""

FLOOR = 1e-10
"""Height below which its logarithm is not followed."""


@codecs.register("dark")
class Dark(GaussianMap):
    """The same heatmap as ``gaussian``, decoded as DARK does, without a fit over a window.

    From Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose Estimation", CVPR 2020. The
    heatmap is smoothed by a gaussian of the same sigma as was drawn; the logarithm of what comes out is a parabola, so
    that a Taylor expansion of second order at the highest cell leads to its top:
    ``place = cell - Hessian^-1 gradient``, with central differences. A place less than 2 cells from the border stays at
    the centre of its cell, as in the paper's code; so does one where the heatmap has no top. No place moves farther
    than sigma along an axis, or out of the image.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 5 x 5.
        sigma: standard deviation of the gaussian in cells, at least 0.6.
        threshold: score in 0..1 from which a candidate is a ball.
        candidates: detections per frame (D): cells that no neighbour in 3 x 3 exceeds, highest first.
        hidden: what a frame trains whose ball is OCCLUDED: ``empty``, no ball; ``ignore``, nothing; ``ball``, the ball
            where it is said to be.
        weights: how much frames count in the loss, by visibility: absent, easy, hard, occluded; 1 if nothing is said.

    Raises:
        ValueError: a parameter is out of its range.
    """

    least = 2 * REACH + 1

    def tops(self, logits: Tensor, peaks: Peaks) -> Tensor:
        """Return where a step of Newton's method leads from the cells."""
        height, width = logits.shape[-2:]
        is_inner = _is_inner(peaks.column, width) & _is_inner(peaks.row, height)
        move = _newton_step(self._smoothed(logits, peaks).clamp(min=FLOOR).log())
        return peaks.place + move.clamp(-self.sigma, self.sigma) * is_inner.unsqueeze(-1)

    def _smoothed(self, logits: Tensor, peaks: Peaks) -> Tensor:
        """Return (B, K, D, 5, 5): the smoothed heights of the cells up to ``REACH`` from the peaks."""
        radius = math.ceil(KERNEL_SIGMAS * self.sigma)
        side = torch.arange(-REACH - radius, REACH + radius + 1, device=logits.device)  # (S,)
        centre = torch.arange(-REACH, REACH + 1, device=logits.device)  # (5,)
        # Row r of the kernel smooths around the cell r - REACH: two products with it smooth along both axes.
        kernel = ((side - centre.unsqueeze(-1)).square() / (-2 * self.sigma**2)).exp()  # (5, S)
        heights = cut_patches(logits, peaks, REACH + radius).heights  # (B, K, D, S, S)
        # Written out as sums, which stay in float32 under autocast. A factor has no influence on the top.
        rows = (kernel[:, :, None] * heights[..., None, :, :]).sum(dim=-2)  # (B, K, D, 5, S)
        return (rows[..., None, :] * kernel).sum(dim=-1)


def _is_inner(cell: Tensor, cells: int) -> Tensor:
    return (cell >= REACH) & (cell < cells - REACH)


def _newton_step(surface: Tensor) -> Tensor:
    """(..., 5, 5) heights around a cell -> (..., 2) way (x, y) to the top in cells; 0 where there is none."""
    slope_x = (surface[..., 2, 3] - surface[..., 2, 1]) / 2
    slope_y = (surface[..., 3, 2] - surface[..., 1, 2]) / 2
    curve_xx = (surface[..., 2, 4] - 2 * surface[..., 2, 2] + surface[..., 2, 0]) / 4
    curve_yy = (surface[..., 4, 2] - 2 * surface[..., 2, 2] + surface[..., 0, 2]) / 4
    curve_xy = (surface[..., 3, 3] - surface[..., 1, 3] - surface[..., 3, 1] + surface[..., 1, 1]) / 4
    determinant = curve_xx * curve_yy - curve_xy.square()
    x = (curve_xy * slope_y - curve_yy * slope_x) / determinant
    y = (curve_xy * slope_x - curve_xx * slope_y) / determinant
    has_top = (curve_xx < 0) & (determinant > 0)
    return torch.stack([x, y], dim=-1).where(has_top.unsqueeze(-1), 0.0)
