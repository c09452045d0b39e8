"""Discs, and the weighted centres of what hangs together above a threshold: the codec of WASB.

Letters: B batch, K target frames, D detections per frame, w x h cells of the heatmap, C components.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target, Wanted
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.adjusting import with_candidates
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.components import find_centres, find_components
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_radius, check_rim, check_threshold
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_disc, draw_graded, squared_distance

Graded = Literal["every", "hard"]
"""Which frames get a graded target."""


@codecs.register("blob")
class Blob(Codec):
    """The binary or graded disc and the connected components of WASB (Tarashima et al., BMVC 2023).

    Drawn are the cells up to ``radius`` from the ball's sub-pixel place: all 1, or, with ``rim``, of the height
    ``rim * exp(1 - d^2 / radius^2)`` at the distance d, at most 1, and 0 below 0.5: a wider disc, which
    WASB draws for the frames alone that proved hard (``graded: hard``, and the callback ``hard_samples``).

    A detection is a component of the cells with h = ``sigmoid(logits)`` above ``threshold``, where corners connect.
    Its place is the mean of its cells weighted by h, its score the sum of its h: **not a probability**, but cells, some
    20 for a disc of radius 2.5. It exceeds ``threshold``, which is a height of cells. Best is the highest score, of
    equal ones the first in reading order.

    Decoding depends on the number of cells above the threshold, so it does not run inside exported files.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 3 x 3; published are as many as pixels.
        radius: of the disc in cells, at least 0.75: a smaller one slips through between the centres of cells.
        rim: height of a graded target at ``radius``, from 0.5 to 1; 0.7 in the paper, 0.6 in its code. None draws
            the binary disc.
        graded: whether ``every`` frame gets the graded target, or those alone that have proved ``hard``, whose labels
            have a difficulty above 0; without ``rim`` there is none.
        threshold: height in 0..1 above which a cell belongs to a ball.
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
        radius: float = 2.5,
        rim: float | None = None,
        graded: Graded = "every",
        threshold: float = 0.5,
        candidates: int = 8,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        check_radius(radius)
        check_rim(rim)
        if graded not in ("every", "hard"):
            raise ValueError(f"graded: {graded!r} is unknown. Give every or hard.")
        check_threshold(threshold)
        check_candidates(candidates, size)
        self.size: Size = self.grid.size
        self.radius = radius
        self.rim = rim
        self.graded = graded
        self.threshold = threshold
        self.candidates = candidates
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw a disc around each ball.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it leaves what its shape reaches.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, h, w) float32: 0 or 1, or heights in 0..1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        place, cells = self.grid.places(labels.xy, frames.has_ball, size), self.grid.cells(size)
        if self.rim is None:
            height = draw_disc(place, frames.has_ball, cells, self.radius)
        else:
            height = draw_graded(squared_distance(place, cells), frames.has_ball, self.radius, self.rim)
            if self.graded == "hard":
                disc = draw_disc(place, frames.has_ball, cells, self.radius)
                height = torch.where((labels.difficulty > 0)[..., None, None], height, disc)
        return Target(height, frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (h, w) of the mean probabilities of M windows: (M, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with at least as many candidates; which cells hang together stays as it is."""
        return with_candidates(self, wanted.candidates)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, as score the sum of the heights
            of a component. ``present`` is False where a map has fewer than D components.
        """
        batch, targets = logits.shape[:2]
        found = find_components(logits, self.threshold)
        place, score, present, _ = find_centres(found, batch * targets, self.candidates)
        shape = (batch, targets, self.candidates)
        return Detections.at(self.grid.pixels(place).view(*shape, 2), score.view(shape), present.view(shape))
