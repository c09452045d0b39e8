"""Scenes to frames, and the frames of a clip that are rendered when somebody looks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tracknet_core.contracts import FrameSource, Size, UInt8Array
from tracknet_core.video import VideoFrames, write_video
from tracknet_plugins.datasets.synthetic import painting
from tracknet_plugins.datasets.synthetic.figures import PELVIS, RACKET, SWING_HAND, THROAT, Figure
from tracknet_plugins.datasets.synthetic.graphics import Graphic, draw_graphic
from tracknet_plugins.datasets.synthetic.portraits import Portrait
from tracknet_plugins.datasets.synthetic.scene import Recipe, Scene, make_scene
from tracknet_plugins.datasets.synthetic.spectators import Fan, lively_people, plain_fans
from tracknet_plugins.datasets.synthetic.sports import Colour
from tracknet_plugins.datasets.synthetic.venue import build_venue, score_graphics

Array = npt.NDArray[np.float64]

_CORK: Colour = (226, 212, 182)


class Painter:
    """Paints the frames of one scene.

    Back to front: the venue, moving spectators, shadows; players, ball, table and net by their distance; the score.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        rng = np.random.default_rng(scene.looks)
        width, height = scene.recipe.size
        margin = self._margin()
        self._venue = build_venue(scene, margin, rng)
        self._moved_stills: dict[tuple[float, float], list[UInt8Array]] = {}
        self._shadows = [
            replace(figure, joints=figure.joints + figure.joints[..., 2:] * scene.light).capsules(scene.camera)
            for figure in scene.figures
        ]
        self._portraits: list[Portrait] = []
        self._graphics: list[Graphic] = []
        if scene.is_lifelike:
            shutter = scene.exposure * scene.recipe.fps
            for number, (figure, capsules) in enumerate(zip(scene.figures, scene.bodies, strict=True)):
                has_strings = bool(scene.rackets) and not figure.is_bat
                outline = scene.camera.project(scene.rackets[number])[0] if has_strings else None
                self._portraits.append(Portrait(figure, capsules, outline, scene.motion, shutter, rng))
            self._graphics = [draw_graphic(slot, rng) for slot in scene.graphics]
        self._fans = (lively_people if scene.is_lifelike else plain_fans)(scene, self._venue.seats, rng)
        grain = rng.normal(0, scene.difficulty.noise, (height + 64, width + 64, 1)) + rng.normal(
            0, 0.5 * scene.difficulty.noise, (height + 64, width + 64, 3)
        )
        self._grain = np.clip(np.round(grain), -9, 9).astype(np.int8)
        self._grain_at = rng.integers(0, 64, (scene.recipe.frames, 2))
        drift = np.convolve(rng.normal(0, scene.difficulty.flicker, scene.recipe.frames + 4), np.ones(5) / 2, "valid")
        self._brightness = np.clip(np.round(drift), -4, 4).astype(np.int8)
        self._score: UInt8Array | None = None
        if scene.score_box is not None and not scene.is_lifelike:
            left, top, right, bottom = scene.score_box
            self._score = score_graphics((right - left, bottom - top), rng)

    def paint(self, number: int, *, with_ball: bool = True) -> UInt8Array:
        """Return a frame, RGB (H, W, 3), before compression; without the ball, but with its shadow, if so asked."""
        scene = self._scene
        (_, still), *screens = self._still(number)
        frame = still.copy()
        for fan in self._fans:
            pose = int((fan.pace * number / scene.recipe.fps + fan.phase) * len(fan.poses))
            box = self._fan_box(fan, number) if scene.is_lifelike else fan.box
            if box is not None:
                painting.blend(frame, box, fan.poses[pose % len(fan.poses)])
        for shadow in self._shadows:
            painting.shade(frame, scene.motion.capsules(shadow[number], number), scene.shadow)

        layers: list[tuple[float, Callable[[], None]]] = []
        for screen, (box, picture) in zip(self._venue.screens, screens, strict=True):
            layers.append((screen.depth, partial(painting.blend, frame, box, picture)))
        for index, figure in enumerate(scene.figures):
            layers.append((float(figure.joints[number, PELVIS, 1]), partial(self._paint_figure, frame, index, number)))
        if not np.isnan(scene.ball[number]).any():
            _, depth, height = scene.ball[number].mean(0).tolist()
            # What is lower than the top of a table is behind it, as seen from above, or beside it.
            depth = depth if height > scene.sport.surface else max(depth, scene.sport.length / 2 + 1e-6)
            layers.append((depth, partial(self._paint_ball_shadow, frame, number)))
            if with_ball:
                layers.append((depth, partial(self._paint_ball, frame, number)))
        for _, paint_layer in sorted(layers, key=lambda layer: -layer[0]):
            paint_layer()

        if self._score is not None and scene.score_box is not None:
            left, top, right, bottom = scene.score_box
            frame[top:bottom, left:right] = self._score
        for graphic in self._graphics:
            graphic.paint(frame, number)
        # Colours stay away from 0 and 255, so that adding the small grain wraps nowhere.
        np.clip(frame, 14, 241, out=frame)
        row, column = self._grain_at[number]
        height, width = frame.shape[:2]
        grain = self._grain[row : row + height, column : column + width] + self._brightness[number]
        return np.asarray(frame + grain.view(np.uint8))

    def _margin(self) -> int:
        """Return how many pixels the moving picture needs beyond that at rest, on each side."""
        width, height = self._scene.recipe.size
        corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
        moving = self._scene.motion.at_rest(np.broadcast_to(corners, (self._scene.recipe.frames, 2, 2)))
        return int(np.ceil(max((corners[0] - moving[:, 0]).max(), (moving[:, 1] - corners[1]).max(), 0))) + 1

    def _still(self, number: int) -> list[tuple[painting.Box, UInt8Array]]:
        """Return the background (H, W, 3) and what is in the boxes of the screens (h, w, 4), as they have moved.

        A shift is split in whole pixels, which are cut, and quarters, whose few pictures are resampled once and kept.
        """
        venue, motion = self._venue, self._scene.motion
        stills = [venue.background, *(screen.picture for screen in venue.screens)]
        if motion.zoom[number] != 1:
            return [self._zoomed(still, box, number) for still, box in zip(stills, self._extents, strict=True)]
        shift = motion.offset[number]
        whole = np.floor(shift).astype(int)
        x, y = (shift - whole).tolist()
        if (x, y) not in self._moved_stills:
            self._moved_stills[x, y] = [_shifted(still, x, y) for still in stills]
        column, row = (venue.margin - whole - 1).tolist()
        boxes = [(0, 0, *self._scene.recipe.size), *(screen.box for screen in venue.screens)]
        return [
            (box, still[row + box[1] : row + box[3], column + box[0] : column + box[2]])
            for still, box in zip(self._moved_stills[x, y], boxes, strict=True)
        ]

    @cached_property
    def _extents(self) -> list[painting.Box]:
        """Left, top, right and bottom of the background and of what is drawn on each screen, in the picture at rest."""
        margin = self._venue.margin
        width, height = self._venue.background.size
        drawn = [screen.picture.getbbox() or (0, 0, 0, 0) for screen in self._venue.screens]
        boxes = [(0, 0, width, height), *drawn]
        return [(left - margin, top - margin, right - margin, bottom - margin) for left, top, right, bottom in boxes]

    def _zoomed(self, still: Image.Image, extent: painting.Box, number: int) -> tuple[painting.Box, UInt8Array]:
        """Return where a part of the picture is in a frame, and its pixels there, resampled."""
        motion, margin = self._scene.motion, self._venue.margin
        width, height = self._scene.recipe.size
        (corners,) = motion.moved(np.reshape(extent, (1, 2, 2)) - 0.5, [number])
        left, top = np.clip(np.floor(corners[0] + 0.5), 0, [width, height]).astype(int).tolist()
        right, bottom = np.clip(np.ceil(corners[1] + 0.5), 0, [width, height]).astype(int).tolist()
        if left >= right or top >= bottom:
            return (0, 0, 0, 0), np.empty((0, 0, len(still.getbands())), np.uint8)
        (source,) = motion.at_rest(np.array([[[left, top], [right, bottom]]]) - 0.5, [number]) + 0.5 + margin
        low, high = np.maximum(source[0], 0), np.minimum(source[1], still.size)
        part = still.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=(*low, *high))
        return (left, top, right, bottom), np.asarray(part)

    def _fan_box(self, fan: Fan, number: int) -> painting.Box | None:
        """Return where a spectator is in a frame; None if not wholly inside, or where the picture is zoomed."""
        motion = self._scene.motion
        if motion.zoom[number] != 1:
            return None
        width, height = self._scene.recipe.size
        x, y = np.round(motion.offset[number]).astype(int).tolist()
        left, top, right, bottom = fan.box[0] + x, fan.box[1] + y, fan.box[2] + x, fan.box[3] + y
        return (left, top, right, bottom) if left >= 0 and top >= 0 and right <= width and bottom <= height else None

    def _paint_ball(self, frame: UInt8Array, number: int) -> None:
        scene = self._scene
        centres, diameters = scene.streaks
        samples, radius = centres[number], diameters[number] / 2
        if not scene.sport.ball.is_shuttle:
            painting.streak(frame, samples, radius, scene.ball_colour)
            return
        if scene.is_lifelike:
            self._paint_shuttle(frame, number)
            return
        # The cork leads and the skirt trails, by so much that the middle of their area stays where the label is.
        way = np.gradient(samples, axis=0)
        way *= radius / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
        painting.streak(frame, samples - 0.09 * way, radius, scene.ball_colour)
        painting.streak(frame, samples + 0.8 * way, 0.42 * radius, _CORK)

    def _paint_shuttle(self, frame: UInt8Array, number: int) -> None:
        """Paint cork and skirt as long as they are in this view: short where the shuttle flies along it."""
        scene = self._scene
        corks, radius = scene.streaks[0][number], scene.streaks[1][number] / 2
        rims, _ = scene.camera.project(scene.ball[number] - scene.shuttle_axes[number])
        (rims,) = scene.motion.moved(rims[None], [number])
        painting.sweep(frame, corks, rims, (0.5 * radius, 0.95 * radius), scene.ball_colour, scene.feathers)
        painting.streak(frame, corks, 0.45 * radius, scene.ball_colour)

    def _paint_figure(self, frame: UInt8Array, index: int, number: int) -> None:
        scene = self._scene
        if self._portraits:
            self._portraits[index].paint(frame, number)
            return
        figure = scene.figures[index]
        capsules = scene.motion.capsules(scene.bodies[index][number], number)
        blade, scale = scene.camera.project(figure.joints[number, [SWING_HAND, THROAT, RACKET]])
        (blade,) = scene.motion.moved(blade[None], [number])
        head = figure.racket_head * float(scale[2])
        reach = float(capsules[:, [2, 5]].max())
        box = painting.bounds(
            np.concatenate([capsules[:, [0, 1]], capsules[:, [3, 4]], blade]), max(reach, head) + 1, frame
        )
        if box is None:
            return
        image, draw = painting.canvas(box)
        parts = figure.parts
        fills = [figure.outfit.colours[part.colour] for part in parts]
        pen = painting.FINENESS * float(scale[2])
        if figure.faces_camera:
            painting.capsules(draw, box, capsules, fills)
            _draw_racket(draw, painting.refine(blade, box), pen, figure)
        else:
            _draw_racket(draw, painting.refine(blade, box), pen, figure)
            painting.capsules(draw, box, capsules, fills)
        painting.blend(frame, box, painting.layer(image))

    def _paint_ball_shadow(self, frame: UInt8Array, number: int) -> None:
        """Cast the shadow of the ball onto the table or the floor, fainter the higher it is."""
        scene = self._scene
        ball, floor = scene.ball[number], scene.sport.floor
        x, y, z = ball.mean(0).tolist()
        level = floor(x, y) if z > floor(x, y) else 0.0
        height = ball[:, 2:] - level
        shadow = ball + height * scene.light
        if floor(*shadow[:, :2].mean(0).tolist()) != level:
            return  # it falls beside the edge of the table
        xy, _ = scene.camera.project(shadow)
        radius = 0.5 * float(scene.streaks[1][number])
        opacity = scene.shadow / (1 + 0.5 * max(float(height.mean()), 0.0))
        (xy,) = scene.motion.moved(xy[None], [number])
        painting.streak(frame, xy, radius, (10, 10, 14), opacity=opacity, squash=0.5)


