"""From any reader into the layout of TrackNetV3: ``{train,val,test}/match*/{csv,video}``, without loss for labels.

The columns ``Frame,Visibility,X,Y`` say what that layout can say, and are all that TrackNetV3's own code looks at: it
takes ``X = Y = 0`` for "no ball", reads ``corrected_csv`` for the test split, and needs a whole number in the name of a
match. More stands in further columns, which the reader :mod:`.shuttlecock` reads: ``Code``, the code of
:class:`~tracknet_core.contracts.Visibility`; ``HiddenX,HiddenY``, the estimated place of an occluded ball; and of a
streak, whose middle is the place, ``Length,Angle``, as the writer ``csv`` has them. A frame without a label has no row.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from tracknet_core.clips import clip_names
from tracknet_core.contracts import Clip, FrameSource, Visibility
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import LONGEST_FILE_NAME, new_folder
from tracknet_core.row_file import length_and_angle
from tracknet_core.video import write_video

SPLITS = ("train", "val", "test")
COLUMNS = ("Frame", "Visibility", "X", "Y", "Code", "HiddenX", "HiddenY")
STREAK_COLUMNS = ("Length", "Angle")
"""Further ones of clips whose labels are streaks."""
NAMES = "clips.csv"
"""Which clip became which rally."""

_TABLE = "_ball.csv"


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote.

    Attributes:
        output: the folder.
        rallies: name of each clip and the path of its rally below ``output``; a clip whose frames are drawn for several
            splits is in each.
        linked: videos that are the original file.
        unlabelled: names of clips without any label, which were left out.
    """

    output: Path
    rallies: list[tuple[str, str]]
    linked: int
    unlabelled: list[str]

    def as_text(self) -> str:
        """Return what a person wants to know."""
        rallies = "1 rally" if len(self.rallies) == 1 else f"{len(self.rallies)} rallies"
        lines = [f"{self.output}: {rallies}, {self.linked} of them as the original video file; see {NAMES}."]
        if self.unlabelled:
            lines.append(f"Left out, since no frame has a label: {', '.join(self.unlabelled)}.")
        return "\n".join(lines)


def convert(
    splits: Mapping[str, Sequence[Clip]],
    output: Path,
    *,
    frames: Literal["video", "images"] = "video",
    crf: int = 18,
    on_clip: Callable[[str], None] | None = None,
) -> Converted:
    """Write clips in the layout of TrackNetV3.

    A clip ``game3/Clip1`` becomes ``match3/Clip1``. Where matches of a split have no number at the end of their name,
    or share one, all are numbered in their order.

    Args:
        splits: the clips of each split; its name is ``train``, ``val`` or ``test``.
        output: folder that is new or empty.
        frames: ``video`` gives mp4: the original file where a clip is the whole of one, linked if the disk can, copied
            otherwise; encoded where it is not. ``images`` gives ``frame/<rally>/0.png`` and so on, without any loss.
        crf: x264's constant rate factor of what is encoded, 0 (lossless but for colours in 4:2:0) to 51.
        on_clip: is called with the name of each clip when it has been written.

    Raises:
        ConfigError: the layout has no such split.
        DataError: ``output`` is not empty, two clips would become one rally, or a clip cannot be read.
    """
    unknown = [split for split in splits if split not in SPLITS]
    if unknown:
        raise ConfigError(
            f"data.split: the layout has no split '{unknown[0]}', only {', '.join(SPLITS)}. Set data.split to patterns "
            "of clip names for these, or write one with `tracknet data split`."
        )
    rallies: list[tuple[str, str]] = []
    unlabelled: list[str] = []
    linked = 0
    with new_folder(output) as folder:
        for split, clips in splits.items():
            targets = rally_paths(split, clip_names(clips))
            for clip in clips:
                if (clip.visibility == Visibility.UNLABELLED).all():
                    unlabelled.append(clip.name)
                else:
                    target = targets[clip.name]
                    rallies.append((clip.name, target))
                    match, rally = (folder / target).parent, Path(target).name
                    _write_labels(clip, match / "csv" / f"{rally}{_TABLE}")
                    if split == "test":
                        _write_labels(clip, match / "corrected_csv" / f"{rally}{_TABLE}")
                    if frames == "images":
                        _write_images(clip.frames, match / "frame" / rally)
                    else:
                        linked += _write_video(clip.frames, match / "video" / f"{rally}.mp4", crf)
                if on_clip is not None:
                    on_clip(clip.name)
        with (folder / NAMES).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("clip", "rally"), *rallies])
    return Converted(output, rallies, linked, unlabelled)


def rally_paths(split: str, names: Sequence[str]) -> dict[str, str]:
    """Return ``<split>/match<number>/<rally>`` for each clip name of a split.

    Raises:
        DataError: two clips would become one rally, also where capitals do not count; or the name of a file would be
            too long.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rpartition("/")[0] or name, []).append(name)
    endings = [re.search(r"(?<!\d)\d{1,9}$", group) for group in groups]
    numbers = [int(ending.group()) for ending in endings if ending]
    if len(set(numbers)) < len(groups):
        numbers = list(range(1, len(groups) + 1))
    paths = {
        name: f"{split}/match{number}/{name.rpartition('/')[2]}"
        for number, group in zip(numbers, groups.values(), strict=True)
        for name in group
    }
    taken: dict[str, str] = {}
    for name, path in paths.items():
        table = f"{Path(path).name}{_TABLE}"
        if len(table.encode()) > LONGEST_FILE_NAME:
            raise DataError(
                f"{name}: its label file would be called {table}, more than {LONGEST_FILE_NAME} bytes. Rename the clip."
            )
        other = taken.setdefault(path.casefold(), name)
        if other != name:
            capitals = "" if paths[other] == path else ", where capitals do not count"
            raise DataError(f"{name} and {other} would both become {path}{capitals}. Rename one of them.")
    return paths


def _write_labels(clip: Clip, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    points = clip.labels.points  # (F, Q, 2)
    has_streaks = points.shape[1] > 1
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS + STREAK_COLUMNS * has_streaks)
        for number, (place, code) in enumerate(zip(clip.xy, clip.visibility, strict=True)):
            visibility = Visibility(code)
            if visibility is not Visibility.UNLABELLED:
                # numpy's text of a float32 is the shortest that reads back as the same number.
                x, y = (str(value) for value in place)
                seen = ("1", x, y) if visibility.is_visible else ("0", "0", "0")
                placed = bool(np.isfinite(place).all())
                hidden = (x, y) if placed and visibility is Visibility.OCCLUDED else ("", "")
                streak = (length_and_angle(points[number].tolist()) if placed else ("", "")) if has_streaks else ()
                writer.writerow((number, *seen, visibility.value, *hidden, *streak))


def _write_images(frames: FrameSource, folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames.read(range(len(frames)))):
        Image.fromarray(frame).save(folder / f"{number}.png", compress_level=3)


def _write_video(frames: FrameSource, target: Path, crf: int) -> bool:
    """Return whether the video is the original file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    original = _whole_file(frames)
    if original is None:
        write_video(target, frames.read(range(len(frames))), fps=frames.fps, crf=crf, preset="medium")
        return False
    try:
        os.link(original, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(original, target)
    return True


def _whole_file(frames: FrameSource) -> Path | None:
    """Return the mp4 file that the frames are the whole of, if there is one."""
    path = frames.video
    if path is None or path.suffix.lower() != ".mp4" or not len(frames):  # len raises DataError for a broken file
        return None
    return path.resolve()
