"""The highest cell of a gaussian heatmap."""

from __future__ import annotations

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_sigma, check_threshold
from tracknet_plugins.codecs.peaks import find_peaks
from tracknet_plugins.codecs.policy import Hidden, Policy
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
        self.grid = Grid(image_size=image_size, size=size)
        check_sigma(sigma)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.sigma = sigma
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw a gaussian around each ball.

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
            D candidates per frame, best first: places in pixels of the network input, as score the sigmoid of the
            cell's logit. ``present`` is False below the threshold, and where a map has fewer than D peaks.
        """
        peaks = find_peaks(logits.float(), self.candidates)
        score = peaks.logit.sigmoid()
        present = (score >= self.threshold) & (peaks.logit > -torch.inf)
        return Detections.at(self.grid.pixels(peaks.place), score, present)
