"""Labels drawn on frames: a contact sheet, and a video of each chosen clip."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import count as numbers_from
from pathlib import Path

import numpy as np
from PIL import Image

from tracknet_core.clips import clip_names
from tracknet_core.contracts import Clip, UInt8Array, Visibility, rescale
from tracknet_core.drawing import HIDDEN, PAPER, TRUTH, Colour, Point, caption, enlarge, ring, side_by_side, trail
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import new_folder
from tracknet_core.video import write_video

SHEET = "contact_sheet.png"

_COLUMNS = 2
_CUTOUT = 64  # pixels of the original video, around the ball
_ZOOM = 5
_HEIGHT = _CUTOUT * _ZOOM
_RING = 14  # radius in the cutout, in pixels of the original video: wide enough for a ball and its blur
_LINE = 1.5  # half the width of a ring on the sheet, in pixels
_TRAIL = 8  # frames
_GAP = 8
_LONGEST = 200  # bytes of a name of a file, without what is put around it
_GOLDEN = (5**0.5 - 1) / 2  # its multiples spread over 0..1 at every count


def write_preview(
    splits: Mapping[str, Sequence[Clip]], output: Path, *, count: int = 12, pattern: str | None = None
) -> list[Path]:
    """Write a contact sheet and videos into a new folder, and return the files.

    Args:
        splits: the clips of each split.
        output: folder that is new or empty.
        count: frames on the sheet, from as many clips.
        pattern: of the names of the clips that are looked at, each with a video; None looks at all, with a video of the
            first clip.

    Raises:
        ConfigError: the pattern matches no clip.
        DataError: no clip has a labelled ball, a clip cannot be read, or ``output`` is not empty.
    """
    chosen = _choose(splits, pattern)
    with new_folder(output) as folder:
        Image.fromarray(contact_sheet(chosen, count)).save(folder / SHEET)
        names = [SHEET]
        for clips, i in chosen[: None if pattern is not None else 1]:
            clip = clips[i]
            names.append(_video_name(clip.name, names))
            write_video(folder / names[-1], overlay_frames(clip), fps=clip.frames.fps)
    return [output / name for name in names]


def contact_sheet(clips: Sequence[tuple[Sequence[Clip], int]], count: int) -> UInt8Array:
    """Return a picture of labelled frames, each beside an enlarged cutout around the ball.

    Args:
        clips: where they are: a split and an index in it; only those that are drawn are opened.
        count: frames on the sheet, spread over the clips and over each of them.

    Raises:
        DataError: none of the clips has a labelled ball; a clip cannot be read.
    """
    picked = [clips[int(i)] for i in np.linspace(0, len(clips) - 1, min(count, len(clips))).round()]
    tiles: list[UInt8Array] = []
    for number, (split, i) in enumerate(picked):
        clip = split[i]
        wanted = count // len(picked) + (number < count % len(picked))
        placed = np.flatnonzero(np.isfinite(clip.xy).all(axis=1))
        at = (np.arange(wanted) + (number * _GOLDEN) % 1) / wanted * len(placed)
        frames = sorted({int(placed[int(position)]) for position in at}) if len(placed) else []
        tiles += [_tile(clip, n, f) for n, f in zip(frames, clip.frames.read(frames), strict=True)]
    if not tiles:
        raise DataError(f"no ball is labelled in {len(picked)} clips, such as {picked[0][0][picked[0][1]].name}.")
    return _grid(tiles)


def overlay_frames(clip: Clip) -> Iterator[UInt8Array]:
    """Yield every frame of a clip with its label, the places of the frames before, and what the label says.

    A visible ball has a ring, one that is said to be hidden a ring of another colour. Around a streak, it is drawn out.
    """
    places = [_place(clip, number) for number in range(len(clip))]
    for number, frame in enumerate(clip.frames.read(range(len(clip.frames)))):
        place = places[number]
        picture = trail(frame, places[max(0, number - _TRAIL) : number], clear=place)
        if place is not None:
            picture = ring(picture, place, half=_half(clip, number), colour=_colour(clip, number))
        yield caption(picture, _say(clip, number))


def _video_name(clip: str, taken: Collection[str]) -> str:
    """Return a name of a file that no other has, also where capitals do not count."""
    stem = clip.replace("/", "_")
    while len(stem.encode()) > _LONGEST:
        stem = stem[1:]  # the end of a name says most
    others = {name.casefold() for name in taken}
    names = (f"{stem}.mp4" if number == 1 else f"{number}_{stem}.mp4" for number in numbers_from(1))
    return next(name for name in names if name.casefold() not in others)


def _choose(splits: Mapping[str, Sequence[Clip]], pattern: str | None) -> list[tuple[Sequence[Clip], int]]:
    names = [(clips, i, name) for clips in splits.values() for i, name in enumerate(clip_names(clips))]
    chosen = [(clips, i) for clips, i, name in names if pattern is None or fnmatchcase(name, pattern)]
    if not chosen:
        offer = ", ".join(name for _, _, name in names[:3])
        raise ConfigError(f"--clip {pattern}: matches none of the {len(names)} clips, such as {offer}.")
    return chosen


def _tile(clip: Clip, number: int, frame: UInt8Array) -> UInt8Array:
    """Return the frame and the cutout, both of one height, with a caption."""
    x, y = (float(value) for value in clip.xy[number])
    colour, (along, down) = _colour(clip, number), _half(clip, number)
    scale = _HEIGHT / len(frame)
    small = np.array(Image.fromarray(frame).resize((round(frame.shape[1] * scale), _HEIGHT), Image.Resampling.BOX))
    half = (along * scale, down * scale)
    marked = ring(small, (rescale(x, scale), rescale(y, scale)), half=half, colour=colour, half_width=_LINE)
    left, top = round(x) - _CUTOUT // 2, round(y) - _CUTOUT // 2
    padded = np.pad(frame, ((_CUTOUT, _CUTOUT), (_CUTOUT, _CUTOUT), (0, 0)))
    cutout = enlarge(padded[top + _CUTOUT :, left + _CUTOUT :][:_CUTOUT, :_CUTOUT], _ZOOM)
    centre = (rescale(x - left, _ZOOM), rescale(y - top, _ZOOM))
    half = (along * _ZOOM, down * _ZOOM)
    cutout = ring(cutout, centre, half=half, radius=_RING * _ZOOM, colour=colour, half_width=_LINE)
    return caption(side_by_side([marked, cutout]), _say(clip, number))


def _grid(tiles: Sequence[UInt8Array]) -> UInt8Array:
    width = max(tile.shape[1] for tile in tiles)
    height = max(len(tile) for tile in tiles)
    rows = -(-len(tiles) // _COLUMNS)
    columns = min(_COLUMNS, len(tiles))
    sheet: UInt8Array = np.empty((rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), dtype=np.uint8)
    sheet[:] = PAPER
    for position, tile in enumerate(tiles):
        top = _GAP + position // _COLUMNS * (height + _GAP)
        left = _GAP + position % _COLUMNS * (width + _GAP)
        sheet[top : top + len(tile), left : left + tile.shape[1]] = tile
    return sheet


def _place(clip: Clip, number: int) -> Point | None:
    x, y = (float(value) for value in clip.xy[number])
    return (x, y) if np.isfinite((x, y)).all() else None


def _half(clip: Clip, number: int) -> Point:
    """Return the way from the middle of a streak to its last end, in pixels; (0, 0) of a plain ball."""
    x, y = (float(value) for value in clip.labels.points[number][-1] - clip.xy[number])
    return x, y


def _colour(clip: Clip, number: int) -> Colour:
    return TRUTH if Visibility(clip.visibility[number]).is_visible else HIDDEN


def _say(clip: Clip, number: int) -> str:
    code = Visibility(clip.visibility[number])
    return f"{clip.name}   frame {number}   visibility {code.value} {code.name.lower()}"
