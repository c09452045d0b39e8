"""What the command ``predict`` is to go through: the clips that its arguments mean, and where each one's outputs go."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.overlay import overlay_path
from tracknet_core.playback import LiveFrames
from tracknet_core.video import ImageFrames, VideoFrames, image_files, natural_order
from tracknet_core.writers import part_of

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"})
"""What is taken out of a folder; a file that is named may have any suffix."""


@dataclass(frozen=True)
class Job:
    """A clip to go through.

    Attributes:
        name: how messages call it.
        source: its frames.
        video: its file; None for images and streams.
        rows: where its rows go.
        overlay: where its overlay goes, or None.
    """

    name: str
    source: FrameSource | LiveFrames
    video: Path | None
    rows: Path
    overlay: Path | None


def find_jobs(options: argparse.Namespace) -> list[Job]:
    """Return what is left to do.

    Args:
        options: of the command line.

    Raises:
        ConfigError: an option does not fit.
        DataError: there is nothing at a path, or an output exists.
    """
    if not options.fps > 0:
        raise ConfigError(f"--fps {options.fps:g}: give frames per second, greater than 0.")
    inputs = list(dict.fromkeys(found for text in options.videos for found in _expanded(text)))
    names = _names(inputs)
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(
                f"{options.output / name}.{options.format}: {count} inputs would write this. Give one of them."
            )
    jobs = []
    for given, name in zip(inputs, names, strict=True):
        source: FrameSource | LiveFrames
        video = None
        if isinstance(given, str):
            source = LiveFrames(given)
        elif given.is_dir():
            source = ImageFrames(image_files(given), fps=options.fps)
        else:
            # More threads than one, since no other clip is decoded beside it.
            source, video = VideoFrames(given, thread_count=0), given
        if options.overlay and isinstance(source, LiveFrames):
            raise ConfigError(f"--overlay: {given} is a stream, whose pictures come once. Record it to a file first.")
        rows = options.output / f"{name}.{options.format}"
        overlay = overlay_path(options.output, name, video) if options.overlay else None
        if not (options.resume and rows.exists()):
            _check_free(rows, overlay, options)
            jobs.append(Job(str(given), source, video, rows, overlay))
    return jobs


def _expanded(text: str) -> list[Path | str]:
    """Return the clips that an argument means: paths of videos and folders of images, and addresses of streams."""
    if LiveFrames.is_address(text):
        return [text]
    path = Path(text).expanduser()
    # Not Path.glob, which refuses absolute patterns.
    paths = [path] if path.exists() else [Path(name) for name in glob(str(path), recursive=True)]  # noqa: PTH207
    found: list[Path] = []
    for one in sorted(paths, key=_by_all_parts):
        if one.is_dir() and not image_files(one):
            videos = [file for file in one.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES]
            found += sorted(videos, key=_by_all_parts)
        else:
            found.append(one)
    if not found:
        what = "no image and no video in this folder" if path.is_dir() else "no such video, folder or pattern"
        raise DataError(f"{text}: {what}. Give videos, folders of jpg or png, patterns such as 'games/*.mp4', or URLs.")
    return list(found)


def _names(inputs: Sequence[Path | str]) -> list[str]:
    """Return the names of outputs: the stem of each input; where two share it, the paths below their common folder."""
    stems = [_stem(given) for given in inputs]
    twice = {stem for stem, count in Counter(stems).items() if count > 1}
    if not twice:
        return stems
    absolute = [given.absolute() for given in inputs if isinstance(given, Path)]
    above = Path(os.path.commonpath([path.parent for path in absolute]))
    return [
        str(given.absolute().relative_to(above).with_name(stem)) if isinstance(given, Path) else stem
        for given, stem in zip(inputs, stems, strict=True)
    ]


def _stem(given: Path | str) -> str:
    if isinstance(given, Path):
        return given.name if given.is_dir() else given.stem
    return Path(given.split("?")[0].rstrip("/")).stem or "stream"


def _check_free(rows: Path, overlay: Path | None, options: argparse.Namespace) -> None:
    if options.overwrite:
        return
    for path in (rows, overlay):
        if path is not None and path.exists() and not options.resume:
            raise DataError(f"{path}: exists already. Give another --output, or --overwrite to replace it.")
    if part_of(rows).exists() and not options.resume:
        raise DataError(
            f"{part_of(rows)}: an interrupted run left this. --resume goes on with it, --overwrite starts afresh."
        )


def _by_all_parts(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(Path(part)) for part in path.parts]
