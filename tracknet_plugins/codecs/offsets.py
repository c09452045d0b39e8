"""A coarse grid that says in which cell the ball is, and where in it: the codec of GridTrackNet.

Letters: B batch, K target frames, D detections per frame, w x h cells of the grid.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Form, Labels, Size, Target, Wanted
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.adjusting import from_score, with_candidates
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_threshold
from tracknet_plugins.codecs.peaks import find_peaks
from tracknet_plugins.codecs.policy import Hidden, Policy


@codecs.register("offsets")
class Offsets(Codec):
    """Three numbers for each cell: whether the ball is in it, and how far from its top left corner, along x and y.

    As in GridTrackNet (Korpelshoek, 2023) and, before it, YOLO (Redmon et al., CVPR 2016). All three are sigmoids of
    logits, the offsets in sides of a cell, so that a place is exact however coarse the grid is.

    A candidate is a cell that no neighbour in 3 x 3 exceeds (of equal neighbours the first), highest first. Published
    is one per frame, the highest cell of all.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the grid of a whole image, at least 3 x 3; published are 48 x 27 for 768 x 432 pixels.
        threshold: score in 0..1 from which a candidate is a ball.
        candidates: detections per frame (D).
        hidden: what a frame trains whose ball is OCCLUDED: ``empty``, no ball; ``ignore``, nothing; ``ball``, the ball
            where it is said to be.
        weights: how much frames count in the loss, by visibility: absent, easy, hard, occluded; 1 if nothing is said.

    Raises:
        ValueError: a parameter is out of its range.
    """

    form = Form("offsets", channels=3)

    def __init__(
        self,
        *,
        image_size: tuple[int, int],
        size: tuple[int, int],
        threshold: float = 0.5,
        candidates: int = 1,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Fill the cells that balls are in.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it is in no cell.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, 3, h, w) float32: 1 and two offsets of 0..1 in the cell of a ball, 0 in all others.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        width, height = self.grid.cells(size)
        place = self.grid.places(labels.xy, frames.has_ball, size) + 0.5  # (B, K, 2), from the corner of the grid
        cell = place.floor()
        inside = ((cell >= 0) & (cell < cell.new_tensor([width, height]))).all(dim=-1)  # (B, K)
        has_ball = frames.has_ball & inside
        column = torch.arange(width, device=cell.device) == cell[..., 0, None]  # (B, K, w)
        row = torch.arange(height, device=cell.device) == cell[..., 1, None]  # (B, K, h)
        own = (row.unsqueeze(-1) & column.unsqueeze(-2) & has_ball[..., None, None]).unsqueeze(2)  # (B, K, 1, h, w)
        numbers = torch.cat([torch.ones_like(place[..., :1]), place - cell], dim=-1)  # (B, K, 3)
        return Target(numbers[..., None, None] * own, frames.weight, has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (3, h, w) of the mean numbers of M windows: (M, 3, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with at least as many candidates, from a threshold that is at most as high."""
        return from_score(with_candidates(self, wanted.candidates), wanted.score)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, 3, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, as score the sigmoid of the
            cell's first logit. ``present`` is False below the threshold, and where a grid has fewer than D peaks.
        """
        logits = logits.float()
        peaks = find_peaks(logits[:, :, 0], self.candidates)
        cell = peaks.row * logits.shape[-1] + peaks.column  # (B, K, D)
        numbers = logits[:, :, 1:].flatten(3).gather(-1, cell.unsqueeze(2).expand(-1, -1, 2, -1))  # (B, K, 2, D)
        place = peaks.place - 0.5 + numbers.transpose(-1, -2).sigmoid()
        score = peaks.logit.sigmoid()
        present = (score >= self.threshold) & (peaks.logit > -torch.inf)
        return Detections.at(self.grid.pixels(place), score, present)
