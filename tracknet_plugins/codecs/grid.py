"""What codecs with one heatmap per frame share: cells over pixels, and the checks of common parameters.

Letters: B batch, K target frames, D detections per frame, W x H pixels of the network input, w x h cells of the
heatmap.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tracknet_core.contracts import Size, rescale
from tracknet_plugins.codecs.targets import LOWEST

MIN_SIGMA = 0.6
"""In cells. The top of a narrower gaussian can lie between cells that are all lower than half of it."""

MAX_SIGMA = 100.0
"""In cells. A wider gaussian is as good as flat on any heatmap, and windows of its width take all memory there is."""

MIN_RADIUS = 0.75
"""In cells. A smaller disc can lie between the centres of four cells and hold none."""


class Grid:
    """The cells of a heatmap over the pixels of an image, by the half-pixel rule.

    A place in cells is ``(pixel + 0.5) * w / W - 0.5``.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image.
        least: cells that a map needs along each axis.

    Raises:
        ValueError: ``size`` is no size, or too small.
    """

    def __init__(self, *, image_size: tuple[int, int], size: tuple[int, int], least: int = 3) -> None:
        if len(size) != 2 or min(size) < least:
            raise ValueError(
                f"size: {list(size)} is no size of a heatmap. Give [width, height] in cells, at least {least} each."
            )
        self.image_size: Size = (image_size[0], image_size[1])
        self.size: Size = (size[0], size[1])
        self._least = least

    def cells(self, size: Size) -> Size:
        """Return the (w, h) cells that (W, H) pixels get, in the proportion of the whole image.

        Raises:
            ValueError: that is not a whole number of cells, or too few.
        """
        cells = []
        for axis, pixels, whole, count in zip(("width", "height"), size, self.image_size, self.size, strict=True):
            number, rest = divmod(pixels * count, whole)
            if rest or number < self._least:
                raise ValueError(
                    f"size: the image has {count} cells for its {axis} of {whole} px, so an input of {pixels} px would "
                    f"have {pixels * count / whole:g}. It must be a whole number, at least {self._least}: change the "
                    "crop or the heatmap's size."
                )
            cells.append(number)
        return cells[0], cells[1]

    def places(self, xy: Tensor, visible: Tensor, size: Size) -> Tensor:
        """Return places in cells.

        Args:
            xy: (B, K, 2) pixels of the network input; NaN is allowed where ``visible`` is False.
            visible: (B, K) bool.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            (B, K, 2) float32, finite; without a meaning where ``visible`` is False.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        width, height = self.cells(size)
        scale = torch.tensor([width / size[0], height / size[1]], device=xy.device)
        places: Tensor = rescale(xy.float().masked_fill(~visible.unsqueeze(-1), 0.0), scale)
        return places

    def pixels(self, place: Tensor) -> Tensor:
        """(..., 2) places in cells -> the same in pixels of the network input."""
        pixels: Tensor = rescale(place, place.new_tensor(self.image_size) / place.new_tensor(self.size))
        return pixels


def check_sigma(sigma: float) -> None:
    """Refuse a standard deviation of a drawn gaussian, in cells, that leaves balls out, or covers any heatmap.

    Raises:
        ValueError: below ``MIN_SIGMA``, or above ``MAX_SIGMA``.
    """
    if not MIN_SIGMA <= sigma <= MAX_SIGMA:
        raise ValueError(
            f"sigma: {sigma} cells is out of range. Give {MIN_SIGMA} to {MAX_SIGMA:g}: a narrower gaussian has no peak "
            "where the ball is between cells. A heatmap of more cells makes the same sigma smaller in the image."
        )


def check_radius(radius: float) -> None:
    """Refuse a radius of a drawn disc, in cells, that leaves balls out.

    Raises:
        ValueError: below ``MIN_RADIUS``, or not finite.
    """
    if not MIN_RADIUS <= radius < math.inf:
        raise ValueError(
            f"radius: {radius} cells is out of range. Give at least {MIN_RADIUS}: a smaller disc has no cell where the "
            "ball is between cells. A heatmap of more cells makes the same radius smaller in the image."
        )


def check_rim(rim: float | None) -> None:
    """Refuse a height at the radius of a graded target that would leave it out; None is for targets of 0 and 1.

    Raises:
        ValueError: not in ``LOWEST``..1.
    """
    if rim is not None and not LOWEST <= rim <= 1:
        raise ValueError(
            f"rim: {rim} is no height of a target at its radius. Give a number from {LOWEST} to 1, or null for the "
            "binary disc."
        )


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that no probability is.

    Raises:
        ValueError: not in 0..1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: {threshold} is no score. Give a number from 0 to 1.")


def check_candidates(candidates: int, size: tuple[int, int]) -> None:
    """Refuse a number of detections per frame that a map of ``size`` (w, h) cells cannot have.

    Raises:
        ValueError: fewer than one, or more than cells.
    """
    if not 1 <= candidates <= size[0] * size[1]:
        raise ValueError(
            f"candidates: {candidates} per frame is out of range. Give 1 to {size[0] * size[1]}, a map's cells."
        )
