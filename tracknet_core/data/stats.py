"""Visibility, speed, size and place of the ball in a data set, as numbers and as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tracknet_core.contracts import Clip, Visibility
from tracknet_core.data.ball_size import ball_areas
from tracknet_core.drawing import HEAT, INK, PAPER, TRUTH
from tracknet_core.files import new_folder

SPEED_EDGES = (0, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240)
"""Pixels of the original video per frame; one more bin holds what is faster."""

AREA_EDGES = (0, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
"""Pixels of the original video; one more bin holds what is larger."""

CELLS = (48, 27)
"""Columns and rows of the heat map."""

SAMPLES = 20
"""Frames of a clip whose ball is measured, at most."""

_VISIBLE = [code for code in Visibility if code.is_visible]


@dataclass
class SplitFigures:
    """What was counted in one split.

    Attributes:
        clips: number of clips.
        visibility: frames of each code.
        speeds: from each visible ball to the next frame's, in pixels of the original video.
        areas: of the ball with its blur, in pixels of the original video, where it could be measured.
        places: (rows, columns) visible balls in each cell of a grid over the image.
    """

    clips: int = 0
    visibility: dict[Visibility, int] = field(default_factory=lambda: dict.fromkeys(Visibility, 0))
    speeds: list[float] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    places: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(CELLS[::-1], dtype=np.int64))

    def add(self, clip: Clip) -> None:
        """Count a clip.

        Raises:
            DataError: a frame cannot be read.
        """
        self.clips += 1
        for code in Visibility:
            self.visibility[code] += int((clip.visibility == code).sum())
        # `check` tells of a visible ball without a place.
        visible = np.isin(clip.visibility, _VISIBLE) & np.isfinite(clip.xy).all(axis=1)
        steps = np.linalg.norm(np.diff(clip.xy, axis=0), axis=1)[visible[1:] & visible[:-1]]
        self.speeds += [float(step) for step in steps]
        self.areas += ball_areas(clip, SAMPLES)
        shares = (clip.xy[visible] + 0.5) / np.array(clip.frames.size)
        columns, rows = np.clip(shares * np.array(CELLS), 0, np.array(CELLS) - 1).astype(int).T
        np.add.at(self.places, (rows, columns), 1)

    def __add__(self, other: SplitFigures) -> SplitFigures:
        """Return the figures of both together."""
        return SplitFigures(
            self.clips + other.clips,
            {code: self.visibility[code] + other.visibility[code] for code in Visibility},
            self.speeds + other.speeds,
            self.areas + other.areas,
            self.places + other.places,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON; quantiles of nothing are None."""
        return {
            "clips": self.clips,
            "frames": sum(self.visibility.values()),
            "visibility": {code.name.lower(): number for code, number in self.visibility.items()},
            "speed_px_per_frame": _describe(self.speeds, SPEED_EDGES),
            "ball_area_px": _describe(self.areas, AREA_EDGES),
            "positions": {"columns": CELLS[0], "rows": CELLS[1], "counts": self.places.tolist()},
        }


@dataclass(frozen=True)
class Statistics:
    """The figures of each split."""

    splits: Mapping[str, SplitFigures]

    @property
    def total(self) -> SplitFigures:
        """All splits together."""
        return sum(self.splits.values(), SplitFigures())

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "total": self.total.as_dict(),
            "splits": {name: figures.as_dict() for name, figures in self.splits.items()},
        }

    def as_text(self) -> str:
        """Return a table: a column for each split, and one for all together."""
        columns = {**self.splits, "total": self.total}
        rows: dict[str, list[str]] = {"": list(columns)}
        rows["clips"] = [str(figures.clips) for figures in columns.values()]
        for code in Visibility:
            rows[f"frames {code.name.lower()}"] = [str(figures.visibility[code]) for figures in columns.values()]
        for title, values in (
            ("speed, px/frame", [figures.speeds for figures in columns.values()]),
            ("area of the ball, px", [figures.areas for figures in columns.values()]),
        ):
            rows[f"{title}: median"] = [_quantile_text(of, 0.5) for of in values]
            rows[f"{title}: 95 %"] = [_quantile_text(of, 0.95) for of in values]
            rows[f"{title}: measured"] = [str(len(of)) for of in values]
        wide = max(map(len, rows))
        return "\n".join(f"{name:{wide}}" + "".join(f"{cell:>12}" for cell in cells) for name, cells in rows.items())


