"""The pinhole camera of the broadcast, behind and above one end of the court."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, sin
from typing import Any

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import Size

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion or roll.

    Attributes:
        position: (3,) metres.
        axes: (3, 3) rows are the directions right, down and forward of the picture, in the world.
        focal: focal length, in pixels.
        centre: (2,) the principal point, in pixels.
    """

    position: Array
    axes: Array
    focal: float
    centre: Array

    @classmethod
    def aimed(
        cls,
        *,
        side: float,
        behind: float,
        height: float,
        near_edge: float,
        width: float,
        fill: float,
        bottom: float,
        size: Size,
    ) -> Camera:
        """Return the camera that shows the near edge of the court with a given width, at a given row.

        Args:
            side: x of the camera, in metres.
            behind: metres from the near edge to the camera, along the floor.
            height: of the camera above the playing surface's floor, in metres.
            near_edge: y of the near edge, in metres (negative).
            width: of the court, in metres.
            fill: wanted width of the near edge, as a share of the picture's width.
            bottom: wanted row of the near edge, as a share of the picture's height.
            size: width and height of the picture, in pixels.
        """
        columns, rows = size
        position = np.array([side, near_edge - behind, height])
        yaw = atan2(-side, -position[1])
        to_edge = atan2(height, behind)
        pitch = to_edge
        focal = float(columns)
        # Each of the two unknowns follows from the other; the pair settles in a few rounds.
        for _ in range(8):
            depth = behind * cos(pitch) + height * sin(pitch)
            focal = fill * columns * depth / width
            pitch = to_edge - atan2((bottom - 0.5) * rows, focal)
        forward = np.array([sin(yaw) * cos(pitch), cos(yaw) * cos(pitch), -sin(pitch)])
        right = np.array([cos(yaw), -sin(yaw), 0.0])
        return cls(
            position=position,
            axes=np.stack([right, np.cross(forward, right), forward]),
            focal=focal,
            centre=np.array([(columns - 1) / 2, (rows - 1) / 2]),
        )

    def project(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Return where points appear: pixels (..., 2), and pixels per metre there (...,), for points (..., 3)."""
        seen = (np.asarray(points, dtype=np.float64) - self.position) @ self.axes.T
        scale = self.focal / np.maximum(seen[..., 2], 0.1)
        return seen[..., :2] * scale[..., None] + self.centre, scale

    def rays(self, pixels: Array) -> Array:
        """Return the directions (..., 3) in the world, of any length, in which pixels (..., 2) look."""
        offset = (pixels - self.centre) / self.focal
        return np.concatenate([offset, np.ones_like(offset[..., :1])], axis=-1) @ self.axes


@dataclass(frozen=True)
class Motion:
    """How the picture at rest moves, as a camera that turns and zooms moves it: scaled, then shifted. N frames.

    Attributes:
        zoom: (N,) factor.
        offset: (N, 2) pixels; multiples of 1/4 where nothing is scaled.
    """

    zoom: Array
    offset: Array

    def moved(self, points: Array, frames: Any = slice(None)) -> Array:
        """Return where points (F, …, 2) of the picture at rest are in F frames, by their numbers."""
        zoom, offset = self._shaped(self.zoom[frames, None], points), self._shaped(self.offset[frames], points)
        return np.asarray(points * zoom + offset)

    def at_rest(self, points: Array, frames: Any = slice(None)) -> Array:
        """Return where points (F, …, 2) of F frames are in the picture at rest."""
        zoom, offset = self._shaped(self.zoom[frames, None], points), self._shaped(self.offset[frames], points)
        return np.asarray((points - offset) / zoom)

    def capsules(self, capsules: Array, frame: int) -> Array:
        """Return capsules (P, 6) of the picture at rest in a frame."""
        x, y = self.offset[frame].tolist()
        return np.asarray(capsules * self.zoom[frame] + [x, y, 0.0, x, y, 0.0])

    @staticmethod
    def _shaped(values: Array, points: Array) -> Array:
        """Return values (F, K) with as many axes as points have."""
        return values.reshape(len(values), *[1] * (points.ndim - 2), values.shape[1])
