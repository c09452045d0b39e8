"""The place where the rally is played: everything that stands still, drawn once per rally."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import Size, UInt8Array
from tracknet_plugins.datasets.synthetic.painting import Box, capsule
from tracknet_plugins.datasets.synthetic.scene import Scene
from tracknet_plugins.datasets.synthetic.sports import Colour, Palette

Array = npt.NDArray[np.float64]

_FINENESS = 2


@dataclass(frozen=True)
class Venue:
    """The still parts of the picture, with a margin around it for the camera's sway.

    Attributes:
        background: (H + 2 m, W + 2 m) everything without the net, RGB.
        net: (H + 2 m, W + 2 m) the net with its posts: RGB multiplied by the opacity, and the opacity.
        net_box: left, top, right and bottom of the net in the picture without the margin, however it sways.
        seats: (S, 3) places of spectators that may move, in metres.
        margin: m, in pixels.
    """

    background: Image.Image
    net: Image.Image
    net_box: Box
    seats: Array
    margin: int


def build_venue(scene: Scene, margin: int, rng: np.random.Generator) -> Venue:
    """Draw the venue of a scene, with a margin in pixels around the picture."""
    builder = _Builder(scene, margin, rng)
    background, net = builder.background(), builder.net()
    width, height = scene.recipe.size
    left, top, right, bottom = net.getbbox() or (0, 0, 0, 0)
    # The box in the margin's picture starts `margin` earlier, and the sway moves the net by up to another one.
    box = (max(left - 2 * margin, 0), max(top - 2 * margin, 0), min(right, width), min(bottom, height))
    return Venue(background, net, box, builder.seats(), margin)


def score_graphics(size: Size, rng: np.random.Generator) -> UInt8Array:
    """Return the broadcaster's score (h, w, 3): two names, games and points."""
    width, height = size
    image = Image.new("RGB", (2 * width, 2 * height), (18, 22, 34))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(0.62 * height)
    accent = tuple(int(value) for value in rng.integers(40, 230, 3))
    for row in (0, 1):
        top = row * height
        draw.rectangle((1.56 * width, top + 2, 1.77 * width, top + height - 3), fill=(226, 228, 232))
        draw.rectangle((1.79 * width, top + 2, 2 * width, top + height - 3), fill=accent)
        draw.text((0.1 * width, top + 0.5 * height), _word(rng)[:8], font=font, fill=(235, 236, 240), anchor="lm")
        draw.text(
            (1.66 * width, top + 0.5 * height), str(rng.integers(0, 4)), font=font, fill=(16, 18, 26), anchor="mm"
        )
        draw.text(
            (1.89 * width, top + 0.5 * height), str(rng.integers(0, 21)), font=font, fill=(250, 250, 250), anchor="mm"
        )
    return np.asarray(image.reduce(2))


