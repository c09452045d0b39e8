"""Discs, and the largest bounding box: the codec of TrackNetV2 and TrackNetV3.

Letters: B batch, K target frames, w x h cells of the heatmap, C components.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Labels, Size, Target
from tracknet_core.registry import codecs
from tracknet_plugins.codecs.averages import average_probabilities
from tracknet_plugins.codecs.components import best_components, find_components
from tracknet_plugins.codecs.grid import Grid, check_radius, check_threshold
from tracknet_plugins.codecs.policy import Hidden, Policy
from tracknet_plugins.codecs.targets import draw_disc


@codecs.register("box")
class Box(Codec):
    """The disc of TrackNetV2 (Sun et al., ICPAI 2020), and the centre of the largest box, as it and TrackNetV3 decode.

    Drawn are the cells up to ``radius`` from the centre of the cell that the ball is in, all 1. Where the video has
    another size than the heatmap, the published code draws around the same cell or the one before, since it cuts
    coordinates times the scale: of columns 0 to 4 of 1280 it puts 0, 1 and 2 into cell 0 of 512, and here 2 is in 1.

    A detection is the component of the cells with ``sigmoid(logits)`` above ``threshold``, corners connecting, whose
    upright bounding box has the largest area (of equal ones the one that begins last in reading order, the lower one:
    OpenCV finds contours from below, and the first of the largest counts in the code). Its place is the whole cell
    at the box's centre, for an even number of columns the right one of the two, of rows the lower one. Its score is
    its highest cell, since the published rule has none. The rule knows one ball: D is 1.

    Decoding depends on the number of cells above the threshold, so it does not run inside exported files.

    Args:
        image_size: (W, H) pixels of a whole image as the network gets it.
        size: (w, h) cells of the heatmap of a whole image, at least 3 x 3; published are as many as pixels, 512 x 288.
        radius: of the disc in cells, at least 0.75.
        threshold: height in 0..1 above which a cell belongs to a ball.
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
        threshold: float = 0.5,
        hidden: Hidden = "empty",
        weights: dict[str, float] | None = None,
    ) -> None:
        self.grid = Grid(image_size=image_size, size=size)
        check_radius(radius)
        check_threshold(threshold)
        self.size: Size = self.grid.size
        self.radius = radius
        self.threshold = threshold
        self.policy = Policy(hidden, weights)

    def encode(self, labels: Labels[Tensor], size: Size) -> Target:
        """Draw a disc around the cell of each ball.

        Args:
            labels: (B, K) in pixels of the network input; a ball outside of it leaves what its shape reaches.
            size: (W, H) pixels of the network input, a whole image or a crop of it.

        Returns:
            Values (B, K, h, w) float32, 0 or 1.

        Raises:
            ValueError: a crop of this size is not a whole number of cells.
        """
        frames = self.policy.choose(labels)
        cell = (self.grid.places(labels.xy, frames.has_ball, size) + 0.5).floor()
        disc = draw_disc(cell, frames.has_ball, self.grid.cells(size), self.radius)
        return Target(disc, frames.weight, frames.has_ball)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        """Return the logits (h, w) of the mean probabilities of M windows: (M, h, w), with weights (M,)."""
        return average_probabilities(logits, weights)

    def decode(self, logits: Tensor) -> Detections:
        """Find the balls.

        Args:
            logits: (B, K, h, w), of a whole image or a crop, of any floating type.

        Returns:
            One candidate per frame: the place in pixels of the network input, as score the highest sigmoid of its
            component. ``present`` is False where no cell is above the threshold.
        """
        batch, targets = logits.shape[:2]
        found = find_components(logits, self.threshold)
        count = len(found.map)
        cells = torch.stack([found.column, found.row], dim=-1)  # (N, 2)
        label = found.label.unsqueeze(-1).expand_as(cells)
        # One component more than there are, of one cell at 0: what stands where a map has none.
        low = cells.new_zeros(count + 1, 2).scatter_reduce(0, label, cells, "amin", include_self=False)
        high = cells.new_zeros(count + 1, 2).scatter_reduce(0, label, cells, "amax", include_self=False)
        score = found.height.new_zeros(count + 1).scatter_reduce(0, found.label, found.height, "amax")
        extent = high - low + 1
        place = (low + extent // 2).to(score.dtype)
        rank = extent.prod(dim=-1)[:count] * count + torch.arange(count, device=extent.device)  # by area, then the last
        best = best_components(found.map, rank, batch * targets, depth=1)
        best = best.view(batch, targets, 1)
        return Detections.at(self.grid.pixels(place[best]), score[best], best < count)
