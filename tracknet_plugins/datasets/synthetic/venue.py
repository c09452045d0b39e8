"""The place where the rally is played: everything that stands still, drawn once per rally."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tracknet_core.contracts import Size, UInt8Array
from tracknet_plugins.datasets.synthetic.names import made_up_name
from tracknet_plugins.datasets.synthetic.painting import Box, capsule
from tracknet_plugins.datasets.synthetic.scene import Scene
from tracknet_plugins.datasets.synthetic.sports import Colour, Palette
from tracknet_plugins.datasets.synthetic.textures import noise

Array = npt.NDArray[np.float64]
Place = tuple[float, float, float]

_FINENESS = 2
"""Sub-pixels per pixel, along each axis, while drawing."""
_DARK_WOOD: Colour = (40, 42, 48)
_ROW_RISE, _ROW_DEPTH, _SEAT = 0.45, 0.85, 0.55
"""Of the stands: height and depth of a row and width of a seat, in metres."""
_ROWS = 26


class Screen(NamedTuple):
    """Something that stands still and hides what is behind it: the net, the table.

    Attributes:
        picture: as large as the background, RGB multiplied by opacity, and opacity.
        box: where it can be in the picture without the margin, however that sways.
        depth: its y, in metres; things with a greater y are behind it.
    """

    picture: Image.Image
    box: Box
    depth: float


class Venue(NamedTuple):
    """The still parts of the picture, with a margin around it for the camera's sway.

    Attributes:
        background: (H + 2 m, W + 2 m) what is behind everything that moves, RGB.
        screens: what may be before something that moves.
        seats: (S, 3) places of spectators that may move, in metres.
        margin: m, in pixels.
    """

    background: Image.Image
    screens: tuple[Screen, ...]
    seats: Array
    margin: int


def build_venue(scene: Scene, margin: int, rng: np.random.Generator) -> Venue:
    """Draw the venue of a scene, with a margin in pixels around the picture."""
    sport, palette = scene.sport, scene.palette
    sheet = _Sheet(scene, margin, "RGB", _darker(palette.stands, 0.5))
    back, beside = sport.length / 2 + sport.run_off[0], sport.width / 2 + sport.run_off[1]
    _draw_stands(sheet, scene, rng)
    if scene.is_lifelike:
        sheet.dim(palette, rng)
        _draw_back_row(sheet, scene, rng)
    _draw_floor(sheet, scene, rng)
    if scene.is_lifelike:
        _draw_emblems(sheet, scene, rng)
    _draw_boards(sheet, scene, rng)
    _draw_furniture(sheet, scene, rng)
    if scene.is_lifelike:
        _draw_bystanders(sheet, scene, rng)
        _draw_spare_balls(sheet, scene, rng)
    else:
        _draw_specks(sheet, scene, rng)
    picture = _lit(np.asarray(sheet.image.reduce(_FINENESS)), palette, rng)
    background = Image.fromarray(_weathered(picture, scene, rng) if scene.is_lifelike else picture)

    net = _Sheet(scene, margin, "RGBA", (0, 0, 0, 0))
    _draw_net(net, scene, rng)
    screens = [net.screen(depth=0.0)]
    if sport.surface:
        table = _Sheet(scene, margin, "RGBA", (0, 0, 0, 0))
        _draw_table(table, scene)
        screens.append(table.screen(depth=sport.length / 2))

    rows = rng.integers(0, 9, 64)
    seats = np.column_stack(
        [
            rng.uniform(-1.3, 1.3, len(rows)) * beside,
            back + 1.4 + _ROW_DEPTH * rows,
            sport.board_height + 0.1 + _ROW_RISE * rows,
        ]
    )
    return Venue(background, tuple(screens), seats, margin)


def score_graphics(size: Size, rng: np.random.Generator) -> UInt8Array:
    """Return the broadcaster's score (h, w, 3): two names, games and points."""
    width, height = size
    image = Image.new("RGB", (2 * width, 2 * height), (18, 22, 34))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(0.62 * height)
    accent = _colour(rng.uniform(40, 200, 3))
    for top in (0, height):
        middle, bottom = top + 0.5 * height, top + height - 3
        draw.rectangle((1.56 * width, top + 2, 1.77 * width, bottom), fill=(226, 228, 232))
        draw.rectangle((1.79 * width, top + 2, 2 * width, bottom), fill=accent)
        for x, text, fill, anchor in (
            (0.1, made_up_name(rng)[:8], (235, 236, 240), "lm"),
            (1.66, str(rng.integers(0, 4)), (16, 18, 26), "mm"),
            (1.89, str(rng.integers(0, 21)), (250, 250, 250), "mm"),
        ):
            draw.text((x * width, middle), text, font=font, fill=fill, anchor=anchor)
    return np.asarray(image.reduce(2))


