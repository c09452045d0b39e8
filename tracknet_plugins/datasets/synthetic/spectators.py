"""People around the court who move, and are not of the play: each some poses that are painted in turns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import UInt8Array
from tracknet_plugins.datasets.synthetic import painting
from tracknet_plugins.datasets.synthetic.scene import Scene
from tracknet_plugins.datasets.synthetic.sports import Colour
from tracknet_plugins.datasets.synthetic.venue import spectator_colours

Array = npt.NDArray[np.float64]

_POSES, _LIVELY_POSES = 8, 14
_BESIDE = 16
"""People who may be beside the court."""


class Fan(NamedTuple):
    """A spectator that moves: some poses in a box of the frame, taken in turns, ``pace`` rounds per second."""

    box: painting.Box
    poses: list[UInt8Array]
    pace: float
    phase: float


def plain_fans(scene: Scene, seats: Array, rng: np.random.Generator) -> list[Fan]:
    """Return spectators who sway and bob in their seats (S, 3), given in metres."""
    xy, scale = _in_view(scene, seats)
    fans = []
    for (x, y), unit in list(zip(xy, scale, strict=True))[: scene.difficulty.fans]:
        box = (int(x - 0.6 * unit), int(y - 0.6 * unit), int(x + 0.6 * unit) + 1, int(y + 0.6 * unit) + 1)
        cloth, skin = spectator_colours(scene.palette, rng)
        poses = []
        for turn in np.linspace(0, 2 * np.pi, _POSES, endpoint=False):
            lean, rise = 0.07 * unit * np.sin(turn), 0.05 * unit * abs(np.cos(turn))
            body = [x, y + 0.3 * unit, 0.2 * unit, x + lean, y - rise, 0.2 * unit]
            head = [x + 1.4 * lean, y - rise - 0.3 * unit, 0.11 * unit] * 2
            poses.append(_painted(box, [body, head], [cloth, skin]))
        fans.append(Fan(box, poses, rng.uniform(0.3, 1.2), rng.random()))
    return fans


def lively_people(scene: Scene, seats: Array, rng: np.random.Generator) -> list[Fan]:
    """Return people in their seats (S, 3) and beside the court who move their hands, and lights that blink."""
    sport = scene.sport
    beside = sport.width / 2 + sport.run_off[1]
    x = rng.choice((-1, 1), _BESIDE) * beside * rng.uniform(0.95, 1.4, _BESIDE)
    y = rng.uniform(-0.4, 0.6, _BESIDE) * sport.length
    xy, scale = _in_view(scene, np.concatenate([np.column_stack([x, y, np.full(_BESIDE, 0.7)]), seats]))
    light = rng.uniform(0.25, 1.0) if scene.palette.is_indoor else rng.uniform(0.7, 1.0)
    chosen = rng.permutation(len(xy))[: rng.integers(4, 40)]
    return [_lively(xy[index], float(scale[index]), light, rng) for index in chosen.tolist()]


def _lively(place: Array, unit: float, light: float, rng: np.random.Generator) -> Fan:
    """Return somebody at a place (2,) in pixels, ``unit`` of which are a metre."""
    x, y = place.tolist()
    box = (int(x - 0.7 * unit), int(y - 0.7 * unit), int(x + 0.7 * unit) + 1, int(y + 0.7 * unit) + 1)
    turns = np.linspace(0, 2 * np.pi, _LIVELY_POSES, endpoint=False).tolist()
    white = _lit((240, 240, 240), light * rng.uniform(0.7, 1.3))
    pace, phase = rng.uniform(0.15, 1.3), rng.random()
    if rng.random() < 0.12:  # a light
        size = rng.uniform(0.02, 0.05) * unit
        shown = rng.random(_LIVELY_POSES) < 0.4
        return Fan(box, [_painted(box, [[x, y, size * on] * 2], [white]) for on in shown.tolist()], pace, phase)
    cloth = _lit(rng.uniform(10, 235, 3), light)
    skin = _lit(rng.uniform((120, 90, 70), (240, 190, 160)), light)
    reach, lift, beat = rng.uniform(0.05, 0.3), rng.uniform(0.0, 0.35), int(rng.integers(1, 4))
    has_thing = rng.random() < 0.4
    poses = []
    for turn in turns:
        lean = 0.05 * unit * np.sin(turn)
        neck = x + 1.4 * lean
        parts = [
            [x, y + 0.4 * unit, 0.2 * unit, x + lean, y, 0.18 * unit],
            [neck, y - 0.3 * unit, 0.11 * unit] * 2,
            [neck, y - 0.35 * unit, 0.1 * unit] * 2,
        ]
        fills = [cloth, skin, (24, 22, 22)]
        for side in (-1, 1):
            hand_x = x + side * unit * (0.25 - 0.7 * reach * np.sin(beat * turn))
            hand_y = y + unit * (0.15 - lift + reach * np.cos(beat * turn + side))
            parts += [[x + 0.18 * side * unit, y, 0.06 * unit, hand_x, hand_y, 0.045 * unit]]
            parts += [[hand_x, hand_y, 0.055 * unit] * 2]
            fills += [cloth, skin]
        if has_thing:
            parts.append([hand_x, hand_y - 0.05 * unit, 0.05 * unit, hand_x + 0.08 * unit, hand_y, 0.05 * unit])
            fills.append(white)
        poses.append(_painted(box, parts, fills))
    return Fan(box, poses, pace, phase)


def _in_view(scene: Scene, places: Array) -> tuple[Array, Array]:
    """Return pixels (M, 2), and pixels per metre (M,), of those of the places that the picture has room for."""
    width, height = scene.recipe.size
    xy, scale = scene.camera.project(places)
    roomy = scale[:, None] * 0.8
    inside = ((xy > roomy) & (xy < [width - 1, height - 1] - roomy)).all(1)
    return xy[inside], scale[inside]


def _painted(box: painting.Box, parts: list[list[float]], fills: list[Colour]) -> UInt8Array:
    image, draw = painting.canvas(box)
    painting.capsules(draw, box, np.array(parts), fills)
    return painting.layer(image)


def _lit(colour: npt.ArrayLike, share: float) -> Colour:
    red, green, blue = np.clip(np.asarray(colour) * share, 4, 250).astype(int).tolist()
    return red, green, blue
