"""Cut the same rectangle out of all frames of a window, larger or smaller than it becomes, and turned."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from tracknet_core.contracts import Size, Transform, UInt8Array, Visibility, Window
from tracknet_core.registry import transforms

Vector = npt.NDArray[np.floating]


@transforms.register("resized_crop")
class ResizedCrop(Transform):
    """A random crop that is scaled and turned, the same draw for all pictures of the window.

    What ``affine`` and then ``crop`` do, at the cost of the crop alone: no pixel outside of it is looked at. Pixels are
    blended from the nearest four (bilinear). A share ``ball`` of the windows gets a crop that contains the visible ball
    of one of its frames, drawn at random, anywhere in the crop with the same probability as far as the frame reaches;
    the rest, and windows without a visible ball, get a crop anywhere. What comes from outside of the frame, where the
    crop is larger or turned, takes the mean colour of what is seen.

    Points outside of the crop become ABSENT, with NaN for a place; UNLABELLED frames stay so.

    Args:
        size: width and height of the crop, in pixels of the frames that come out.
        ball: share of the windows whose crop is placed on a ball, 0..1.
        scale: least and greatest factor of the size of things; drawn so that 1/s is as likely as s.
        degrees: greatest rotation to either side, 0..180.

    Raises:
        ValueError: a setting out of its range.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        ball: float = 0.75,
        scale: tuple[float, float] = (0.7, 1.5),
        degrees: float = 3.0,
    ) -> None:
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size={list(size)} is no size: give [width, height] in pixels, both at least 1")
        if not 0 <= ball <= 1:
            raise ValueError(f"ball={ball} is not a share: give a number from 0 (crops anywhere) to 1 (on the ball)")
        if not (len(scale) == 2 and 0 < scale[0] <= scale[1] < math.inf):
            raise ValueError(
                f"scale={list(scale)} is no range of factors: give [least, greatest], above 0 ([1, 1] never scales)"
            )
        if not 0 <= degrees <= 180:
            raise ValueError(f"degrees={degrees} is no greatest rotation: give a number from 0 (never rotates) to 180")
        self.size = (int(size[0]), int(size[1]))
        self.ball = ball
        self.scale = (float(scale[0]), float(scale[1]))
        self.degrees = degrees

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the crop."""
        height, width = window.frames.shape[1:3]
        factor = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        turn = factor * np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
        middle = self._place(window, rng, turn, np.array((width, height)))
        # From pixel centres at whole numbers to the frame's corner at (0, 0), and back.
        points = (window.labels.points + 0.5 - middle) @ turn.T + np.array(self.size) / 2 - 0.5
        return window.moved(_sampled(window.frames, middle, np.linalg.inv(turn), self.size), points)

    def output_size(self, size: Size) -> Size:
        """Return the crop's size, whatever the size of the frames."""
        return self.size

    def _place(self, window: Window, rng: np.random.Generator, turn: Vector, frame: Vector) -> Vector:
        """Return the place of the frame (2,), its corner being (0, 0), that becomes the middle of the crop."""
        crop = np.array(self.size)
        reach = np.minimum(crop / 2 / np.linalg.norm(turn[0]), frame / 2)
        visible = np.isin(window.visibility, (Visibility.EASY, Visibility.HARD))
        inside = np.all((window.xy > -0.5) & (window.xy < frame - 0.5), axis=1)  # NaN compares False
        choices = np.flatnonzero(visible & inside)
        if len(choices) == 0 or rng.random() >= self.ball:
            return rng.uniform(reach, frame - reach)
        ball = window.xy[rng.choice(choices)] + 0.5
        middle = ball - np.linalg.solve(turn, rng.uniform(0, crop) - crop / 2)
        within = np.clip(middle, reach, frame - reach)
        # In a corner of the frame, a turned crop that stays within may miss the ball.
        seen = turn @ (ball - within) + crop / 2
        place: Vector = within if ((seen >= 0) & (seen < crop)).all() else middle
        return place


def _sampled(frames: UInt8Array, middle: Vector, backward: Vector, size: Size) -> UInt8Array:
    """Return pictures (P, h, w, 3) of ``size`` whose pixels lie where ``backward`` takes them, around ``middle``.

    Args:
        frames: (P, H, W, 3).
        middle: (2,) place of the frames, their corner being (0, 0), that is the middle of the result.
        backward: (2, 2) takes a way in the result to that in the frames.
        size: (w, h).
    """
    height, width = frames.shape[1:3]
    reach = np.abs(backward) @ np.array(size) / 2 + 1  # a pixel more, for the blending
    left, top = np.clip(np.floor(middle - reach), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(middle + reach), (left + 1, top + 1), (width, height)).astype(int)
    part = frames[:, top:bottom, left:right]
    fill = tuple(np.rint(part[:, ::4, ::4].mean(axis=(0, 1, 2))).astype(int).tolist())
    start = middle - (left, top) - backward @ np.array(size) / 2
    coefficients = (*backward[0], start[0], *backward[1], start[1])
    result = np.empty((len(frames), size[1], size[0], 3), dtype=np.uint8)
    for picture, out in zip(part, result, strict=True):
        image = Image.fromarray(picture)
        out[:] = np.asarray(
            image.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=fill)
        )
    return result
