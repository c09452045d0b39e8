"""The heights of a gaussian as classes, one for each cell: the codec of TrackNet.

Letters: B batch, K target frames, D detections per frame, L levels, w x h cells of the map.
"""

from __future__ import annotations

from typing import Self

from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Form, Labels, Size, Target, Wanted
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.adjusting import with_candidates
from tracknet_plugins.codecs.averages import average_classes
from tracknet_plugins.codecs.components import find_centres, find_components
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_sigma, check_threshold
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_gaussian


@codecs.register("classes")
class Classes(Codec):
    """A grey level for each cell, as a class, in which TrackNet saw the ball (Huang et al., AVSS 2019).

    The class of a cell is ``exp(-d^2 / (2 sigma^2))`` at d cells from the ball, of 0 to L - 1 the nearest level.
    (TrackNet takes the next lower one, which with few levels would leave the ball without its top.)

    A detection is a component of the cells whose likeliest class is higher than ``threshold`` of the highest, where
    corners connect. Its place is the mean of its cells weighted by their levels, its score the sum of its levels, the
    highest being 1: **not a probability**, but cells. TrackNet looks for circles in these cells, by Hough's method,
    and takes the one with most votes. A component's centre is the same place for what looks like a disc, and needs no
    choice of radii.

    Decoding depends on the number of cells above the threshold, so it does not run inside exported files.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the map of a whole image, at least 3 x 3; published are as many as pixels, 640 x 360.
        levels: L, at least 2; 256 are published.
        sigma: standard deviation of the gaussian in cells, at least 0.6; published is a variance of 10 pixels^2 of a
            video of 1280 x 720, which are 1.58 pixels of 640 x 360.
        threshold: share of the highest level above which a cell belongs to a ball.
        candidates: detections per frame (D).
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
        levels: int = 256,
        sigma: float = 1.58,
        threshold: float = 0.5,
        candidates: int = 1,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        if levels < 2:
            raise ValueError(f"levels: {levels} tells no ball from none. Give at least 2, such as 256.")
        check_sigma(sigma)
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.form = Form("classes", channels=levels, indices=True)
        self.levels = levels
        self.sigma = sigma
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw the classes.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it leaves what its shape reaches.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, h, w) int64, 0 to L - 1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        place = self.grid.places(labels.xy, frames.has_ball, size)
        heights = draw_gaussian(place, frames.has_ball, self.grid.cells(size), self.sigma)
        return Target((heights * (self.levels - 1)).round().long(), frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (L, h, w) of the mean probabilities of M windows: (M, L, h, w), with weights (M,)."""
        return average_classes(logits, weights)

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with at least as many candidates; which cells hang together stays as it is."""
        return with_candidates(self, wanted.candidates)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, L, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, as score the sum of the levels
            of a component. ``present`` is False where a map has fewer than D components.
        """
        batch, targets = logits.shape[:2]
        height = logits.argmax(dim=2).float() / (self.levels - 1)  # (B, K, h, w)
        found = find_components(height.logit(), self.threshold)
        place, score, present, _ = find_centres(found, batch * targets, self.candidates)
        shape = (batch, targets, self.candidates)
        return Detections.at(self.grid.pixels(place).view(*shape, 2), score.view(shape), present.view(shape))
