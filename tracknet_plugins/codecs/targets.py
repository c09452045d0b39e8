"""The shapes that codecs draw around a ball.

Letters: B batch, K target frames, w x h cells of the heatmap. Places are in cells.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.contracts import Size

LOWEST = 0.5
"""Heights of a graded target below this are 0."""


def draw_gaussian(place: Tensor, visible: Tensor, cells: Size, sigma: float) -> Tensor:
    """Return heights ``exp(-d^2 / (2 sigma^2))`` at d cells from the ball.

    Args:
        place: (B, K, 2) float32; one outside of the map leaves what its tail reaches.
        visible: (B, K) bool; False gives an empty map.
        cells: (w, h) of the map.
        sigma: standard deviation in cells.

    Returns:
        (B, K, h, w) float32 heights in 0..1.
    """
    width, height = cells
    # exp(a + b) = exp(a) * exp(b): w + h exponentials per frame instead of w * h.
    columns = (_offsets(place[..., 0], width).square() / (-2 * sigma**2)).exp().unsqueeze(-2)  # (B, K, 1, w)
    rows = (_offsets(place[..., 1], height).square() / (-2 * sigma**2)).exp().unsqueeze(-1)  # (B, K, h, 1)
    return rows * columns * visible[..., None, None]


def draw_disc(place: Tensor, visible: Tensor, cells: Size, radius: float) -> Tensor:
    """Return 1 in the cells whose centres are at most ``radius`` from the ball, and 0 elsewhere.

    Args:
        place: (B, K, 2) float32; one outside of the map leaves what its disc reaches.
        visible: (B, K) bool; False gives an empty map.
        cells: (w, h) of the map.
        radius: in cells.

    Returns:
        (B, K, h, w) float32, 0 or 1.
    """
    return ((squared_distance(place, cells) <= radius**2) & visible[..., None, None]).float()


def draw_graded(squares: Tensor, visible: Tensor, radius: float, rim: float) -> Tensor:
    """Return heights ``rim * exp(1 - d^2 / radius^2)``, at most 1, and 0 below :data:`LOWEST`.

    Args:
        squares: (B, K, h, w) squared distances d^2 of the cells to the ball, in cells^2.
        visible: (B, K) bool; False gives an empty map.
        radius: in cells.
        rim: height at the radius.

    Returns:
        (B, K, h, w) float32 heights in 0..1.
    """
    height = (math.log(rim) + 1 - squares / radius**2).exp().clamp(max=1)
    return height * ((height >= LOWEST) & visible[..., None, None])


def squared_distance(place: Tensor, cells: Size) -> Tensor:
    """(B, K, 2) places -> (B, K, h, w) squared distances of the cells' centres to them, in cells^2."""
    columns = _offsets(place[..., 0], cells[0]).square().unsqueeze(-2)  # (B, K, 1, w)
    rows = _offsets(place[..., 1], cells[1]).square().unsqueeze(-1)  # (B, K, h, 1)
    return rows + columns


def squared_distance_to_line(ends: Tensor, cells: Size) -> Tensor:
    """(B, K, 2, 2) ends -> (B, K, h, w) squared distances of the cells' centres to the line between them, cells^2."""
    x, y = (_offsets(ends[..., 0, axis], cells[axis]) for axis in (0, 1))  # (B, K, w) and (B, K, h), from one end
    x, y = x.unsqueeze(-2), y.unsqueeze(-1)
    dx, dy = (ends[..., 1, :] - ends[..., 0, :])[..., None, None].unbind(-3)  # (B, K, 1, 1)
    length = (dx.square() + dy.square()).clamp(min=torch.finfo(ends.dtype).tiny)
    share = ((x * dx + y * dy) / length).clamp(0, 1)  # of the way to the other end, where the line is nearest
    return (x - share * dx).square() + (y - share * dy).square()


def _offsets(centre: Tensor, cells: int) -> Tensor:
    """(B, K) places along one axis -> (B, K, cells), how far each cell is beyond."""
    return torch.arange(cells, device=centre.device) - centre.unsqueeze(-1)
