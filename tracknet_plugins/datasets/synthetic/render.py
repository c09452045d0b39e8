"""Scenes to frames, and the frames of a clip that are rendered when somebody looks."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tracknet_core.contracts import Size, UInt8Array
from tracknet_core.video import VideoFrames, write_video
from tracknet_plugins.datasets.synthetic import painting
from tracknet_plugins.datasets.synthetic.figures import PELVIS, RACKET, RIGHT_HAND, THROAT, Figure
from tracknet_plugins.datasets.synthetic.scene import Recipe, Scene, make_scene
from tracknet_plugins.datasets.synthetic.sports import Colour
from tracknet_plugins.datasets.synthetic.venue import build_venue, score_graphics, spectator_colours

Array = npt.NDArray[np.float64]

_CORK: Colour = (226, 212, 182)
_KEY_FRAME_EVERY = 12
_BALL = -1
_POSES = 8


class Painter:
    """Paints the frames of one scene.

    Back to front: the venue, moving spectators, shadows, what is beyond the net, the net, what is before it, the score.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        rng = np.random.default_rng(scene.looks)
        width, height = scene.recipe.size
        margin = int(np.ceil(np.abs(scene.sway).max())) + 1
        self._venue = build_venue(scene, margin, rng)
        self._still: dict[tuple[float, float], tuple[UInt8Array, UInt8Array]] = {}
        self._shadows = [
            replace(figure, joints=figure.joints + figure.joints[..., 2:] * scene.light).capsules(scene.camera)
            for figure in scene.figures
        ]
        self._fans = _make_fans(scene, self._venue.seats, rng)
        grain = rng.normal(0, scene.difficulty.noise, (height + 64, width + 64, 1)) + rng.normal(
            0, 0.5 * scene.difficulty.noise, (height + 64, width + 64, 3)
        )
        self._grain = np.clip(np.round(grain), -9, 9).astype(np.int8)
        self._grain_at = rng.integers(0, 64, (scene.recipe.frames, 2))
        drift = np.convolve(rng.normal(0, scene.difficulty.flicker, scene.recipe.frames + 4), np.ones(5) / 2, "valid")
        self._brightness = np.clip(np.round(drift), -4, 4).astype(np.int8)
        self._score: UInt8Array | None = None
        if scene.score_box is not None:
            left, top, right, bottom = scene.score_box
            self._score = score_graphics((right - left, bottom - top), rng)

    def paint(self, number: int, *, with_ball: bool = True) -> UInt8Array:
        """Return a frame, RGB (H, W, 3), before compression; without the ball, but with its shadow, if so asked."""
        scene = self._scene
        still, net = self._backdrop(number)
        frame = still.copy()
        self._paint_fans(frame, number)
        self._paint_shadows(frame, number)
        depth = float(scene.ball[number, :, 1].mean())
        layers = [(float(figure.joints[number, PELVIS, 1]), index) for index, figure in enumerate(scene.figures)]
        if with_ball and not np.isnan(depth):
            layers.append((depth, _BALL))
        layers.sort(reverse=True)
        for far, index in layers:
            if far > 0:
                self._paint_layer(frame, index, number)
        painting.blend(frame, self._venue.net_box, net)
        for far, index in layers:
            if far <= 0:
                self._paint_layer(frame, index, number)
        if self._score is not None and scene.score_box is not None:
            left, top, right, bottom = scene.score_box
            frame[top:bottom, left:right] = self._score
        # Colours stay away from 0 and 255, so that adding the small grain wraps nowhere.
        np.clip(frame, 14, 241, out=frame)
        row, column = self._grain_at[number]
        height, width = frame.shape[:2]
        grain = self._grain[row : row + height, column : column + width] + self._brightness[number]
        return np.asarray(frame + grain.view(np.uint8))

    def _backdrop(self, number: int) -> tuple[UInt8Array, UInt8Array]:
        """Return the still picture and the net, moved by the sway; kept, since a slow camera comes by again."""
        sway = self._scene.sway[number]
        key = (float(sway[0]), float(sway[1]))
        if key not in self._still:
            width, height = self._scene.recipe.size
            still = _cut(self._venue.background, (0, 0, width, height), self._venue.margin - sway)
            self._still[key] = still, _cut(self._venue.net, self._venue.net_box, self._venue.margin - sway)
        return self._still[key]

    def _paint_layer(self, frame: UInt8Array, index: int, number: int) -> None:
        if index == _BALL:
            self._paint_ball(frame, number)
        else:
            self._paint_figure(frame, index, number)

    def _paint_ball(self, frame: UInt8Array, number: int) -> None:
        scene = self._scene
        centres, diameters = scene.streaks
        samples, radius = centres[number], diameters[number] / 2
        if not scene.sport.ball.is_shuttle:
            painting.streak(frame, samples, radius, scene.ball_colour)
            return
        # The cork leads and the skirt trails, by so much that the middle of their area stays where the label is.
        way = np.gradient(samples, axis=0)
        way *= radius / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
        painting.streak(frame, samples - 0.09 * way, radius, scene.ball_colour)
        painting.streak(frame, samples + 0.8 * way, 0.42 * radius, _CORK)

    def _paint_figure(self, frame: UInt8Array, index: int, number: int) -> None:
        scene = self._scene
        figure = scene.figures[index]
        shift = scene.sway[number]
        capsules = _moved(scene.bodies[index][number], shift)
        blade, scale = scene.camera.project(figure.joints[number, [RIGHT_HAND, THROAT, RACKET]])
        blade = blade + shift
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

    def _paint_shadows(self, frame: UInt8Array, number: int) -> None:
        """Cast the shadows of the players onto the floor, and the ball's onto what is under it."""
        scene = self._scene
        camera, light, shift = scene.camera, scene.light, scene.sway[number]
        for shadow in self._shadows:
            painting.shade(frame, _moved(shadow[number], shift), scene.shadow)
        ball = scene.ball[number]
        if np.isnan(ball).any():
            return
        middle = ball.mean(0)
        surface = scene.sport.floor(float(middle[0]), float(middle[1]))
        height = ball[:, 2:] - surface
        if height.min() < 0:
            surface, height = 0.0, ball[:, 2:]
        xy, _ = camera.project(ball + height * light)
        if scene.sport.floor(*(ball + height * light)[:, :2].mean(0).tolist()) != surface:
            return
        radius = 0.5 * float(scene.streaks[1][number])
        soft = 1 / (1 + 0.5 * float(height.mean()))
        painting.streak(frame, xy + shift, radius, (10, 10, 14), opacity=scene.shadow * soft, squash=0.5)

    def _paint_fans(self, frame: UInt8Array, number: int) -> None:
        """Paint the spectators that do not sit still."""
        time = number / self._scene.recipe.fps
        for fan in self._fans:
            pose = int((fan.pace * time + fan.phase) * len(fan.poses)) % len(fan.poses)
            painting.blend(frame, fan.box, fan.poses[pose])


