"""The highest cell of a gaussian heatmap."""

from __future__ import annotations

from torch import Tensor

from tracknet_core.registry import codecs
from tracknet_plugins.codecs.gaussian_map import GaussianMap
from tracknet_plugins.codecs.peaks import Peaks


@codecs.register("argmax")
class Argmax(GaussianMap):
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

    least = 3

    def tops(self, logits: Tensor, peaks: Peaks) -> Tensor:
        """Return the centres of the cells."""
        return peaks.place
