"""The highest cell of a gaussian heatmap."""

from __future__ import annotations

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Size
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_sigma, check_threshold
from tracknet_plugins.codecs.peaks import find_peaks
from tracknet_plugins.codecs.targets import draw_gaussian


@codecs.register("argmax")
class Argmax(Codec):
    """The same heatmap as ``gaussian``; a place is the plain centre of the cell with the highest score.

    A place is off by up to half a cell along each axis, on average by 0.38 cells. What finer decoding is worth shows
    against this one.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 3 x 3.
        sigma: standard deviation of the drawn gaussian in cells, at least 0.6.
        threshold: score in 0..1 from which a candidate is a ball.
        candidates: detections per frame (D): cells that no neighbour in 3 x 3 exceeds, highest first.

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
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        check_sigma(sigma)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.sigma = sigma
        self.threshold = threshold
        self.candidates = candidates

    def encode(self, xy: Tensor, visible: Tensor, size: Size) -> Tensor:
        """Draw a gaussian around each ball.

        Args:
            xy: (B, K, 2) places in pixels of the network input; NaN is allowed where ``visible`` is False.
            visible: (B, K) bool; False gives an empty map.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            (B, K, h, w) float32 heights in 0..1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        return draw_gaussian(self.grid.places(xy, visible, size), visible, self.grid.cells(size), self.sigma)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (h, w) of the mean probabilities of M windows: (M, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, as score the sigmoid of the
            cell's logit. ``present`` is False below the threshold, and where a map has fewer than D peaks.
        """
        peaks = find_peaks(logits.float(), self.candidates)
        score = peaks.logit.sigmoid()
        present = (score >= self.threshold) & (peaks.logit > -torch.inf)
        return Detections(self.grid.pixels(peaks.place), score, present)
