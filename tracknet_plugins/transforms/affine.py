"""Scale, rotate and shift a window."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from tracknet_core.contracts import Transform, UInt8Array, Window
from tracknet_core.registry import transforms

Matrix = npt.NDArray[np.floating]


@transforms.register("affine")
class Affine(Transform):
    """Random scale, rotation and shift about the centre of the frame, the same draw for all pictures of the window.

    The frames keep their size. Pixels are blended from the nearest four (bilinear). What comes from outside of the
    frame takes the mean colour of the window: mirrored or repeated borders would show balls that no label knows of.

    Points that leave the frame become ABSENT, with NaN for a place; UNLABELLED frames stay so.

    After a crop this costs least, but brings in borders; before it, the crop mostly lies within the frame.

    Args:
        scale: least and greatest factor of the size of things; drawn so that 1/s is as likely as s.
        degrees: greatest rotation to either side, 0..180.
        translate: greatest shift to any side, as a share of the width and of the height, 0..1.
        prob: share of the windows that are changed, 0..1.

    Raises:
        ValueError: a setting out of its range.
    """

    def __init__(
        self,
        *,
        scale: tuple[float, float] = (0.8, 1.25),
        degrees: float = 5.0,
        translate: float = 0.05,
        prob: float = 0.5,
    ) -> None:
        if not (len(scale) == 2 and 0 < scale[0] <= scale[1] < math.inf):
            raise ValueError(
                f"scale={list(scale)} is no range of factors: give [least, greatest], above 0 ([1, 1] never scales)"
            )
        if not 0 <= degrees <= 180:
            raise ValueError(f"degrees={degrees} is no greatest rotation: give a number from 0 (never rotates) to 180")
        if not 0 <= translate <= 1:
            raise ValueError(
                f"translate={translate} is not a share of the size: give a number from 0 (never shifts) to 1"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob} is not a probability: give a number from 0 (never) to 1 (always)")
        self.scale = (float(scale[0]), float(scale[1]))
        self.degrees = degrees
        self.translate = translate
        self.prob = prob

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window, moved or as it is."""
        if rng.random() >= self.prob:
            return window
        forward = self._draw(rng, window.frames.shape[2], window.frames.shape[1])
        corner = (
            window.labels.points + 0.5
        )  # from pixel centres at whole numbers to the frame's corner at (0, 0), and back
        points = corner @ forward[:2, :2].T + forward[:2, 2] - 0.5
        return window.moved(_warped(window.frames, np.linalg.inv(forward)), points)

    def _draw(self, rng: np.random.Generator, width: int, height: int) -> Matrix:
        """Return the (3, 3) matrix that takes an old place to its new one, where the frame's corner is (0, 0)."""
        scale = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        shift = rng.uniform(-self.translate, self.translate, size=2) * (width, height)
        turn = scale * np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
        centre = np.array((width / 2, height / 2))
        forward = np.eye(3)
        forward[:2, :2] = turn
        forward[:2, 2] = centre + shift - turn @ centre
        return forward


def _warped(frames: UInt8Array, backward: Matrix) -> UInt8Array:
    """Return the pictures (P, H, W, 3) whose pixels lie where ``backward`` takes them."""
    count, height, width = frames.shape[:3]
    # torch has the corners of the frame at -1 and 1.
    to_pixels = np.array(((width / 2, 0, width / 2), (0, height / 2, height / 2), (0, 0, 1)))
    theta = torch.from_numpy(np.linalg.solve(to_pixels, backward @ to_pixels)[None, :2]).float()
    grid = F.affine_grid(theta, [1, 1, height, width], align_corners=False)
    # All planes of all pictures are channels of one, which shares the reckoning of where pixels lie.
    planes = torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, 1)))
    values = planes.view(1, count * 3, height, width).float()
    # Outside is 0 to grid_sample; every fourth row and column gives the mean to a fraction of a grey level.
    mean = torch.from_numpy(frames[:, ::4, ::4].mean(axis=(0, 1, 2), dtype=np.float32)).repeat(count)[:, None, None]
    warped = F.grid_sample(values.sub_(mean), grid, align_corners=False).add_(mean + 0.5)  # 0.5: the cast rounds down
    return warped.to(torch.uint8).view(count, 3, height, width).permute(0, 2, 3, 1).numpy()
