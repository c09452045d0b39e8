"""Detailed figures to pixels: limbs and rackets as an open shutter sees them, cloth, and letters on shirts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import UInt8Array
from tracknet_plugins.datasets.synthetic import painting
from tracknet_plugins.datasets.synthetic.bodies import OTHER_SEAM, RIM_POINTS, SEAM
from tracknet_plugins.datasets.synthetic.camera import Motion
from tracknet_plugins.datasets.synthetic.figures import PELVIS, Figure
from tracknet_plugins.datasets.synthetic.textures import noise

Array = npt.NDArray[np.float64]

_STEP_OF_LIMBS, _STEP_OF_RACKETS = 2.5, 2.0
"""Pixels that a limb or a racket may move between two of the moments that are averaged."""
_MOST_LIMBS, _MOST_RACKETS = 3, 9
"""Moments at most."""
_PRINT = 64, 72
"""Size of the picture of a shirt's letters."""


class Portrait:
    """One detailed figure in the picture.

    Args:
        figure: who it is.
        capsules: (N, P, 6) its parts in pixels of the picture at rest.
        outline: (N, 2 + R, 2) grip, throat and rim of the racket in such pixels; None without one, or for a bat.
        motion: of the picture.
        exposure: share of the time of a frame during which the shutter is open.
        rng: cloth, letters, strings.
    """

    def __init__(
        self,
        figure: Figure,
        capsules: Array,
        outline: Array | None,
        motion: Motion,
        exposure: float,
        rng: np.random.Generator,
    ) -> None:
        self._figure = figure
        self._capsules = capsules
        self._outline = outline
        self._motion = motion
        self._exposure = exposure
        colours = figure.outfit.colours
        self._fills = [colours[part.colour] for part in figure.parts]
        part_at = {(part.start, part.end): index for index, part in enumerate(figure.parts)}
        self._shoulders, self._pelvis = part_at[SEAM, OTHER_SEAM], part_at[PELVIS, PELVIS]
        self._print = _shirt_print(rng, is_front=figure.faces_camera)
        reach = int(np.abs(capsules[..., :2] - capsules[:, self._pelvis, None, :2]).max()) + 24
        side = 2 * reach
        cloth = 0.94 + rng.uniform(0.05, 0.11) * noise((side, side), finest=2, coarsest=16, rng=rng)
        self._cloth = np.clip(256 * cloth, 140, 256).astype(np.uint16)
        self._strings = rng.integers(20, 110)
        self._thread = 235 if rng.random() < 0.7 else 60
        self._rim = rng.uniform(0.9, 1.8)

    def paint(self, frame: UInt8Array, number: int) -> None:
        """Paint the figure of frame ``number`` onto it."""
        if self._figure.faces_camera:
            self._paint_body(frame, number)
            self._paint_racket(frame, number)
        else:
            self._paint_racket(frame, number)
            self._paint_body(frame, number)

    def _moments(self, places: Array, number: int, step: float, most: int) -> list[Array]:
        """Return places (N, …) at moments of the exposure of a frame, few where little moves."""
        low, high = max(number - 1, 0), min(number + 1, len(places) - 1)
        way = self._exposure * float(np.abs(places[high, :, :2] - places[low, :, :2]).max()) / 2
        count = int(np.clip(np.ceil(way / step), 1, most))
        moments = []
        for offset in self._exposure * ((np.arange(count) + 0.5) / count - 0.5):
            other = high if offset > 0 else low
            moments.append(places[number] + abs(offset) * (places[other] - places[number]))
        return moments

    def _paint_body(self, frame: UInt8Array, number: int) -> None:
        moments = self._moments(self._capsules, number, _STEP_OF_LIMBS, _MOST_LIMBS)
        moments = [self._motion.capsules(capsules, number) for capsules in moments]
        every = np.concatenate(moments)
        box = painting.bounds(np.concatenate([every[:, :2], every[:, 3:5]]), float(every[:, [2, 5]].max()) + 1, frame)
        if box is None:
            return
        layers = []
        for capsules in moments:
            image, draw = painting.canvas(box)
            painting.capsules(draw, box, capsules, self._fills)
            self._print_shirt(image, capsules, box)
            layers.append(painting.layer(image))
        layer = painting.mean(layers)
        left, top = (np.array(box[:2]) - np.round(moments[0][self._pelvis, :2]).astype(int)).tolist()
        middle = len(self._cloth) // 2
        cloth = self._cloth[
            middle + top : middle + top + layer.shape[0], middle + left : middle + left + layer.shape[1]
        ]
        if cloth.shape == layer.shape[:2]:
            for channel in range(3):
                layer[..., channel] = layer[..., channel] * cloth >> 8
        painting.blend(frame, box, layer)

    def _print_shirt(self, image: Image.Image, capsules: Array, box: painting.Box) -> None:
        """Draw the letters where the shirt is."""
        ends = capsules[self._shoulders]
        left, right = sorted((ends[:2], ends[3:5]), key=lambda end: float(end[0]))
        across = right - left
        down = capsules[self._pelvis, :2] - (left + right) / 2
        area = across[0] * down[1] - across[1] * down[0]
        if area < 0.15 * float(down @ down):
            return  # seen from the side
        start = painting.refine(left + 0.02 * across + 0.05 * down, box)
        across, down = painting.FINENESS * 0.96 * across, painting.FINENESS * 0.8 * down
        corners = np.array([start, start + across, start + down, start + across + down])
        low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(0)), image.size).astype(int)
        if (high <= low).any():
            return
        # From a place on the canvas to one on the letters.
        matrix = np.linalg.inv(np.column_stack([across, down])) * np.array(_PRINT)[:, None]
        offset = matrix @ (low - start)
        letters = self._print.transform(
            tuple((high - low).tolist()),
            Image.Transform.AFFINE,
            (*matrix[0], offset[0], *matrix[1], offset[1]),
            resample=Image.Resampling.BILINEAR,
        )
        image.paste((*self._figure.outfit.colours["print"], 255), (int(low[0]), int(low[1])), letters)

    def _paint_racket(self, frame: UInt8Array, number: int) -> None:
        if self._outline is None:
            return
        moments = self._moments(self._outline, number, _STEP_OF_RACKETS, _MOST_RACKETS)
        moments = list(self._motion.moved(np.stack(moments), [number] * len(moments)))
        box = painting.bounds(np.concatenate(moments), 2, frame)
        if box is None:
            return
        pen = self._rim * painting.FINENESS * float(frame.shape[1]) / 1280 * float(self._motion.zoom[number])
        fill = (*(round(self._strings * self._thread / 255) for _ in range(3)), int(self._strings))
        colour = (*self._figure.outfit.colours["frame"], 255)
        layers = []
        for outline in moments:
            image, draw = painting.canvas(box)
            grip, _, *rim = [tuple(point) for point in painting.refine(outline, box).tolist()]
            draw.polygon(rim, fill=fill)
            draw.line([*rim, rim[0]], fill=colour, width=max(1, round(1.3 * pen)))
            draw.line([grip, rim[RIM_POINTS // 2]], fill=colour, width=max(1, round(1.5 * pen)))
            layers.append(painting.layer(image))
        painting.blend(frame, box, painting.mean(layers))


def _shirt_print(rng: np.random.Generator, *, is_front: bool) -> Image.Image:
    """Return the letters, numbers and patches of a shirt, as a mask; none on some."""
    width, height = _PRINT
    image = Image.new("L", _PRINT)
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.12:
        return image
    letters = "ABCDEFGHIKLMNOPRSTUVYZ"
    y = rng.uniform(0.02, 0.12) * height
    for size in (rng.uniform(7, 12), rng.uniform(9, 16), rng.uniform(8, 20)):
        if is_front and rng.random() < 0.5:
            x = rng.uniform(0.15, 0.75) * width
            draw.ellipse((x, y, x + 0.8 * size, y + 0.5 * size), fill=255)
        else:
            text = "".join(letters[index] for index in rng.integers(0, len(letters), rng.integers(2, 8)))
            draw.text((width / 2, y), text, font=ImageFont.load_default(size), fill=255, anchor="ma")
        y += size + rng.uniform(0, 4)
    if rng.random() < 0.2:  # a stripe
        x = rng.uniform(0, 0.9) * width
        draw.rectangle((x, 0, x + rng.uniform(2, 10), height), fill=255)
    return image
