"""Bodies in detail: feet in shoes and socks, hems, sleeves, wristbands, hands, hair and headbands.

What a network takes for a ball in real pictures is small, bright and moves: these are the parts that do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracknet_plugins.datasets.synthetic.figures import (
    CHEST,
    FACE,
    FREE_ANKLE,
    FREE_ELBOW,
    FREE_HAND,
    FREE_HIP,
    FREE_KNEE,
    FREE_SHOULDER,
    FREE_TOE,
    HEAD,
    JOINTS,
    NECK,
    PELVIS,
    RACKET,
    SWING_ANKLE,
    SWING_ELBOW,
    SWING_HAND,
    SWING_HIP,
    SWING_KNEE,
    SWING_SHOULDER,
    SWING_TOE,
    THROAT,
    Outfit,
    Part,
)
from tracknet_plugins.datasets.synthetic.sports import Colour

Array = npt.NDArray[np.float64]

(
    SWING_HEEL, SWING_SOCK, SWING_HEM, SWING_SLEEVE, SWING_CUFF, SWING_FINGERS,
    FREE_HEEL, FREE_SOCK, FREE_HEM, FREE_SLEEVE, FREE_CUFF, FREE_FINGERS,
    CROWN, BROW, OTHER_BROW, TAIL, SEAM, OTHER_SEAM, WAIST,
    SWING_WRIST, FREE_WRIST,
) = range(JOINTS, JOINTS + 21)  # fmt: skip

RIM_POINTS = 14
"""Corners of a racket's rim."""

_SKINS: tuple[Colour, ...] = ((240, 202, 174), (226, 178, 146), (206, 152, 118), (168, 116, 86), (112, 76, 56))
_HAIRS: tuple[Colour, ...] = ((18, 16, 16), (30, 24, 22), (58, 42, 32), (112, 82, 52), (176, 140, 88), (150, 150, 150))
_PALE: tuple[Colour, ...] = ((248, 248, 246), (236, 238, 240), (214, 216, 218), (244, 244, 214))