def _cut(picture: Image.Image, box: painting.Box, shift: Array) -> UInt8Array:
    """Return a box of a picture, moved by a fraction of a pixel."""
    left, top, right, bottom = box
    x, y = shift.tolist()
    moved = picture.resize(
        (right - left, bottom - top), Image.Resampling.BILINEAR, box=(left + x, top + y, right + x, bottom + y)
    )
    return np.asarray(moved)


def _moved(capsules: Array, shift: Array) -> Array:
    """Return capsules (P, 6) moved by (2,) pixels."""
    return np.add(capsules, [*shift, 0.0, *shift, 0.0])


def _draw_racket(draw: ImageDraw.ImageDraw, blade: Array, pen: float, figure: Figure) -> None:
    """Draw the shaft, and the head if it has strings.

    Args:
        draw: pen of a canvas.
        blade: (3, 2) grip, throat and middle of the head, in sub-pixels.
        pen: sub-pixels per metre.
        figure: whose racket it is.
    """
    grip, throat, (x, y) = (tuple(point) for point in blade.tolist())
    if figure.is_bat:
        draw.line([grip, throat], fill=(150, 110, 70, 255), width=max(2, round(0.03 * pen)))
        return
    draw.line([grip, throat], fill=(40, 42, 50, 255), width=max(2, round(0.025 * pen)))
    head = figure.racket_head * pen
    rim = (x - 0.85 * head, y - head, x + 0.85 * head, y + head)
    draw.ellipse(rim, fill=(58, 58, 56, 70), outline=(70, 40, 44, 255), width=max(2, round(0.02 * pen)))


class _Fan(NamedTuple):
    """A spectator that moves: some poses in a box of the frame, taken in turns, ``pace`` rounds per second."""

    box: painting.Box
    poses: list[UInt8Array]
    pace: float
    phase: float


def _make_fans(scene: Scene, seats: Array, rng: np.random.Generator) -> list[_Fan]:
    width, height = scene.recipe.size
    xy, scale = scene.camera.project(seats)
    roomy = scale[:, None] * 0.8
    inside = ((xy > roomy) & (xy < [width - 1, height - 1] - roomy)).all(1)
    fans = []
    for (x, y), unit in list(zip(xy[inside], scale[inside], strict=True))[: scene.difficulty.fans]:
        box = (int(x - 0.6 * unit), int(y - 0.6 * unit), int(x + 0.6 * unit) + 1, int(y + 0.6 * unit) + 1)
        cloth, skin = spectator_colours(scene.palette, rng)
        poses = []
        for turn in np.linspace(0, 2 * np.pi, _POSES, endpoint=False):
            lean, rise = 0.07 * unit * np.sin(turn), 0.05 * unit * abs(np.cos(turn))
            body = [x, y + 0.3 * unit, 0.2 * unit, x + lean, y - rise, 0.2 * unit]
            head = [x + 1.4 * lean, y - rise - 0.3 * unit, 0.11 * unit] * 2
            image, draw = painting.canvas(box)
            painting.capsules(draw, box, np.array([body, head]), [cloth, skin])
            poses.append(painting.layer(image))
        fans.append(_Fan(box, poses, rng.uniform(0.3, 1.2), rng.random()))
    return fans


class RenderedFrames:
    """The frames of a synthetic clip; a ``FrameSource``.

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
        frames = (painter.paint(number) for number in range(len(self)))
        write_video(stream, frames, fps=self.fps, crf=scene.difficulty.crf, preset="superfast", gop=_KEY_FRAME_EVERY)
        return VideoFrames(stream.getvalue(), name=self._name)