def gather_statistics(
    splits: Mapping[str, Sequence[Clip]], *, on_clip: Callable[[str], None] | None = None
) -> Statistics:
    """Count every clip of every split.

    Args:
        splits: the clips of each split.
        on_clip: is called with the name of each clip when it has been counted.

    Raises:
        DataError: a clip cannot be read.
    """
    figures = {split: SplitFigures() for split in splits}
    for split, clips in splits.items():
        for clip in clips:
            figures[split].add(clip)
            if on_clip is not None:
                on_clip(clip.name)
    return Statistics(figures)


def write_statistics(statistics: Statistics, output: Path) -> list[Path]:
    """Write ``stats.json`` and ``stats.png`` into a new folder, and return the files.

    Raises:
        DataError: ``output`` is not empty.
    """
    with new_folder(output) as folder:
        text = json.dumps(statistics.as_dict(), separators=(",", ":"))
        (folder / "stats.json").write_text(text + "\n", encoding="utf-8")
        chart(statistics).save(folder / "stats.png")
    return [output / "stats.json", output / "stats.png"]


def _describe(values: Sequence[float], edges: Sequence[int]) -> dict[str, Any]:
    return {
        "measured": len(values),
        "median": _quantile(values, 0.5),
        "p95": _quantile(values, 0.95),
        "max": _quantile(values, 1),
        "edges": list(edges),
        "counts": _histogram(values, edges),
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.quantile(values, share)), 3) if len(values) else None


def _quantile_text(values: Sequence[float], share: float) -> str:
    value = _quantile(values, share)
    return "-" if value is None else f"{value:.1f}"


def _histogram(values: Sequence[float], edges: Sequence[int]) -> list[int]:
    return [int(number) for number in np.histogram(values, [*edges, np.inf])[0]]


# -------------------------------------------------------------------------------------------- the picture

_PANEL = (640, 360)
_MARGIN = 24
_TITLE = 32


def chart(statistics: Statistics) -> Image.Image:
    """Return the figures of all splits together, as four panels."""
    total = statistics.total
    visibility = {f"{code.value} {code.name.lower()}": number for code, number in total.visibility.items()}
    panels = (
        ("Frames by visibility", _bars(list(visibility), list(visibility.values()))),
        ("Where the visible ball is (share of the image, logarithmic)", _heat_map(total.places)),
        (
            f"Speed, px/frame: median {_quantile_text(total.speeds, 0.5)}, 95 % {_quantile_text(total.speeds, 0.95)}",
            _bars(_bin_names(SPEED_EDGES), _histogram(total.speeds, SPEED_EDGES)),
        ),
        (
            f"Area of the ball, px: median {_quantile_text(total.areas, 0.5)} ({len(total.areas)} measured)",
            _bars(_bin_names(AREA_EDGES), _histogram(total.areas, AREA_EDGES)),
        ),
    )
    width, height = _PANEL[0] + _MARGIN, _PANEL[1] + _TITLE + _MARGIN
    picture = Image.new("RGB", (2 * width + _MARGIN, 2 * height + _MARGIN), PAPER)
    draw = ImageDraw.Draw(picture)
    for position, (title, panel) in enumerate(panels):
        left, top = _MARGIN + position % 2 * width, _MARGIN + position // 2 * height
        draw.text((left, top), title, INK, ImageFont.load_default(18))
        picture.paste(panel, (left, top + _TITLE))
    return picture


def _bin_names(edges: Sequence[int]) -> list[str]:
    return [f"{edge}+" for edge in edges]


def _bars(names: Sequence[str], values: Sequence[int]) -> Image.Image:
    """Return one bar for each name, with its value above."""
    panel = Image.new("RGB", _PANEL, PAPER)
    draw = ImageDraw.Draw(panel)
    font = ImageFont.load_default(14)
    slot = _PANEL[0] / len(names)
    floor, ceiling = _PANEL[1] - 24, 24
    for position, (name, value) in enumerate(zip(names, values, strict=True)):
        middle = (position + 0.5) * slot
        top = floor - (floor - ceiling) * value / max(1, *values)
        draw.rectangle((middle - 0.4 * slot, top, middle + 0.4 * slot, floor), TRUTH)
        draw.text((middle, top - 4), str(value), INK, font, anchor="mb")
        draw.text((middle, floor + 6), name, INK, font, anchor="mt")
    return panel


def _heat_map(places: npt.NDArray[np.int64]) -> Image.Image:
    levels = np.log1p(places) / max(np.log1p(places.max()), 1e-9)
    colours = HEAT[(255 * levels).round().astype(int)]
    colours[places == 0] = PAPER
    panel = Image.fromarray(colours).resize(_PANEL, Image.Resampling.NEAREST)
    ImageDraw.Draw(panel).rectangle((0, 0, _PANEL[0] - 1, _PANEL[1] - 1), outline=INK)
    return panel
