"""What codecs of one gaussian bump per ball share: they differ in where they see its top.

Letters: B batch, K target frames, D detections per frame, W x H pixels of the network input, w x h cells of the
heatmap.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target, Wanted
from tracknet_plugins.codecs.adjusting import from_score, with_candidates
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.grid import Grid, check_candidates, check_sigma, check_threshold
from tracknet_plugins.codecs.peaks import Peaks, find_peaks
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_gaussian


class GaussianMap(Codec):
    """Heatmap with the height ``exp(-d^2 / (2 sigma^2))`` at d cells from the ball.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image.
        sigma: standard deviation of the gaussian in cells, at least 0.6.
        threshold: score in 0..1 from which a candidate is a ball.
        candidates: detections per frame (D).
        hidden: what a frame trains whose ball is OCCLUDED.
        weights: how much frames count in the loss, by visibility.

    Raises:
        ValueError: a parameter is out of its range.
    """

    least: int
    """Cells that a map needs along each axis."""

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
        self.grid = Grid(image_size=image_size, size=size, least=self.least)
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

    def adjusted(self, wanted: Wanted) -> Self:
        """Return the codec with at least as many candidates, from a threshold that is at most as high."""
        return from_score(with_candidates(self, wanted.candidates), wanted.score)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            D candidates per frame, best first: places in pixels of the network input, inside of the image; as score the
            sigmoid of the peak's logit. ``present`` is False below the threshold, and where a map has fewer than D
            peaks.
        """
        height, width = logits.shape[-2:]
        logits = logits.float()
        peaks = find_peaks(logits, self.candidates)
        x, y = self.tops(logits, peaks).unbind(dim=-1)
        place = torch.stack([x.clamp(-0.5, width - 0.5), y.clamp(-0.5, height - 0.5)], dim=-1)  # (B, K, D, 2), cells
        score = peaks.logit.sigmoid()
        present = (score >= self.threshold) & (peaks.logit > -torch.inf)
        return Detections.at(self.grid.pixels(place), score, present)

    @abstractmethod
    def tops(self, logits: Tensor, peaks: Peaks) -> Tensor:
        """Return where the tops of bumps are, (B, K, D, 2) in cells.

        Args:
            logits: (B, K, h, w) float32.
            peaks: (B, K, D) the cells that no neighbour exceeds, highest first.
        """