class Wardrobe:
    """What the detailed figures of a rally wear, side by side.

    Args:
        rng: draws of this rally.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def kit(self) -> dict[str, Colour]:
        """Return the colours that the players of one side share: shirt, sleeves, shorts."""
        shirt, shorts = self._cloth(0.3), self._cloth(0.4)
        sleeve = shirt if self._rng.random() < 0.7 else self._cloth(0.4)
        return {"shirt": shirt, "sleeve": sleeve, "shorts": shorts, "print": self._print(shirt)}

    def outfit(self, kit: dict[str, Colour]) -> Outfit:
        """Return one player's clothes in the colours of a side."""
        rng = self._rng
        skin = _near(_pick(_SKINS, rng), 10, rng)
        shoes = self._cloth(0.5)
        colours = {
            **kit,
            "skin": skin,
            "skin_light": _scaled(skin, rng.uniform(0.95, 1.35)),
            "skin_shade": _scaled(skin, 0.78),
            "hair": _near(_pick(_HAIRS, rng), 8, rng),
            "shorts_shade": _scaled(kit["shorts"], 0.84),
            "socks": _pick(_PALE, rng) if rng.random() < 0.72 else self._cloth(0.2),
            "shoes": shoes,
            "sole": _pick(_PALE, rng) if rng.random() < 0.6 else self._cloth(0.3),
            "band": _pick(_PALE, rng) if rng.random() < 0.6 else self._cloth(0.2),
            "frame": _pick(_PALE, rng) if rng.random() < 0.4 else self._cloth(0.15),
            "bat": (176, 32, 38) if rng.random() < 0.5 else (24, 24, 28),
        }
        return Outfit(colours, rng.uniform(1.6, 1.96))

    def parts(self, blade: float, *, faces_camera: bool) -> tuple[Part, ...]:
        """Return a body in detail, back to front; see :func:`~.figures.plain_parts`."""
        rng = self._rng
        bare = rng.random() < 0.12  # no sleeves
        skirt = 1.25 if rng.random() < 0.2 else 1.0
        tights = rng.random() < 0.08
        leg = "socks" if tights else "skin"
        legs: list[Part] = []
        for heel, toe, ankle, sock, knee, hem, hip, shade in (
            (FREE_HEEL, FREE_TOE, FREE_ANKLE, FREE_SOCK, FREE_KNEE, FREE_HEM, FREE_HIP, "_shade"),
            (SWING_HEEL, SWING_TOE, SWING_ANKLE, SWING_SOCK, SWING_KNEE, SWING_HEM, SWING_HIP, ""),
        ):
            legs += [
                Part(heel, toe, 0.05, 0.042, "sole"),
                Part(sock, knee, 0.05, 0.056, leg if tights else leg + shade),
                Part(ankle, sock, 0.044, 0.052, "socks"),
                Part(heel, toe, 0.044, 0.034, "shoes"),
                Part(knee, hip, 0.056, 0.085, leg if tights else leg + shade),
                Part(hip, hem, 0.1 * skirt, 0.098 * skirt, "shorts" + shade),
            ]
        trunk = [
            Part(PELVIS, PELVIS, 0.14, 0.14, "shorts"),
            Part(SWING_HIP, FREE_HIP, 0.075, 0.075, "shirt"),
            Part(WAIST, CHEST, 0.135, 0.165, "shirt"),
            Part(SEAM, OTHER_SEAM, 0.07, 0.07, "shirt"),
            Part(CHEST, NECK, 0.165, 0.08, "shirt"),
            Part(NECK, HEAD, 0.05, 0.052, "skin_shade"),
        ]
        hair = [Part(HEAD, CROWN, 0.105, 0.108, "hair")]
        if rng.random() < 0.3:
            hair.append(Part(HEAD, TAIL, 0.06, 0.035, "hair"))
        if rng.random() < 0.1:  # a cap, or no hair
            hair = [Part(HEAD, CROWN, 0.1, 0.1, str(rng.choice(["band", "skin_light"])))]
        face = [Part(FACE, FACE, 0.083, 0.083, "skin_light")]
        if rng.random() < 0.3:
            face.append(Part(BROW, OTHER_BROW, 0.022, 0.022, "band"))
        arms: list[Part] = []
        banded = rng.random(2) < (0.45, 0.3)
        for shoulder, sleeve, elbow, cuff, wrist, hand, fingers, has_band in (
            (FREE_SHOULDER, FREE_SLEEVE, FREE_ELBOW, FREE_CUFF, FREE_WRIST, FREE_HAND, FREE_FINGERS, banded[0]),
            (SWING_SHOULDER, SWING_SLEEVE, SWING_ELBOW, SWING_CUFF, SWING_WRIST, SWING_HAND, SWING_FINGERS, banded[1]),
        ):
            arms += [
                Part(shoulder, elbow, 0.052, 0.042, "skin"),
                Part(elbow, hand, 0.04, 0.029, "skin"),
                Part(hand, fingers, 0.038, 0.03, "skin_light"),
            ]
            if has_band:
                arms.append(Part(cuff, wrist, 0.038, 0.034, "band"))
            if not bare:
                arms.append(Part(shoulder, sleeve, 0.07, 0.064, "sleeve"))
        bat = [Part(RACKET, RACKET, blade, blade, "bat")] if blade else []
        if faces_camera:
            return (*legs, *trunk, *hair, *face, *arms, *bat)
        return (*bat, *arms, *legs, *trunk, *face, *hair)

    def _cloth(self, pale: float) -> Colour:
        """Return the colour of a piece of clothing, which is white in a share of the draws, black in some."""
        rng = self._rng
        kind = rng.random()
        if kind < pale:
            return _near(_pick(_PALE, rng), 5, rng)
        if kind < pale + 0.25:
            return _near((30, 32, 40), 10, rng)
        grey, strong = rng.uniform(40, 210), rng.uniform(0.2, 1.0)
        return _colour(grey + strong * (rng.uniform(0, 255, 3) - grey))

    def _print(self, shirt: Colour) -> Colour:
        """Return the colour of letters on a shirt, mostly in contrast to it."""
        if self._rng.random() < 0.2:
            return self._cloth(0.3)
        return (246, 246, 246) if sum(shirt) < 400 else (28, 30, 40)


