"""Two distributions per ball: its place along the width and along the height.

Letters: B batch, K target frames, W x H pixels of the network input, w x h cells of the grid.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Form, Labels, Size, Target, Wanted
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.adjusting import from_score
from tracknet_plugins.codecs.grid import MAX_SIGMA, Grid, check_threshold
from tracknet_plugins.codecs.policy import Hidden, Policy

MIN_CELLS = 3
"""A parabola takes three cells."""

_EPSILON = 1e-12  # of a probability, so that its logarithm is finite


@codecs.register("sides")
class Sides(Codec):
    """A ball is two distributions, over the w columns and over the h rows of a grid.

    As TOTNet has it (Xu et al., 2025), and SimCC before (Li et al., "SimCC: a Simple Coordinate Classification
    Perspective for Human Pose Estimation", ECCV 2022): w + h numbers where a heatmap has w * h. Pixels and cells follow
    the half-pixel rule, ``cell = (pixel + 0.5) * w / W - 0.5``.

    Logits are the logarithms of both distributions, those of the width first. The place along a side is the most likely
    cell, and the score is the share of the distribution within ``reach`` cells of it, on the side where that is less:
    about 1 for what the codec draws, and next to nothing where every place is as likely as another.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the grid of a whole image, at least 3 x 3.
        sigma: standard deviation in cells of the gaussian that is drawn on each side; 0 draws the nearest cell alone.
        subpixel: a place is the top of the parabola through the logarithms of the most likely cell and its neighbours,
            which is exact for a gaussian; False takes the cell's centre.
        absent: what a frame without a ball trains: ``flat``, every place is as likely as another; ``corner``, the cell
            at the top left, which then says that there is no ball, as in TOTNet.
        threshold: score in 0..1 from which a place is a ball.
        hidden: what a frame trains whose ball is OCCLUDED: ``empty``, no ball; ``ignore``, nothing; ``ball``, the ball
            where it is said to be.
        weights: how much frames count in the loss, by visibility: absent, easy, hard, occluded; 1 if nothing is said.

    Raises:
        ValueError: a parameter is out of its range.
    """

    form = Form("sides", layout="sides")

    def __init__(
        self,
        *,
        image_size: tuple[int, int],
        size: tuple[int, int],
        sigma: float = 1.0,
        subpixel: bool = True,
        absent: Literal["flat", "corner"] = "flat",
        threshold: float = 0.5,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size, least=MIN_CELLS)
        if not 0 <= sigma <= MAX_SIGMA:
            raise ValueError(f"sigma: {sigma} cells is out of range. Give 0 (one cell) to {MAX_SIGMA:g}.")
        if absent not in ("flat", "corner"):
            raise ValueError(f"absent: {absent!r} is unknown. It accepts: flat, corner.")
        check_threshold(threshold)
        self.size: Size = self.grid.size
        self.sigma = sigma
        self.subpixel = subpixel
        self.absent = absent
        self.threshold = threshold
        self.reach = 1 + math.ceil(2 * sigma)
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw the distributions.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it is at its border.
            size: (W, H) pixels of the network input, a whole image or a crop of its proportions.

        Returns:
            Values (B, K, w + h) float32 probabilities, of the columns and of the rows.

        Raises:
            ValueError: a crop of this size is not a whole number of cells, or has other proportions.
        """
        cells = self.grid.cells(size)
        if cells[0] * self.size[1] != cells[1] * self.size[0]:
            raise ValueError(
                f"size: an input of {size[0]}x{size[1]} px has {cells[0]} + {cells[1]} cells along its sides; where one"
                " ends is known for the proportions of the whole image alone, "
                f"{self.size[0]} to {self.size[1]} cells: choose a crop with these."
            )
        frames = self.policy.choose(labels)
        place = self.grid.places(labels.xy, frames.has_ball, size)
        sides = [self._draw(place[..., axis], frames.has_ball, count) for axis, count in enumerate(cells)]
        return Target(torch.cat(sides, dim=-1), frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logarithms (w + h,) of the mean probabilities of M windows: (M, w + h), with weights (M,)."""
        weighted = logits.float().exp() * weights.float()[:, None]
        return (weighted.sum(0) / weights.sum()).clamp(min=_EPSILON).log()

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with a threshold that is at most as high; there is one candidate per frame."""
        return from_score(self, wanted.score)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, w + h) logarithms of probabilities, of a whole image or a crop of its proportions, of any
                floating type.

        Returns:
            One candidate per frame (D = 1). ``present`` is False below the threshold and, with ``absent: corner``, at
            the top left cell.

        Raises:
            ValueError: so many numbers are no two sides with the proportions of the image.
        """
        columns, rest = divmod(logits.shape[-1] * self.size[0], sum(self.size))
        if rest:
            raise ValueError(
                f"{logits.shape[-1]} numbers are no two sides with the proportions of {self.size[0]} to {self.size[1]} "
                "cells. Choose a crop with the proportions of the image."
            )
        logits = logits.float()
        x, x_cell, x_share = self._find(logits[..., :columns])
        y, y_cell, y_share = self._find(logits[..., columns:])
        score = torch.minimum(x_share, y_share).unsqueeze(-1)  # (B, K, 1)
        present = score >= self.threshold
        if self.absent == "corner":
            present = present & ((x_cell > 0) | (y_cell > 0)).unsqueeze(-1)
        place = torch.stack([x, y], dim=-1).unsqueeze(-2)  # (B, K, 1, 2)
        return Detections.at(self.grid.pixels(place), score, present)

    def _draw(self, place: Tensor, has_ball: Tensor, count: int) -> Tensor:
        """(B, K) places along a side of ``count`` cells -> (B, K, count) probabilities."""
        cells = torch.arange(count, device=place.device)
        place = place.clamp(0, count - 1).unsqueeze(-1)
        if self.sigma > 0:
            ball = ((cells - place).square() / (-2 * self.sigma**2)).softmax(dim=-1)
        else:
            ball = (cells == (place + 0.5).floor().clamp(max=count - 1)).float()
        empty = (cells == 0).float() if self.absent == "corner" else torch.full_like(ball, 1 / count)
        return torch.where(has_ball.unsqueeze(-1), ball, empty)

    def _find(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the place in cells, the most likely cell, and the share around it, each (B, K), for (B, K, cells)."""
        count = logits.shape[-1]
        peak, cell = logits.max(dim=-1)
        cells = torch.arange(count, device=logits.device)
        near = (cells - cell.unsqueeze(-1)).abs() <= self.reach
        share = (logits.exp() * near).sum(dim=-1).clamp(max=1.0)
        place = cell.float()
        if self.subpixel:
            before, after = (_at(logits, (cell + step).clamp(0, count - 1)) - peak for step in (-1, 1))
            inside = (cell > 0) & (cell < count - 1) & (before + after < 0)
            top = (before - after) / (2 * (before + after)).where(inside, 1.0)
            place = place + top.where(inside, 0.0).clamp(-0.5, 0.5)
        return place, cell, share


def _at(values: Tensor, index: Tensor) -> Tensor:
    """(B, K, cells), (B, K) -> (B, K)."""
    return values.gather(-1, index.unsqueeze(-1)).squeeze(-1)
