"""A few small pictures of a clip, kept while it passes by: whatever it is and however long."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
from PIL import Image

from tracknet_core.contracts import Size, TimedFrame

MOST = 16
"""Pictures."""

WIDTH = 240
"""Of a picture, in pixels."""


class Album:
    """Keeps frames that are evenly spread over a clip, of unknown length: less than 2 MB.

    Args:
        size: width and height of the original frames, in pixels, whose shape pictures get.

    Attributes:
        pictures: small frames, in order; each (h, w, 3).
        size: their width and height.
    """

    def __init__(self, size: Size) -> None:
        self.pictures: list[TimedFrame] = []
        self.size: Size = WIDTH, max(1, round(WIDTH * size[1] / size[0]))
        self._every = 1

    def look(self, frames: Generator[TimedFrame, None, None]) -> Generator[TimedFrame, None, None]:
        """Yield frames as they come, and keep some."""
        with closing(frames):
            for count, frame in enumerate(frames):
                if count % self._every == 0:
                    self._keep(frame)
                yield frame

    def _keep(self, frame: TimedFrame) -> None:
        image = Image.fromarray(np.ascontiguousarray(frame.picture)).resize(self.size, Image.Resampling.BILINEAR)
        self.pictures.append(frame._replace(picture=np.array(image)))
        if len(self.pictures) == MOST:  # every second goes, and from now on as few come
            del self.pictures[1::2]
            self._every *= 2