def detailed_joints(joints: Array, rng: np.random.Generator) -> Array:
    """Return joints (N, J, 3) with those of the details behind them."""
    sock, hem, sleeve = rng.uniform(0.1, 0.6), rng.uniform(0.5, 0.85), rng.uniform(0.5, 0.95)
    if rng.random() < 0.6:
        sock = rng.uniform(0.14, 0.32)

    def between(start: int, end: int, share: float) -> Array:
        return np.asarray(joints[:, start] + share * (joints[:, end] - joints[:, start]))

    across = joints[:, SWING_SHOULDER] - joints[:, FREE_SHOULDER]
    up = joints[:, HEAD] - joints[:, NECK]
    front = joints[:, FACE] - joints[:, HEAD]
    details = [
        between(SWING_ANKLE, SWING_TOE, -0.35),
        between(SWING_ANKLE, SWING_KNEE, sock),
        between(SWING_HIP, SWING_KNEE, hem),
        between(SWING_SHOULDER, SWING_ELBOW, sleeve),
        between(SWING_ELBOW, SWING_HAND, 0.64),
        between(SWING_HAND, THROAT, 0.12),
        between(FREE_ANKLE, FREE_TOE, -0.35),
        between(FREE_ANKLE, FREE_KNEE, sock),
        between(FREE_HIP, FREE_KNEE, hem),
        between(FREE_SHOULDER, FREE_ELBOW, sleeve),
        between(FREE_ELBOW, FREE_HAND, 0.64),
        between(FREE_ELBOW, FREE_HAND, 1.25),
        joints[:, HEAD] + 0.22 * up - 0.4 * front,
        joints[:, HEAD] + 0.24 * up + 0.5 * front + 0.2 * across,
        joints[:, HEAD] + 0.24 * up + 0.5 * front - 0.2 * across,
        joints[:, HEAD] - 0.6 * up - 2.0 * front,
        between(NECK, SWING_SHOULDER, 0.72) - 0.1 * up,
        between(NECK, FREE_SHOULDER, 0.72) - 0.1 * up,
        between(PELVIS, CHEST, 0.2),
        between(SWING_ELBOW, SWING_HAND, 0.86),
        between(FREE_ELBOW, FREE_HAND, 0.86),
    ]
    return np.concatenate([joints, np.stack(details, axis=1)], axis=1)


def racket_outline(joints: Array, head: float, rng: np.random.Generator) -> Array:
    """Return grip, throat and corners of the rim, (N, 2 + R, 3) metres, of a racket that turns about its shaft."""
    grip, throat, middle = (joints[:, joint] for joint in (SWING_HAND, THROAT, RACKET))
    blade = middle - throat
    blade = blade / np.maximum(np.linalg.norm(blade, axis=1, keepdims=True), 1e-6)
    forward = joints[:, FACE] - joints[:, HEAD]
    side = np.cross(blade, forward)
    side = side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
    other = np.cross(blade, side)
    time = np.arange(len(joints))
    turn = rng.uniform(0, np.pi) + 0.9 * np.sin(time * rng.uniform(0.03, 0.12) + rng.uniform(0, 6))
    side = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * other
    angles = np.linspace(0, 2 * np.pi, RIM_POINTS, endpoint=False)
    rim = middle[:, None] + head * (
        np.cos(angles)[:, None] * blade[:, None] + 0.82 * np.sin(angles)[:, None] * side[:, None]
    )
    return np.concatenate([grip[:, None], throat[:, None], rim], axis=1)


def _pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return colours[rng.integers(len(colours))]


def _near(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    return _colour(np.array(colour) + rng.normal(0, spread, 3))


def _scaled(colour: Colour, share: float) -> Colour:
    return _colour(share * np.array(colour, dtype=np.float64))


def _colour(values: Array) -> Colour:
    red, green, blue = np.clip(np.round(values), 6, 250).astype(int).tolist()
    return red, green, blue