def _shifted(picture: Image.Image, x: float, y: float) -> UInt8Array:
    """Return a picture moved by less than a pixel, and without its first column and row, which would be incomplete."""
    width, height = picture.size
    box = (1 - x, 1 - y, width - x, height - y)
    return np.asarray(picture.resize((width - 1, height - 1), Image.Resampling.BILINEAR, box=box))


def _draw_racket(draw: ImageDraw.ImageDraw, blade: Array, pen: float, figure: Figure) -> None:
    """Draw the shaft, and the head if it has strings.

    Args:
        draw: pen of a canvas.
        blade: (3, 2) grip, throat and middle of the head, in sub-pixels.
        pen: sub-pixels per metre.
        figure: whose racket it is.
    """
    if not figure.racket_head:
        return
    grip, throat, (x, y) = (tuple(point) for point in blade.tolist())
    if figure.is_bat:
        draw.line([grip, throat], fill=(150, 110, 70, 255), width=max(2, round(0.03 * pen)))
        return
    draw.line([grip, throat], fill=(40, 42, 50, 255), width=max(2, round(0.025 * pen)))
    head = figure.racket_head * pen
    rim = (x - 0.85 * head, y - head, x + 0.85 * head, y + head)
    draw.ellipse(rim, fill=(58, 58, 56, 70), outline=(70, 40, 44, 255), width=max(2, round(0.02 * pen)))


