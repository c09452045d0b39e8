"""Connected components of the cells above a threshold, in all maps of a batch at once.

Letters: B batch, K target frames, D detections per frame, w x h cells of the heatmap, N cells above the threshold,
C components.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Components(NamedTuple):
    """Cells above a threshold and how they hang together, in reading order within each map.

    Attributes:
        map: (C,) the map of each component: b * K + k.
        label: (N,) the component of each cell, 0..C-1.
        column: (N,) cell along x.
        row: (N,) cell along y.
        height: (N,) float32, ``sigmoid(logits)``.
    """

    map: Tensor
    label: Tensor
    column: Tensor
    row: Tensor
    height: Tensor


def find_components(logits: Tensor, threshold: float) -> Components:
    """Return the components of the cells with ``sigmoid(logits) > threshold``; corners connect (8 neighbours).

    The work after one look at every cell grows with N alone, and N is some 20 per ball: every root of a tree is
    hung under the lowest root that it touches, all trees are flattened, and so on with the roots that still touch
    (after Shiloach and Vishkin, "An O(log n) Parallel Connectivity Algorithm", Journal of Algorithms 3, 1982).

    Args:
        logits: (B, K, h, w), of any floating type.
        threshold: in 0..1.
    """
    height, width = logits.shape[-2:]
    limit = math.inf if threshold == 1 else -math.inf if threshold == 0 else math.log(threshold / (1 - threshold))
    maps = logits.flatten(0, 1)  # (B * K, h, w)
    which, row, column = (maps > limit).nonzero(as_tuple=True)
    # One column and one row more than there are: the neighbour of a cell at the border is in no map.
    place = (which * (height + 1) + row) * (width + 1) + column
    cells = torch.arange(len(place), device=place.device)
    root = cells
    one, other = _neighbours(place, width + 1)
    while len(one):
        root = root.scatter_reduce(0, torch.maximum(one, other), torch.minimum(one, other), "amin")
        while not torch.equal(root, above := root[root]):
            root = above
        one, other = root[one], root[other]
        touch = one != other
        one, other = one[touch], other[touch]
    is_first = root == cells
    label = (is_first.cumsum(0) - 1)[root]
    return Components(which[is_first], label, column, row, maps[which, row, column].float().sigmoid())


def best_components(maps: Tensor, score: Tensor, count: int, depth: int) -> Tensor:
    """Return the components with the highest scores of each map; of equal scores the first.

    Args:
        maps: (C,) the map of each component, ascending.
        score: (C,).
        count: number of maps.
        depth: D.

    Returns:
        (count, D) numbers of components, best first; C where a map has fewer than D.
    """
    order = score.argsort(descending=True, stable=True)
    order = order[maps[order].argsort(stable=True)]  # by map, and by score within one
    order = torch.cat([order, order.new_tensor([len(maps)])])
    every = torch.arange(count, device=maps.device)
    begin = torch.searchsorted(maps, every).unsqueeze(-1)
    end = torch.searchsorted(maps, every, right=True).unsqueeze(-1)
    position = begin + torch.arange(depth, device=maps.device)  # (count, D)
    return torch.where(position < end, order[position.clamp(max=len(maps))], len(maps))


class Centres(NamedTuple):
    """What is at the weighted centres of components, D per map, the heaviest first.

    Attributes:
        place: (count, D, 2) means of the cells, weighted by their heights; in cells.
        score: (count, D) sums of the heights.
        present: (count, D) bool, False where a map has fewer than D components.
        component: (count, D) their numbers, C where a map has fewer than D.
    """

    place: Tensor
    score: Tensor
    present: Tensor
    component: Tensor


def find_centres(found: Components, count: int, depth: int) -> Centres:
    """Return the components with the largest sums of heights; of equal ones the first.

    Args:
        found: the components of ``count`` maps.
        count: number of maps.
        depth: D.
    """
    components = len(found.map)
    # One component more than there are, empty: what stands where a map has fewer than D.
    score = found.height.new_zeros(components + 1).index_add(0, found.label, found.height)
    moment = torch.stack([found.column, found.row], dim=-1) * found.height.unsqueeze(-1)  # (N, 2)
    place = found.height.new_zeros(components + 1, 2).index_add(0, found.label, moment)
    place = place / score.clamp(min=torch.finfo(score.dtype).tiny).unsqueeze(-1)  # (C + 1, 2)
    best = best_components(found.map, score[:components], count, depth)  # (count, D)
    return Centres(place[best], score[best], best < components, best)


def find_spread(found: Components) -> Tensor:
    """Return the second central moments of the area that the cells of each component cover, as squares of side 1.

    Returns:
        (C + 1, 3): of x, of y, and of both, in cells^2. One component more than there are: that of a lone cell, which
        stands where a map has fewer than D.
    """
    components = len(found.map)
    count = found.height.new_zeros(components + 1).index_add(0, found.label, torch.ones_like(found.height))
    count = count.clamp(min=1)
    at = torch.stack([found.column, found.row], dim=-1).to(found.height)  # (N, 2)
    middle = at.new_zeros(components + 1, 2).index_add(0, found.label, at) / count.unsqueeze(-1)
    x, y = (at - middle[found.label]).unbind(-1)
    squares = torch.stack([x * x, y * y, x * y], dim=-1)
    spread = squares.new_zeros(components + 1, 3).index_add(0, found.label, squares) / count.unsqueeze(-1)
    return spread + spread.new_tensor([1 / 12, 1 / 12, 0])  # of a square of side 1


def _neighbours(place: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return the pairs of touching cells.

    Args:
        place: (N,) ascending places in padded maps of ``stride`` columns.
        stride: columns of a padded map.
    """
    number = torch.arange(len(place), device=place.device)
    pairs = [torch.stack([number[:-1], number[1:]])[:, place.diff() == 1]]
    below = torch.searchsorted(place, place + stride - 1)
    for position in (below, below + 1, below + 2):  # cells left below, below and right below, as far as there are
        other = position.clamp(max=len(place) - 1)
        step = place[other] - place
        pairs.append(torch.stack([number, other])[:, (step >= stride - 1) & (step <= stride + 1)])
    one, other = torch.cat(pairs, dim=1)
    return one, other