def spectator_colours(palette: Palette, rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return the colours of a spectator's clothes and skin; stands in a dark hall lie in the dark."""
    light = 0.4 if palette.is_indoor and sum(palette.stands) < 150 else 0.8
    grey = rng.uniform(20, 230)
    cloth = _darker(_colour(grey + 0.35 * (rng.uniform(0, 255, 3) - grey)), light)
    skin = ((226, 184, 154), (190, 142, 108), (120, 84, 62))[rng.integers(3)]
    return cloth, _darker(skin, light)


class _Sheet:
    """Paper for things in the world: draws places in metres, in sub-pixels of the picture with its margin."""

    def __init__(self, scene: Scene, margin: int, mode: str, ground: tuple[int, ...]) -> None:
        width, height = scene.recipe.size
        self._camera = scene.camera
        self._margin = margin
        self._picture_size = width, height
        self._unit = width / 640
        self.is_lifelike = scene.is_lifelike
        self.size = (width + 2 * margin) * _FINENESS, (height + 2 * margin) * _FINENESS
        self.image = Image.new(mode, self.size, ground)
        self.pen = ImageDraw.Draw(self.image)

    def dim(self, palette: Palette, rng: np.random.Generator) -> None:
        """Put what is drawn so far out of focus, and in a hall mostly in the dark."""
        share = rng.uniform(0.12, 0.9) if palette.is_indoor else rng.uniform(0.7, 1.1)
        small = self.image.reduce(_FINENESS).filter(ImageFilter.BoxBlur(rng.uniform(0, 1.6) * self._unit))
        picture = np.asarray(small, dtype=np.float32)
        width, height = small.size
        light = 1 + 0.3 * noise((width, height), finest=60, coarsest=400, rng=rng)
        grey = picture.mean(-1, keepdims=True)
        picture = (grey + rng.uniform(0.3, 1.0) * (picture - grey)) * (share * np.clip(light, 0.2, 2.0))[..., None]
        dimmed = Image.fromarray(np.clip(picture, 4, 245).astype(np.uint8))
        self.image.paste(dimmed.resize(self.size, Image.Resampling.BILINEAR))

    def screen(self, depth: float) -> Screen:
        """Return what was drawn as a screen."""
        picture = self.image.convert("RGBa").reduce(_FINENESS)
        left, top, right, bottom = picture.getbbox() or (0, 0, 0, 0)
        # The picture with its margin starts `margin` earlier, and the sway moves things by less than another one.
        width, height = self._picture_size
        around = 2 * self._margin
        box = max(left - around, 0), max(top - around, 0), min(right, width), min(bottom, height)
        return Screen(picture, box, depth)

    def project(self, places: npt.ArrayLike) -> tuple[Array, Array]:
        """Return pixels (M, 2) of the picture, and pixels per metre (M,), of places (M, 3)."""
        return self._camera.project(places)

    def points(self, places: npt.ArrayLike) -> list[tuple[float, float]]:
        """Return where places (M, 3) are on the sheet."""
        xy = self._on_sheet(self._camera.project(places)[0])
        return [(x, y) for x, y in xy.tolist()]

    def scale(self, place: Place) -> float:
        """Return the sub-pixels per metre at a place."""
        return float(self._camera.project(place)[1]) * _FINENESS

    def polygon(self, places: npt.ArrayLike, fill: tuple[int, ...]) -> None:
        """Fill a polygon."""
        self.pen.polygon(self.points(places), fill=fill)

    def level(self, x: tuple[float, float], y: tuple[float, float], z: float, fill: Colour) -> None:
        """Fill a rectangle that lies flat."""
        self.polygon([(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], fill)

    def line(self, places: npt.ArrayLike, fill: tuple[int, ...], width: float = 1.0) -> None:
        """Draw a line, with a width in sub-pixels, at least one."""
        self.pen.line(self.points(places), fill=fill, width=max(1, round(width)))

    def limb(self, start: Place, end: Place, radius: float, fill: Colour) -> None:
        """Draw a line with round ends, with a radius in metres."""
        xy, scale = self._camera.project([start, end])
        self.capsules(np.array([[*xy[0], radius * scale[0], *xy[1], radius * scale[1]]]), fill)

    def capsules(self, capsules: Array, fill: tuple[int, ...]) -> None:
        """Draw capsules (P, 6), given in pixels of the picture."""
        for x0, y0, r0, x1, y1, r1 in capsules:
            start, end = self._on_sheet(np.array([[x0, y0], [x1, y1]]))
            capsule(self.pen, np.array([*start, r0 * _FINENESS, *end, r1 * _FINENESS]), fill)

    def picture(self, picture: Image.Image, corners: npt.ArrayLike) -> None:
        """Paste an RGBA picture onto a plane, its top left, top right, bottom right and bottom left at ``corners``."""
        target = np.array(self.points(corners))
        low = np.maximum(np.floor(target.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(target.max(0)).astype(int) + 1, self.size)
        if (high <= low).any():
            return
        width, height = picture.size
        source = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
        columns, rows = (high - low).tolist()
        turned = picture.transform(
            (columns, rows),
            Image.Transform.PERSPECTIVE,
            _homography(target - low, source),
            resample=Image.Resampling.BILINEAR,
        )
        left, top = low.tolist()
        self.image.paste(turned, (left, top), turned)

    def _on_sheet(self, xy: Array) -> Array:
        return (xy + self._margin + 0.5) * _FINENESS - 0.5


# ------------------------------------------------------------------------------------------- the surroundings


def _draw_stands(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw rows of seats behind the court, with people on some of them."""
    sport, palette = scene.sport, scene.palette
    taken = rng.uniform(*scene.difficulty.crowd)
    reach = 3.2 * (sport.width / 2 + sport.run_off[1])
    for row in reversed(range(_ROWS)):
        y = sport.length / 2 + sport.run_off[0] + 1.4 + _ROW_DEPTH * row
        z = sport.board_height + _ROW_RISE * row
        scale = sheet.scale((0.0, y, z))
        if sheet.points([(0.0, y, z - 1.0)])[0][1] < 0:
            continue  # above the picture
        step = [(-reach, y, z), (reach, y, z), (reach, y, z - 1.0), (-reach, y, z - 1.0)]
        sheet.polygon(step, _darker(palette.stands, 0.8 + 0.2 * (row % 2)))
        x = np.arange(-reach, reach, _SEAT) + rng.normal(0, 0.05)
        x = x[rng.random(len(x)) < taken]
        places = np.column_stack([x, np.full(len(x), y), np.full(len(x), z + 0.25)])
        for column, top in sheet.points(places):
            cloth, skin = spectator_colours(palette, rng)
            body, head = 0.23 * scale, 0.11 * scale
            neck = top - body - 0.5 * head
            sheet.pen.ellipse((column - body, top - body, column + body, top + 1.6 * body), fill=cloth)
            sheet.pen.ellipse((column - head, neck - head, column + head, neck + head), fill=skin)


def _draw_floor(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw the floor with the court, its lines, and names painted on it; a table comes later, as a screen."""
    sport, palette = scene.sport, scene.palette
    back, beside = sport.length / 2 + sport.run_off[0], sport.width / 2 + sport.run_off[1]
    # The floor starts right before the camera: nearer than the picture shows.
    front = float(scene.camera.position[1]) + 1.5
    sheet.level((-3 * beside, 3 * beside), (front, back), 0, _darker(palette.surround, 0.8))
    sheet.level((-beside, beside), (front, back), 0, palette.surround)
    if sport.surface == 0:
        half, end = sport.width / 2 + sport.mat, sport.length / 2 + sport.mat
        sheet.level((-half, half), (-end, end), 0, palette.court)
        # Faint stripes across the court, of mowing, sweeping or seams.
        for number, edges in enumerate(pairwise(np.linspace(-end, end, 15).tolist())):
            if number % 2:
                sheet.level((-half, half), edges, 0, _lighter(palette.court, 0.025))
        _draw_lines(sheet, scene)
    for side in (-1, 1):
        name = _lettering(made_up_name(rng), _lighter(palette.surround, 0.45))
        length = min(0.34 * sport.width, 3.0) if sport.surface == 0 else 1.6
        depth = 1.6 * length * name.height / name.width
        x = rng.uniform(-0.25, 0.25) * sport.width
        y = side * (sport.length / 2 + (0.3 if sport.surface == 0 else 0.55) * sport.run_off[0])
        left, right, far, near = x - length / 2, x + length / 2, y + depth / 2, y - depth / 2
        sheet.picture(name, [(left, far, 0), (right, far, 0), (right, near, 0), (left, near, 0)])


def _draw_lines(sheet: _Sheet, scene: Scene) -> None:
    """Draw the lines of the court or the table."""
    sport, fill = scene.sport, scene.palette.lines
    for (x0, y0), (x1, y1), width in sport.lines:
        half = width / 2
        for side in (-1, 1):
            ys = sorted((side * y0, side * y1))
            # A line that is far away is thinner than a sub-pixel, and would have gaps.
            sheet.line([(x0, side * y0, sport.surface), (x1, side * y1, sport.surface)], fill)
            sheet.level((min(x0, x1) - half, max(x0, x1) + half), (ys[0] - half, ys[1] + half), sport.surface, fill)


def _draw_boards(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw advertising boards behind and beside the court."""
    sport = scene.sport
    high = sport.board_height
    length = 3.2 if sport.surface == 0 else 1.7
    back, beside = sport.length / 2 + sport.run_off[0], sport.width / 2 + sport.run_off[1]
    for side in (-1, 1):
        x, top = side * beside, side * (beside + 0.15 * high)  # leaning outwards
        for far in np.arange(back, float(scene.camera.position[1]) + 1.5, -length).tolist():
            # Read from the court: from near to far on the left, from far to near on the right.
            first, last = (far - length, far) if side < 0 else (far, far - length)
            corners = [(top, first, high), (top, last, high), (x, last, 0), (x, first, 0)]
            sheet.picture(_sign(scene.palette, length / high, rng), corners)
    for x in np.arange(-1.6 * beside, 1.6 * beside, length).tolist():
        corners = [(x, back, high), (x + length, back, high), (x + length, back, 0), (x, back, 0)]
        sheet.picture(_sign(scene.palette, length / high, rng), corners)


def _draw_furniture(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw the umpire on a chair beside the net, benches, and line judges along the boards."""
    sport = scene.sport
    beside = sport.width / 2 + sport.run_off[1]
    side = 1 if rng.random() < 0.5 else -1
    for judge in (-1, 1):
        _draw_sitting(sheet, (judge * (beside - 0.5), sport.length * 0.3, 0.0), rng)
    chair = side * (sport.net_width + (1.2 if sport.surface == 0 else 1.7))
    tall = 1.9 if sport.surface == 0 else 0.5
    steel = (58, 62, 72) if rng.random() < 0.5 else (40, 84, 60)
    width = 0.07 * sheet.scale((chair, 0, 0))
    for foot in (-0.35, 0.35):
        sheet.line([(chair + foot, 0, 0), (chair + 0.6 * foot, 0, tall)], steel, width)
    for step in np.arange(0.3, tall, 0.35).tolist():
        sheet.line([(chair - 0.33, 0, step), (chair + 0.33, 0, step)], steel, width / 2)
    _draw_sitting(sheet, (chair, 0.1, tall - 0.45), rng)
    bench = -side * (sport.net_width + (1.6 if sport.surface == 0 else 1.5))
    half = 0.8 if sport.surface == 0 else 0.25
    for y in (-2.2, 2.2):
        left, right, near, far = bench - 0.3, bench + 0.3, y - half, y + half
        sheet.level((left, right), (near, far), 0.45, (186, 188, 194))
        sheet.polygon([(left, near, 0.45), (right, near, 0.45), (right, near, 0), (left, near, 0)], (112, 114, 122))


def _draw_sitting(sheet: _Sheet, seat: Place, rng: np.random.Generator, shirt: Colour | None = None) -> None:
    """Draw somebody who sits; ``seat`` is below the hip, on the floor."""
    x, y, z = seat
    trousers = (34, 36, 46)
    hip, knee = (x, y, z + 0.5), (x, y - 0.35, z + 0.48)
    sheet.limb(knee, (x, y - 0.4, z + 0.05), 0.07, trousers)
    sheet.limb(hip, knee, 0.09, trousers)
    sheet.limb(hip, (x, y, z + 0.95), 0.17, shirt or _colour(rng.uniform(30, 200, 3)))
    sheet.limb((x, y, z + 1.24), (x, y, z + 1.24), 0.11, (206, 160, 128))
    if sheet.is_lifelike:
        cuff: Colour = (240, 240, 240) if rng.random() < 0.4 else (40, 42, 48)
        sheet.limb((x - 0.15, y - 0.3, z + 0.55), (x - 0.22, y, z + 0.85), 0.045, (206, 160, 128))
        sheet.limb((x + 0.15, y - 0.3, z + 0.55), (x + 0.22, y, z + 0.85), 0.045, (206, 160, 128))
        sheet.limb((x, y + 0.02, z + 1.28), (x, y + 0.02, z + 1.3), 0.115, (30, 26, 24))
        sheet.limb((x, y - 0.06, z + 1.2), (x, y - 0.06, z + 1.2), 0.08, (214, 172, 142))
        sheet.limb((x - 0.06, y - 0.42, z + 0.05), (x + 0.06, y - 0.46, z + 0.05), 0.06, cuff)


def _draw_back_row(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw, in some venues, a second row of boards behind the court, higher and farther."""
    sport = scene.sport
    if rng.random() < 0.4:
        return
    length = 3.2 if sport.surface == 0 else 1.7
    far, low = sport.length / 2 + sport.run_off[0] + rng.uniform(0.8, 2.0), sport.board_height * rng.uniform(0.5, 1.0)
    high = low + sport.board_height * rng.uniform(1.0, 1.7)
    reach = rng.uniform(0.5, 1.3) * (sport.width / 2 + sport.run_off[1])
    for x in np.arange(-reach, reach, length * rng.uniform(1.0, 1.4)).tolist():
        corners = [(x, far, high), (x + length, far, high), (x + length, far, low), (x, far, low)]
        sheet.picture(_sign(scene.palette, length / (high - low), rng), corners)


def _draw_emblems(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw names and emblems of sponsors on the floor: bright, and on some courts between the lines."""
    sport = scene.sport
    beside, behind = sport.width / 2 + 0.6 * sport.run_off[1], sport.length / 2 + 0.35 * sport.run_off[0]
    spots = [(0.0, -behind), (0.0, behind), (-beside, -0.3 * sport.length), (beside, -0.3 * sport.length)]
    if sport.surface == 0:
        spots += [(0.0, -0.08 * sport.length), (0.0, 0.08 * sport.length), (0.25 * sport.width, -behind)]
    for x, y in spots:
        if rng.random() < 0.5:
            continue
        ink: Colour = (244, 244, 244) if rng.random() < 0.75 else _colour(rng.uniform(30, 240, 3))
        name = _lettering(made_up_name(rng), ink) if rng.random() < 0.6 else _mark(ink, rng)
        length = rng.uniform(0.18, 0.4) * sport.width
        depth = rng.uniform(1.0, 1.9) * length * name.height / name.width
        x += rng.uniform(-0.15, 0.15) * sport.width
        edges = [(x - length / 2, y + depth / 2), (x + length / 2, y + depth / 2)]
        edges += [(x + length / 2, y - depth / 2), (x - length / 2, y - depth / 2)]
        sheet.picture(name, [(a, b, 0.0) for a, b in edges])


def _mark(ink: Colour, rng: np.random.Generator) -> Image.Image:
    """Return an emblem, RGBA: some triangles, discs and strokes."""
    image = Image.new("RGBA", (120, 60), (*ink, 0))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 5)):
        kind, corners = rng.integers(3), rng.uniform((2, 2), (118, 58), (3, 2))
        points = [(x, y) for x, y in corners.tolist()]
        if kind == 0:
            pen.polygon(points, fill=(*ink, 255))
        elif kind == 1:
            radius = rng.uniform(5, 22)
            x, y = points[0]
            fill = (*ink, 255) if rng.random() < 0.5 else None
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=(*ink, 255), width=6)
        else:
            pen.line(points, fill=(*ink, 255), width=int(rng.integers(4, 14)), joint="curve")
    return image


def _draw_bystanders(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw line judges before the boards, and coaches and photographers beside the court, with what they brought."""
    sport = scene.sport
    back, beside = sport.length / 2 + sport.run_off[0], sport.width / 2 + sport.run_off[1]
    uniform = _colour(rng.uniform(15, 220, 3))
    if rng.random() < 0.7:
        for x in (-0.45 * sport.width, 0.0, 0.45 * sport.width):
            _draw_sitting(sheet, (x + rng.normal(0, 0.1), back - 0.4, 0.0), rng, uniform)
    for _ in range(rng.integers(0, 9)):
        side = rng.choice((-1, 1))
        place = (side * beside * rng.uniform(0.9, 1.35), rng.uniform(-0.3, 0.6) * sport.length, 0.0)
        _draw_sitting(sheet, place, rng, uniform if rng.random() < 0.3 else None)
    for _ in range(rng.integers(0, 8)):  # bags, boxes, bottles, towels
        side = rng.choice((-1, 1))
        x, y = side * beside * rng.uniform(0.75, 1.1), rng.uniform(-0.4, 0.5) * sport.length
        wide, deep, tall = rng.uniform(0.08, 0.5), rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.7)
        colour: Colour = (238, 238, 238) if rng.random() < 0.35 else _colour(rng.uniform(20, 230, 3))
        sheet.polygon([(x, y, 0), (x + wide, y, 0), (x + wide, y, tall), (x, y, tall)], _darker(colour, 0.75))
        sheet.level((x, x + wide), (y, y + deep), tall, colour)


def _draw_spare_balls(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw balls that nobody plays with, which lie on the floor and in boxes, and marks of their size."""
    sport, ball = scene.sport, scene.sport.ball
    beside, back = sport.width / 2 + sport.run_off[1], sport.length / 2 + sport.run_off[0]
    for _ in range(rng.integers(0, 9)):
        x, y = rng.uniform(-1.1, 1.1) * beside, rng.uniform(-0.62 * sport.length, back)
        on_court = abs(x) < sport.width / 2 + 1 and abs(y) < sport.length / 2 + 1
        # There is rarely one on the court; and a shuttlecock that lies there is the one of this rally, and labelled.
        if on_court and (ball.is_shuttle or rng.random() < 0.7):
            continue
        radius = 0.5 * ball.diameter * ball.apparent * scene.ball_scale
        place = np.array([x, y, radius])
        if not ball.is_shuttle:
            colour = scene.ball_colour if rng.random() < 0.7 else scene.palette.lines
            sheet.limb(tuple(place), tuple(place), radius, _darker(colour, rng.uniform(0.75, 1.0)))
            continue
        turn = rng.uniform(0, 2 * np.pi)
        rim = place - 1.8 * radius * np.array([np.cos(turn), np.sin(turn), 0.2])
        xy, scale = sheet.project([place, rim])
        skirt = _darker(scene.ball_colour, rng.uniform(0.7, 1.0))
        sheet.capsules(np.array([[*xy[0], 0.42 * radius * scale[0], *xy[1], radius * scale[1]]]), skirt)
        sheet.limb(tuple(place), tuple(place), 0.42 * radius, scene.ball_colour)


def _weathered(picture: UInt8Array, scene: Scene, rng: np.random.Generator) -> UInt8Array:
    """Return the picture with wear, stains and spots of light, as no surface is plain."""
    height, width = picture.shape[:2]
    unit = scene.recipe.size[0] / 640
    grain = rng.uniform(0.01, 0.035) * noise((width, height), finest=1, coarsest=32 * unit, rng=rng, falloff=0.5)
    cloud = rng.uniform(0.01, 0.05) * noise((width, height), finest=30 * unit, coarsest=240 * unit, rng=rng)
    light = 1 + grain + cloud
    glow = np.zeros((height, width), dtype=np.float32)
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    for _ in range(rng.integers(0, 7)):  # lamps that the floor mirrors
        x, y = rng.uniform(0, width), rng.uniform(0.3, 1) * height
        wide, high = rng.uniform(4, 40) * unit, rng.uniform(4, 60) * unit
        spot = np.exp(-0.5 * ((rows - y) / high) ** 2) * np.exp(-0.5 * ((columns - x) / wide) ** 2)
        glow += rng.uniform(4, 45) * spot
    dot = ImageDraw.Draw(marks := Image.new("L", (width, height)))
    for _ in range(rng.integers(0, 60)):  # scuffs, tape, litter
        x, y = rng.uniform(0, width), rng.uniform(0.35, 1) * height
        reach = rng.uniform(0.5, 9) * unit * np.array([1, 0.5])
        a, b = rng.normal(0, 1, 2) * reach
        dot.line(
            (x, y, x + a, y + b), fill=int(rng.integers(20, 150)), width=max(1, round(rng.uniform(0.4, 1.6) * unit))
        )
    tint = np.float32(rng.choice((235.0, 20.0)))
    share = np.asarray(marks, dtype=np.float32)[..., None] * np.float32(0.6 / 255)
    worn = picture * light[..., None] + glow[..., None]
    worn += share * (tint - worn)
    return np.asarray(np.clip(worn, 8, 246), dtype=np.uint8)


def _draw_specks(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw look-alikes on the floor: marks, tape and litter of the ball's size and often its colour."""
    sport = scene.sport
    beside, back = sport.width / 2 + sport.run_off[1], sport.length / 2 + sport.run_off[0]
    for _ in range(scene.difficulty.lookalikes):
        place = (rng.uniform(-1, 1) * beside, rng.uniform(-0.62 * sport.length, back), 0.0)
        size = 0.5 * sport.ball.diameter * sport.ball.apparent * rng.uniform(0.6, 1.0) * sheet.scale(place)
        wide, high = size * rng.uniform(0.8, 1.6), size * rng.uniform(0.4, 0.9)
        colour = scene.ball_colour if rng.random() < 0.5 else scene.palette.lines
        (x, y) = sheet.points([place])[0]
        sheet.pen.ellipse((x - wide, y - high, x + wide, y + high), fill=_darker(colour, rng.uniform(0.7, 0.95)))


def _lit(picture: UInt8Array, palette: Palette, rng: np.random.Generator) -> UInt8Array:
    """Return the picture under uneven light: a gradient, a vignette, and in the open often a shadow of the stands."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = rng.uniform(-0.08, 0.08, 2)
    light = 1 + slope[0] * columns + slope[1] * rows - rng.uniform(0.03, 0.12) * (columns**2 + rows**2)
    if not palette.is_indoor and rng.random() < 0.5:
        border = rng.uniform(-0.5, 0.7) + rng.uniform(-0.5, 0.5) * rows
        side = 1 if rng.random() < 0.5 else -1
        light *= 1 - rng.uniform(0.15, 0.3) * np.clip(side * (columns - border) * 40, 0, 1)
    return np.asarray(np.clip(picture * light[..., None], 14, 240), dtype=np.uint8)


# ------------------------------------------------------------------------------------- what hides what is behind


def _draw_net(sheet: _Sheet, scene: Scene, rng: np.random.Generator) -> None:
    """Draw the net with its tape and posts."""
    sport = scene.sport
    half, bottom = sport.net_width, sport.surface + sport.net_bottom
    columns = np.linspace(-half, half, 9).tolist()
    edge = [(x, 0.0, sport.net_height(x)) for x in columns]
    opacity = int(rng.integers(10, 80)) if scene.is_lifelike else 92
    sheet.polygon(edge + [(x, 0.0, bottom) for x in reversed(columns)], (14, 16, 20, opacity))
    thread = (10, 10, 14, 150 if not scene.is_lifelike else opacity)
    for x in np.arange(-half, half, 0.3 if sport.surface == 0 else 0.06).tolist():
        sheet.line([(x, 0, bottom), (x, 0, sport.net_height(x))], thread)
    for share in np.linspace(0, 1, 5).tolist():
        sheet.line([(x, y, bottom + share * (z - bottom)) for x, y, z in edge], thread)
    sheet.capsules(scene.net[2:], (52, 54, 60, 255))
    sheet.capsules(scene.net[:2], (236, 236, 232, 255))
    if sport.name == "tennis":
        strap = [(0, 0, 0), (0, 0, sport.net_height(0))]
        sheet.line(strap, (226, 226, 222, 255), 0.05 * sheet.scale((0, 0, 0)))


def _draw_table(sheet: _Sheet, scene: Scene) -> None:
    """Draw the table, with its shadow on the floor."""
    sport, palette = scene.sport, scene.palette
    half, end, top = sport.width / 2, sport.length / 2, sport.surface
    sheet.level((-half + 0.05, half + 0.05), (-end + 0.1, end + 0.1), 0, _darker(palette.surround, 0.62))
    for x in (-half + 0.2, half - 0.2):
        for y in (end - 0.35, -end + 0.35):
            sheet.line([(x, y, 0), (x, y, top)], _DARK_WOOD, 0.06 * sheet.scale((x, y, 0)))
    sheet.level((-half, half), (-end, end), top, palette.court)
    _draw_lines(sheet, scene)
    front = [(-half, -end, top), (half, -end, top), (half, -end, top - 0.05), (-half, -end, top - 0.05)]
    sheet.polygon(front, _darker(palette.court, 0.6))


# ------------------------------------------------------------------------------------------ letters and colours


def _sign(palette: Palette, aspect: float, rng: np.random.Generator) -> Image.Image:
    """Return an advertising board, RGBA: a made-up name on a plain ground, often with a dot or a ring as a logo."""
    ground = palette.boards[rng.integers(len(palette.boards))]
    ink: Colour = (236, 236, 236) if rng.random() < 0.75 else (240, 214, 60)
    high = 48
    sign = Image.new("RGBA", (round(high * aspect), high), ground)
    name = _lettering(made_up_name(rng), ink)
    scale = min(0.6 * high / name.height, 0.7 * sign.width / name.width)
    name = name.resize((round(name.width * scale), round(name.height * scale)), Image.Resampling.BILINEAR)
    left = (sign.width - name.width) // 2
    sign.paste(name, (left + 10, (high - name.height) // 2), name)
    if rng.random() < 0.5:
        dot = ink if rng.random() < 0.5 else None
        ImageDraw.Draw(sign).ellipse((left - 16, 14, left + 4, 34), fill=dot, outline=ink, width=4)
    return sign


def _lettering(text: str, ink: Colour) -> Image.Image:
    """Return a text as an RGBA picture, cut close."""
    font = ImageFont.load_default(40)
    left, top, right, bottom = (round(value) for value in font.getbbox(text))
    image = Image.new("RGBA", (right - left + 4, bottom - top + 4), (*ink, 0))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, font=font, fill=(*ink, 255))
    return image


def _homography(target: Array, source: Array) -> tuple[float, ...]:
    """Return Pillow's eight numbers that lead from four points of the target to four of the source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target.tolist(), source.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(values)).tolist())


def _colour(values: Array) -> Colour:
    red, green, blue = values.astype(int).tolist()
    return red, green, blue


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(share * value) for value in colour)
    return red, green, blue


def _lighter(colour: Colour, share: float) -> Colour:
    red, green, blue = (min(255, round(value + share * (255 - value))) for value in colour)
    return red, green, blue