class RenderedFrames(FrameSource):
    """The frames of a synthetic clip.

    The first read renders the whole rally and keeps it as an H.264 stream in memory, some hundred kilobytes with a
    codec's real noise; every read decodes from there. A pickled copy carries only the recipe, and renders again.
    """

    def __init__(self, recipe: Recipe, *, name: str) -> None:
        self._recipe = recipe
        self._name = name

    @property
    def size(self) -> Size:
        """Width and height, in pixels."""
        return self._recipe.size

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._recipe.fps

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._recipe.frames

    def fingerprint(self) -> str:
        """Return the recipe, and a digest of the program that follows it: other code draws other frames."""
        return f"{_program()}: {self._recipe}"

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield the frames at strictly ascending ``indices``, RGB (H, W, 3), in ``size`` or the original size."""
        return self._video.read(indices, size)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: not the rendered video."""
        return {name: value for name, value in self.__dict__.items() if name != "_video"}

    @cached_property
    def _video(self) -> VideoFrames:
        scene = make_scene(self._recipe)
        painter = Painter(scene)
        stream = io.BytesIO()
        coding = scene.coding
        write_video(
            stream,
            (painter.paint(number) for number in range(len(self))),
            fps=self.fps,
            crf=scene.difficulty.crf,
            preset="superfast",
            gop=coding.key_frames,
            bitrate=coding.bitrate,
            filters=coding.filters,
        )
        return VideoFrames(stream.getvalue(), name=self._name)


@cache
def _program() -> str:
    """Return a digest of the files of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
