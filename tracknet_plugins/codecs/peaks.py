"""The highest cells of maps, and windows around them.

Letters: B batch, K target frames, D detections per frame, w x h cells of the heatmap, S cells along a side of the
window around a peak.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Peaks(NamedTuple):
    """Candidates per map, highest first.

    Attributes:
        logit: (B, K, D); -inf where a map has fewer than D peaks.
        column: (B, K, D) cell along x.
        row: (B, K, D) cell along y.
    """

    logit: Tensor
    column: Tensor
    row: Tensor

    @property
    def place(self) -> Tensor:
        """(B, K, D, 2) centres of the cells, in the type of the logits."""
        return torch.stack([self.column, self.row], dim=-1).to(self.logit)


class Patch(NamedTuple):
    """The cells around peaks.

    Attributes:
        heights: (B, K, D, S, S) of ``sigmoid(logits)``, 0 outside of the map.
        has_column: (B, K, D, S) bool, False outside of the map.
        has_row: (B, K, D, S) bool, False outside of the map.
    """

    heights: Tensor
    has_column: Tensor
    has_row: Tensor


def find_peaks(logits: Tensor, count: int) -> Peaks:
    """Return the ``count`` highest cells that no neighbour in 3 x 3 exceeds; of equal neighbours the first.

    Args:
        logits: (B, K, h, w) float32.
        count: D.
    """
    width = logits.shape[-1]
    if count == 1:  # the highest cell of all is a peak, without a look at the neighbours of every cell
        logit, index = logits.flatten(2).max(dim=-1, keepdim=True)  # (B, K, 1)
    else:
        cells = logits.masked_fill(~_is_peak(logits), -torch.inf).flatten(2)
        logit, index = cells.topk(count, dim=-1)  # (B, K, D)
    return Peaks(logit, index % width, index // width)


def cut_patches(logits: Tensor, peaks: Peaks, radius: int) -> Patch:
    """Return the heights around peaks.

    Args:
        logits: (B, K, h, w) float32.
        peaks: of these logits.
        radius: cells to each side: S = 2 * radius + 1.
    """
    height, width = logits.shape[-2:]
    offsets = torch.arange(-radius, radius + 1, device=logits.device)  # (S,)
    columns = peaks.column.unsqueeze(-1) + offsets  # (B, K, D, S)
    rows = peaks.row.unsqueeze(-1) + offsets
    has_column = (columns >= 0) & (columns < width)
    has_row = (rows >= 0) & (rows < height)
    cells = rows.clamp(0, height - 1).unsqueeze(-1) * width + columns.clamp(0, width - 1).unsqueeze(-2)
    heights = logits.flatten(2).gather(-1, cells.flatten(2)).sigmoid().view(cells.shape)  # (B, K, D, S, S)
    return Patch(heights * (has_row.unsqueeze(-1) & has_column.unsqueeze(-2)), has_column, has_row)


def _is_peak(logits: Tensor) -> Tensor:
    """(B, K, h, w) -> bool: above the neighbours that come earlier in reading order, not below the later ones."""
    # Six maxima and comparisons of whole maps: on a CPU a fifth of the time of max_pool2d.
    padded = F.pad(logits, (1, 1, 1, 1), value=-torch.inf)
    rows = torch.maximum(torch.maximum(padded[..., :-2], padded[..., 1:-1]), padded[..., 2:])  # (B, K, h + 2, w)
    earlier = torch.maximum(rows[..., :-2, :], padded[..., 1:-1, :-2])
    later = torch.maximum(rows[..., 2:, :], padded[..., 1:-1, 2:])
    return (logits > earlier) & (logits >= later)
