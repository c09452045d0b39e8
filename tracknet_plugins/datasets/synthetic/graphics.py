"""What a broadcaster lays over the picture: scores, captions, clocks, the channel's logo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import Size, UInt8Array
from tracknet_plugins.datasets.synthetic.names import made_up_name
from tracknet_plugins.datasets.synthetic.sports import Colour

Subject = Literal["score", "caption", "clock", "logo"]


@dataclass(frozen=True)
class Slot:
    """Where and when something lies over the picture.

    Attributes:
        subject: what it is.
        box: left, top, right and bottom (exclusive), in pixels.
        first: number of the first frame that shows it.
        last: number of the first one after it that does not.
        opacity: 0..1.
        changes: numbers of the frames in which its figures change.
    """

    subject: Subject
    box: tuple[int, int, int, int]
    first: int
    last: int
    opacity: float
    changes: tuple[int, ...]


class Graphic:
    """The pictures of a slot.

    Args:
        slot: where it goes.
        pictures: (h, w, 4) RGB and opacity, one more than the slot has changes.
    """

    def __init__(self, slot: Slot, pictures: list[UInt8Array]) -> None:
        self._slot = slot
        self._layers = []
        for picture in pictures:
            opacity = np.round(picture[..., 3:] * (slot.opacity * 256 / 255)).astype(np.uint16)
            self._layers.append((picture[..., :3] * opacity, 256 - opacity))

    def paint(self, frame: UInt8Array, number: int) -> None:
        """Lay it over a frame, if it is its time."""
        if self._slot.first <= number < self._slot.last:
            left, top, right, bottom = self._slot.box
            over, under = self._layers[sum(change <= number for change in self._slot.changes)]
            place = frame[top:bottom, left:right]
            place[...] = (over + place * under) >> 8


def choose_slots(size: Size, frames: int, rng: np.random.Generator) -> tuple[Slot, ...]:
    """Return what lies over a clip of so many frames, of any kind and in any corner."""
    unit = size[0] / 640
    slots: list[Slot] = []

    def add(subject: Subject, wide: float, high: float, corner: int, opacity: float, *, always: bool) -> None:
        width, height = round(wide * unit), round(high * unit)
        left = rng.uniform(8, 110) if wide < 300 else 320 - wide / 2
        from_left, from_top = round(left * unit), round(rng.uniform(8, 30) * unit)
        x = from_left if corner % 2 == 0 else size[0] - from_left - width
        y = from_top if corner < 2 else size[1] - from_top - height
        first = 0 if always or rng.random() < 0.5 else int(rng.integers(frames))
        last = frames if always or rng.random() < 0.5 else int(rng.integers(first, frames) + 1)
        if subject == "clock":
            ticks = range(int(rng.integers(1, 30)), frames, 30 if rng.random() < 0.7 else 3)
            changes = tuple(ticks)[:40]
        else:
            changes = (int(rng.integers(1, frames)),) if rng.random() < 0.3 else ()
        slots.append(Slot(subject, (x, y, x + width, y + height), first, last, opacity, changes))

    if rng.random() < 0.8:
        add("score", rng.uniform(90, 150), rng.uniform(20, 32), int(rng.choice((0, 0, 2, 1))), 1.0, always=True)
    if rng.random() < 0.35:
        wide = rng.uniform(80, 170) if rng.random() < 0.7 else rng.uniform(300, 480)
        add("caption", wide, rng.uniform(14, 40), int(rng.choice((2, 3, 3))), rng.uniform(0.75, 1.0), always=False)
    if rng.random() < 0.5:
        add(
            "logo",
            rng.uniform(20, 60),
            rng.uniform(12, 30),
            int(rng.choice((1, 1, 3))),
            rng.uniform(0.3, 1.0),
            always=True,
        )
    if rng.random() < 0.2:
        add("clock", rng.uniform(30, 50), rng.uniform(9, 14), int(rng.choice((0, 1, 2, 3))), 1.0, always=True)
    return tuple(slots)


def draw_graphic(slot: Slot, rng: np.random.Generator) -> Graphic:
    """Draw the pictures of a slot."""
    left, top, right, bottom = slot.box
    draw = {"score": _score, "caption": _caption, "clock": _clock, "logo": _logo}[slot.subject]
    look = int(rng.integers(2**31))
    pictures = []
    for number in range(len(slot.changes) + 1):
        image = Image.new("RGBA", (2 * (right - left), 2 * (bottom - top)), (0, 0, 0, 0))
        # The same colours and names every time, other figures.
        draw(image, np.random.default_rng(look), number)
        pictures.append(np.asarray(image.reduce(2)))
    return Graphic(slot, pictures)


def _score(image: Image.Image, rng: np.random.Generator, number: int) -> None:
    """Two rows: flag, name, games, points; a picture before them on some."""
    pen, (width, height) = ImageDraw.Draw(image), image.size
    ground, ink = _ground_and_ink(rng)
    pen.rectangle((0, 0, width, height), fill=ground)
    start = 0.0
    if rng.random() < 0.5:
        start = float(height)
        pen.rectangle((0, 0, height, height), fill=(250, 250, 250))
        _emblem(pen, (0.1 * height, 0.1 * height, 0.9 * height, 0.9 * height), rng)
    columns = int(rng.integers(1, 4))
    accents = [_any_colour(rng) for _ in range(2)]
    points = rng.integers(0, 21, (2, columns))
    points[number % 2, -1] += number
    for row in range(2):
        y, half = row * height / 2, height / 2
        font = ImageFont.load_default(0.74 * half)
        x = start + 0.15 * half
        if rng.random() < 0.7:
            _flag(pen, (x, y + 0.18 * half, x + half, y + 0.82 * half), rng)
            x += 1.3 * half
        pen.text((x, y + half / 2), made_up_name(rng)[:9], font=font, fill=ink, anchor="lm")
        for column in range(columns):
            right = width - (columns - 1 - column) * half
            is_last = column == columns - 1
            if is_last:
                pen.rectangle(
                    (right - half, y + 2, right, y + half - 2), fill=accents[0] if rng.random() < 0.7 else ink
                )
            text = str(points[row, column])
            fill = (250, 250, 250) if is_last else ink
            pen.text((right - half / 2, y + half / 2), text, font=font, fill=fill, anchor="mm")
        if rng.random() < 0.4:
            edge = width - columns * half - 4
            pen.rectangle((edge - 5, y + 3, edge, y + half - 3), fill=accents[1])


def _caption(image: Image.Image, rng: np.random.Generator, number: int) -> None:
    """Words on a ground, with a line below on some."""
    pen, (width, height) = ImageDraw.Draw(image), image.size
    ground, ink = _ground_and_ink(rng)
    pen.rectangle((0, 0, width, height), fill=ground)
    if rng.random() < 0.5:
        pen.rectangle((0, 0.86 * height, width, height), fill=_any_colour(rng))
    rows = 2 if height > 0.25 * width else 1
    for row in range(rows):
        text = " ".join(made_up_name(rng) for _ in range(rng.integers(2, 4))) + f" {rng.integers(1, 99) + number}"
        font = ImageFont.load_default(0.6 * height / rows)
        pen.text((0.04 * width, (row + 0.45) * height / rows), text, font=font, fill=ink, anchor="lm")


def _clock(image: Image.Image, rng: np.random.Generator, number: int) -> None:
    """Minutes and seconds, or seconds and their hundredths."""
    pen, (width, height) = ImageDraw.Draw(image), image.size
    ground, ink = _ground_and_ink(rng)
    if rng.random() < 0.7:
        pen.rectangle((0, 0, width, height), fill=ground)
    time = int(rng.integers(0, 5000)) + number
    text = f"{time // 60:02d}:{time % 60:02d}"
    pen.text((width / 2, height / 2), text, font=ImageFont.load_default(0.8 * height), fill=ink, anchor="mm")


def _logo(image: Image.Image, rng: np.random.Generator, number: int) -> None:
    """An emblem, or a few letters."""
    del number
    pen, (width, height) = ImageDraw.Draw(image), image.size
    if rng.random() < 0.4:
        side = min(width, height)
        _emblem(pen, (0, 0, side, side), rng)
        return
    text = made_up_name(rng)[: rng.integers(2, 5)]
    size = min(0.9 * height, 1.4 * width / len(text))
    pen.text((width / 2, height / 2), text, font=ImageFont.load_default(size), fill=(244, 244, 244), anchor="mm")


def _emblem(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    """Draw a ring, a disc with dots around, or a polygon."""
    left, top, right, bottom = box
    colour = _any_colour(rng) if rng.random() < 0.7 else (250, 250, 250)
    kind = rng.integers(3)
    if kind == 0:
        pen.ellipse(box, outline=colour, width=max(2, round(0.15 * (right - left))))
    elif kind == 1:
        middle, radius = np.array([(left + right) / 2, (top + bottom) / 2]), (right - left) / 2
        for angle in np.linspace(0, 2 * np.pi, int(rng.integers(5, 11)), endpoint=False).tolist():
            x, y = (middle + 0.75 * radius * np.array([np.cos(angle), np.sin(angle)])).tolist()
            pen.ellipse((x - 0.2 * radius, y - 0.2 * radius, x + 0.2 * radius, y + 0.2 * radius), fill=colour)
    else:
        corners = rng.uniform((left, top), (right, bottom), (int(rng.integers(3, 6)), 2))
        pen.polygon([(x, y) for x, y in corners.tolist()], fill=colour)


def _flag(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    left, top, right, bottom = box
    if rng.random() < 0.3:
        pen.rectangle(box, fill=(248, 248, 248))
        x, y, radius = (left + right) / 2, (top + bottom) / 2, 0.3 * (bottom - top)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_any_colour(rng))
        return
    is_upright = rng.random() < 0.5
    for part in range(3):
        low, high = part / 3, (part + 1) / 3
        stripe = (
            (left + low * (right - left), top, left + high * (right - left), bottom)
            if is_upright
            else (left, top + low * (bottom - top), right, top + high * (bottom - top))
        )
        pen.rectangle(stripe, fill=_any_colour(rng) if rng.random() < 0.7 else (248, 248, 248))


def _ground_and_ink(rng: np.random.Generator) -> tuple[Colour, Colour]:
    if rng.random() < 0.45:
        grey = int(rng.integers(190, 246))
        return (grey, grey, grey), (20, 20, 26)
    red, green, blue = (int(0.4 * value) for value in _any_colour(rng))
    return (red, green, blue), (246, 246, 246)


def _any_colour(rng: np.random.Generator) -> Colour:
    red, green, blue = rng.integers(10, 246, 3).tolist()
    return red, green, blue