def spectator_colours(palette: Palette, rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return the colours of a spectator's clothes and skin; stands in a dark hall lie in the dark."""
    light = 0.4 if palette.is_indoor and sum(palette.stands) < 150 else 0.8
    grey = rng.uniform(20, 230)
    cloth = _darker(_colour(grey + 0.35 * (rng.uniform(0, 255, 3) - grey)), light)
    skin = ((226, 184, 154), (190, 142, 108), (120, 84, 62))[rng.integers(3)]
    return cloth, _darker(skin, light)


class _Builder:
    """Draws on one canvas, in the sub-pixels of the picture with its margin."""

    def __init__(self, scene: Scene, margin: int, rng: np.random.Generator) -> None:
        self._scene = scene
        self._sport = scene.sport
        self._palette = scene.palette
        self._margin = margin
        self._rng = rng
        width, height = scene.recipe.size
        self._size = ((width + 2 * margin) * _FINENESS, (height + 2 * margin) * _FINENESS)
        self._image = Image.new("RGB", self._size, _darker(scene.palette.stands, 0.5))
        self._draw = ImageDraw.Draw(self._image)
        sport = scene.sport
        self._back = sport.length / 2 + sport.run_off[0]
        self._beside = sport.width / 2 + sport.run_off[1]
        # The near end of floor and boards: just before the camera, where nothing of it is in the picture any more.
        self._front = float(scene.camera.position[1]) + 1.5

    def background(self) -> Image.Image:
        """Draw everything but the net."""
        self._crowd()
        self._floor()
        self._boards()
        self._furniture()
        if self._sport.surface:
            self._table()
        else:
            self._lines()
        self._specks()
        picture = self._image.reduce(_FINENESS)
        return Image.fromarray(self._lit(np.asarray(picture)))

    def net(self) -> Image.Image:
        """Draw the net alone."""
        scene, sport = self._scene, self._sport
        image = Image.new("RGBA", self._size)
        draw = ImageDraw.Draw(image)
        half, bottom = sport.net_width, sport.surface + sport.net_bottom
        across = np.linspace(-half, half, 9)
        upper = [(x, 0.0, sport.net_height(x)) for x in across]
        lower = [(x, 0.0, bottom) for x in across]
        draw.polygon(self._points(upper + lower[::-1]), fill=(14, 16, 20, 92))
        threads = (10, 10, 14, 150)
        gap = 0.3 if sport.surface == 0 else 0.06
        for x in np.arange(-half, half, gap):
            draw.line(self._points([(x, 0, bottom), (x, 0, sport.net_height(x))]), fill=threads, width=1)
        for share in np.linspace(0, 1, 5):
            row = [(x, 0.0, bottom + share * (sport.net_height(x) - bottom)) for x in across]
            draw.line(self._points(row), fill=threads, width=1)
        strap = sport.net_height(0) if sport.name == "tennis" else None
        tape, pole = (236, 236, 232, 255), (52, 54, 60, 255)
        *tapes, left, right = self._fine(scene.net)
        for ends in (left, right):
            capsule(draw, ends, pole)
        for ends in tapes:
            capsule(draw, ends, tape)
        if strap:
            draw.line(self._points([(0, 0, 0), (0, 0, strap)]), fill=(226, 226, 222, 255), width=2)
        return image.convert("RGBa").reduce(_FINENESS)

    def seats(self) -> Array:
        """Return places where spectators stand or sit, (S, 3)."""
        x = self._rng.uniform(-1.3, 1.3, 64) * self._beside
        row = self._rng.integers(0, 9, 64)
        return np.column_stack([x, self._back + 1.4 + 0.85 * row, self._sport.board_height + 0.1 + 0.45 * row])

    def _fine(self, capsules: Array) -> Array:
        fine = capsules * _FINENESS
        fine[:, [0, 1, 3, 4]] = (capsules[:, [0, 1, 3, 4]] + self._margin + 0.5) * _FINENESS - 0.5
        return fine

    def _points(self, places: npt.ArrayLike) -> list[tuple[float, float]]:
        xy, _ = self._scene.camera.project(places)
        return [(x, y) for x, y in ((xy + self._margin + 0.5) * _FINENESS - 0.5).tolist()]

    def _scale(self, place: tuple[float, float, float]) -> float:
        """Sub-pixels per metre at a place."""
        return float(self._scene.camera.project(place)[1]) * _FINENESS

    def _polygon(self, places: npt.ArrayLike, fill: Colour) -> None:
        self._draw.polygon(self._points(places), fill=fill)

    def _patch(self, left: float, right: float, front: float, back: float, height: float, fill: Colour) -> None:
        """Fill a rectangle that lies flat."""
        self._polygon(
            [(left, front, height), (right, front, height), (right, back, height), (left, back, height)], fill
        )

    def _picture(self, picture: Image.Image, corners: npt.ArrayLike) -> None:
        """Paste a picture onto a plane: ``corners`` (4, 3) of its top left, top right, bottom right and bottom left."""
        target = np.array(self._points(corners))
        low = np.maximum(np.floor(target.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(target.max(0)).astype(int) + 1, self._size)
        if (high <= low).any():
            return
        width, height = picture.size
        source = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
        turned = picture.convert("RGBA").transform(
            tuple((high - low).tolist()),
            Image.Transform.PERSPECTIVE,
            _homography(target - low, source),
            resample=Image.Resampling.BILINEAR,
        )
        self._image.paste(turned, tuple(low.tolist()), turned)

    def _floor(self) -> None:
        palette, sport = self._palette, self._sport
        apron = _darker(palette.surround, 0.8)
        self._patch(-3 * self._beside, 3 * self._beside, self._front, self._back, 0, apron)
        self._patch(-self._beside, self._beside, self._front, self._back, 0, palette.surround)
        if sport.surface == 0:
            edge = 0.0 if sport.name == "tennis" else 0.45
            half, end = sport.width / 2 + edge, sport.length / 2 + edge * 1.6
            self._patch(-half, half, -end, end, 0, palette.court)
            self._texture()
        for side in (-1, 1):
            word = _lettering(_word(self._rng), _lighter(palette.surround, 0.45), None)
            length = min(0.34 * sport.width, 3.0) if sport.surface == 0 else 1.6
            depth = length * word.height / word.width * 1.6
            y = side * (sport.length / 2 + (0.3 * sport.run_off[0] if sport.surface == 0 else 2.4)) + depth / 2
            x = self._rng.uniform(-0.25, 0.25) * sport.width
            self._flat(word, x, y, length, depth)

    def _flat(self, word: Image.Image, x: float, y: float, length: float, depth: float) -> None:
        corners = [
            (x - length / 2, y, 0),
            (x + length / 2, y, 0),
            (x + length / 2, y - depth, 0),
            (x - length / 2, y - depth, 0),
        ]
        self._picture(word, corners)

    def _texture(self) -> None:
        """Faint stripes across the court, of mowing, sweeping or seams."""
        sport, court = self._sport, self._palette.court
        if sport.name == "tennis":
            stripes = np.linspace(-sport.length / 2, sport.length / 2, 15)
            for number, (front, back) in enumerate(pairwise(stripes)):
                if number % 2:
                    self._patch(-sport.width / 2, sport.width / 2, front, back, 0, _lighter(court, 0.025))

    def _lines(self) -> None:
        for (x0, y0), (x1, y1), line in self._sport.lines:
            half = line / 2
            for side in (-1, 1):
                self._patch(
                    min(x0, x1) - half, max(x0, x1) + half, side * min(y0, y1) - half, side * max(y0, y1) + half,
                    self._sport.surface, self._palette.lines,
                )  # fmt: skip

    def _table(self) -> None:
        sport, palette = self._sport, self._palette
        half, end, top = sport.width / 2, sport.length / 2, sport.surface
        shadow = _darker(palette.surround, 0.62)
        self._patch(-half + 0.05, half + 0.05, -end + 0.1, end + 0.1, 0, shadow)
        for x in (-half + 0.2, half - 0.2):
            for y in (end - 0.35, -end + 0.35):
                self._draw.line(
                    self._points([(x, y, 0), (x, y, top)]),
                    fill=(40, 42, 48),
                    width=round(0.06 * self._scale((x, y, 0))),
                )
        self._patch(-half, half, -end, end, top, palette.court)
        self._lines()
        front = [(-half, -end, top), (half, -end, top), (half, -end, top - 0.05), (-half, -end, top - 0.05)]
        self._polygon(front, _darker(palette.court, 0.6))

    def _boards(self) -> None:
        height = self._sport.board_height
        length = 3.2 if self._sport.surface == 0 else 1.7
        for side in (-1, 1):
            for y in np.arange(self._back, self._front, -length):
                self._side_board(side, length, y)
        for x in np.arange(-self._beside * 1.6, self._beside * 1.6, length):
            sign = self._sign(length / height)
            corners = [
                (x, self._back, height),
                (x + length, self._back, height),
                (x + length, self._back, 0),
                (x, self._back, 0),
            ]
            self._picture(sign, corners)

    def _side_board(self, side: int, length: float, y: float) -> None:
        height, x = self._sport.board_height, side * self._beside
        # The side boards lean outwards a little and are read from the court.
        first, last = (y - length, y) if side < 0 else (y, y - length)
        lean = side * 0.15 * height
        corners = [(x + lean, first, height), (x + lean, last, height), (x, last, 0), (x, first, 0)]
        self._picture(self._sign(length / height), corners)

    def _sign(self, aspect: float) -> Image.Image:
        """Return an advertising board: a made-up name on a plain ground, sometimes with a dot or a ring."""
        ground = self._palette.boards[self._rng.integers(len(self._palette.boards))]
        ink = (236, 236, 236) if self._rng.random() < 0.75 else (240, 214, 60)
        word = _lettering(_word(self._rng), ink, ground)
        height = 48
        sign = Image.new("RGB", (round(height * aspect), height), ground)
        scale = min(0.6 * height / word.height, 0.7 * sign.width / word.width)
        word = word.resize(
            (max(1, round(word.width * scale)), max(1, round(word.height * scale))), Image.Resampling.BILINEAR
        )
        sign.paste(word, ((sign.width - word.width) // 2 + 10, (height - word.height) // 2), word)
        if self._rng.random() < 0.5:
            left = (sign.width - word.width) // 2 - 16
            ImageDraw.Draw(sign).ellipse(
                (left, 14, left + 20, 34), fill=ink if self._rng.random() < 0.5 else None, outline=ink, width=4
            )
        return sign

    def _crowd(self) -> None:
        """Rows of seats behind and beside the court, with people on some of them."""
        rng, palette = self._rng, self._palette
        taken = rng.uniform(*self._scene.difficulty.crowd)
        rise, tread, seat = 0.45, 0.85, 0.55
        low = self._sport.board_height
        reach = 3.2 * self._beside
        for row in range(26, -1, -1):
            y, z = self._back + 1.4 + tread * row, low + rise * row
            self._polygon(
                [(-reach, y, z), (reach, y, z), (reach, y, z - 1.0), (-reach, y, z - 1.0)],
                _darker(palette.stands, 0.8 + 0.2 * (row % 2)),
            )
            seats = np.arange(-reach, reach, seat)
            seats = seats[rng.random(len(seats)) < taken] + rng.normal(0, 0.05)
            if not len(seats):
                continue
            xy = np.array(self._points(np.column_stack([seats, np.full(len(seats), y), np.full(len(seats), z + 0.25)])))
            scale = self._scale((0, y, z))
            for x, top in xy.tolist():
                cloth, skin = spectator_colours(palette, rng)
                body, head = 0.23 * scale, 0.11 * scale
                self._draw.ellipse((x - body, top - body, x + body, top + 1.6 * body), fill=cloth)
                self._draw.ellipse((x - head, top - body - 1.6 * head, x + head, top - body + 0.6 * head), fill=skin)

    def _furniture(self) -> None:
        """The umpire's chair beside the net, benches, and line judges along the boards."""
        sport, rng = self._sport, self._rng
        side = 1 if rng.random() < 0.5 else -1
        x = side * (sport.net_width + (1.2 if sport.surface == 0 else 1.5))
        tall = 1.9 if sport.surface == 0 else 0.8
        self._person(side * (self._beside - 0.5), sport.length * 0.3, 0.0, sits=True)
        self._person(-side * (self._beside - 0.5), sport.length * 0.3, 0.0, sits=True)
        frame = (58, 62, 72) if rng.random() < 0.5 else (40, 84, 60)
        width = round(0.07 * self._scale((x, 0, 0)))
        for foot in (-0.35, 0.35):
            self._draw.line(
                self._points([(x + foot, 0, 0), (x + 0.6 * foot, 0, tall)]), fill=frame, width=max(1, width)
            )
        for step in np.arange(0.3, tall, 0.35):
            self._draw.line(
                self._points([(x - 0.33, 0, step), (x + 0.33, 0, step)]), fill=frame, width=max(1, width // 2)
            )
        self._person(x, 0.1, tall - 0.45, sits=True)
        for offset in (-2.2, 2.2):
            self._bench(-side * (sport.net_width + 2.0) if sport.surface == 0 else -side * (self._beside - 0.9), offset)

    def _bench(self, x: float, y: float) -> None:
        self._polygon(
            [(x - 0.3, y - 0.8, 0.45), (x + 0.3, y - 0.8, 0.45), (x + 0.3, y + 0.8, 0.45), (x - 0.3, y + 0.8, 0.45)],
            (196, 198, 204),
        )
        self._polygon(
            [(x - 0.3, y - 0.8, 0.45), (x + 0.3, y - 0.8, 0.45), (x + 0.3, y - 0.8, 0), (x - 0.3, y - 0.8, 0)],
            (120, 122, 130),
        )

    def _person(self, x: float, y: float, z: float, *, sits: bool) -> None:
        rng = self._rng
        clothes = tuple(int(value) for value in rng.integers(30, 200, 3))
        skin = (206, 160, 128)
        hip, knee = (x, y, z + 0.5), (x, y - 0.35, z + (0.48 if sits else 0.25))
        parts = [
            (knee, (x, y - 0.4, z + 0.05), 0.07, (34, 36, 46)),
            (hip, knee, 0.09, (34, 36, 46)),
            (hip, (x, y, z + 1.0), 0.17, clothes),
            ((x, y, z + 1.24), (x, y, z + 1.24), 0.11, skin),
        ]
        for start, end, radius, fill in parts:
            xy, scale = self._scene.camera.project([start, end])
            ends = np.array([[*xy[0], radius * scale[0], *xy[1], radius * scale[1]]])
            capsule(self._draw, self._fine(ends)[0], fill)

    def _specks(self) -> None:
        """Look-alikes: marks, tape and litter of the ball's size and often its colour."""
        scene, rng = self._scene, self._rng
        for _ in range(scene.difficulty.lookalikes):
            x, y = rng.uniform(-1, 1) * self._beside, rng.uniform(-0.62 * self._sport.length, self._back)
            if self._sport.surface and abs(x) < 1.2 and abs(y) < 1.8:
                continue
            radius = rng.uniform(0.6, 1.0) * 0.5 * self._sport.ball.diameter * self._sport.ball.apparent
            (px, py), scale = self._points([(x, y, 0.0)])[0], self._scale((x, y, 0.0))
            colour = scene.ball_colour if rng.random() < 0.5 else (222, 222, 218)
            wide, high = radius * scale * rng.uniform(0.8, 1.6), radius * scale * rng.uniform(0.4, 0.9)
            self._draw.ellipse(
                (px - wide, py - high, px + wide, py + high), fill=_darker(colour, rng.uniform(0.7, 0.95))
            )

    def _lit(self, picture: UInt8Array) -> UInt8Array:
        """Return the picture under uneven light: a gradient, a vignette, and in the open a shadow of the stands."""
        rng = self._rng
        height, width = picture.shape[:2]
        rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        slope = rng.uniform(-0.08, 0.08, 2)
        light = 1 + slope[0] * columns + slope[1] * rows - rng.uniform(0.03, 0.12) * (columns**2 + rows**2)
        if not self._palette.is_indoor and rng.random() < 0.5:
            border = rng.uniform(-0.5, 0.7) + rng.uniform(-0.5, 0.5) * rows
            side = 1 if rng.random() < 0.5 else -1
            light = light * (1 - rng.uniform(0.15, 0.3) * np.clip(side * (columns - border) * 40, 0, 1))
        return np.asarray(np.clip(picture * light[..., None], 14, 240), dtype=np.uint8)


def _homography(target: Array, source: Array) -> tuple[float, ...]:
    """Return Pillow's eight numbers that lead from four points of the target to four of the source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target.tolist(), source.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(values)).tolist())


def _word(rng: np.random.Generator) -> str:
    """Return a made-up name in capitals."""
    onsets, vowels = ("B", "D", "K", "L", "M", "N", "R", "S", "T", "V", "Z", "TR", "ST", "KL"), "AEIOU"
    return "".join(onsets[rng.integers(len(onsets))] + vowels[rng.integers(5)] for _ in range(rng.integers(2, 4))) + (
        "", "X", "N", "S", "R",
    )[rng.integers(5)]  # fmt: skip


def _lettering(word: str, ink: Colour, ground: Colour | None) -> Image.Image:
    """Return a word as a picture, RGBA, cut close; the transparent part has the colour of the ground, or of the ink."""
    font = ImageFont.load_default(40)
    left, top, right, bottom = (round(value) for value in font.getbbox(word))
    image = Image.new("RGBA", (right - left + 4, bottom - top + 4), (*(ground or ink), 0))
    ImageDraw.Draw(image).text((2 - left, 2 - top), word, font=font, fill=(*ink, 255))
    return image


def _colour(values: Array) -> Colour:
    red, green, blue = values.astype(int).tolist()
    return red, green, blue


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(share * value) for value in colour)
    return red, green, blue


def _lighter(colour: Colour, share: float) -> Colour:
    red, green, blue = (min(255, round(value + share * (255 - value))) for value in colour)
    return red, green, blue
