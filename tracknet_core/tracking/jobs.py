"""What the command ``predict`` is to go through: the clips that its arguments mean, and where each one's outputs go."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path
from typing import Literal

from tracknet_core.components import build
from tracknet_core.contracts import ClipFacts, FrameSource, LiveSource, Writer
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.files import LONGEST_FILE_NAME, check_folder
from tracknet_core.schema import Node
from tracknet_core.video import IMAGE_SUFFIXES, ImageFrames, LiveFrames, VideoFrames, image_files, natural_order

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".ts", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"})
"""What is taken out of a folder; a file that is named may have any suffix."""

LOWEST_FPS = 0.01

_LONGEST_NAME = LONGEST_FILE_NAME - len(".part")  # bytes of the name of an output, which grows beside its place

Existing = Literal["refuse", "resume", "overwrite"]
"""What becomes of outputs that exist: they are an error; finished ones are skipped and begun ones gone on with; or they
are replaced."""


@dataclass(frozen=True)
class Job:
    """A clip to go through.

    Attributes:
        name: how messages call it.
        source: its frames.
        writers: what becomes of it.
        resume: go on with what an interrupted run left, if there is anything.
    """

    name: str
    source: FrameSource | LiveSource
    writers: tuple[Writer, ...]
    resume: bool


def find_jobs(
    videos: Sequence[str],
    output: Path,
    *,
    fps: float,
    writers: Mapping[str, Node],
    points: int = 1,
    existing: Existing = "refuse",
    tell: Callable[[str], object] = lambda _text: None,
) -> list[Job]:
    """Return what is left to do.

    Args:
        videos: videos, folders, patterns and addresses of streams.
        output: folder of the outputs.
        fps: frames per second of folders of images.
        writers: validated nodes of what becomes of each clip, by the options that ask for them.
        points: Q, points of a ball: what the network finds.
        existing: what becomes of outputs that exist.
        tell: is called with each clip that is skipped, since its outputs are complete.

    Raises:
        ConfigError: an option does not fit.
        DataError: there is nothing at a path, what is there is not clear, or an output exists.
    """
    check_fps(fps)
    check_folder(output)
    found = _found(videos)
    names = _names(list(found))
    _check_names(names, list(found.values()), output)
    inputs = {place.resolve() for place in found if isinstance(place, Path)}
    jobs = []
    for given, name in zip(found.values(), names, strict=True):
        source = _source(given, fps)
        if source.is_live and existing == "resume":
            raise ConfigError(f"--resume: {given} is a stream, which does not come again. Give another --output.")
        clip = ClipFacts(str(given), output / name, source, points)
        built: tuple[Writer, ...] = tuple(build("writers", node, option, clip=clip) for option, node in writers.items())
        paths = [path for writer in built for path in writer.paths]
        _check_paths(paths, given, inputs)
        if _is_finished(built, existing):
            tell(f"{given}: skipped, {paths[0]} exists")
        else:
            jobs.append(Job(str(given), source, built, resume=existing == "resume"))
    return jobs


def find_sources(videos: Sequence[str], *, fps: float) -> list[tuple[str, FrameSource | LiveSource]]:
    """Return the clips that videos, folders, patterns and addresses of streams mean, by what messages call them.

    Args:
        videos: what :func:`find_jobs` is given, too.
        fps: frames per second of folders of images.

    Raises:
        ConfigError: there is no such rate.
        DataError: there is nothing at a path, or what is there is not clear.
    """
    check_fps(fps)
    return [(str(given), _source(given, fps)) for given in _found(videos).values()]


def check_fps(fps: float) -> None:
    """Refuse a rate that no clip has.

    Raises:
        ConfigError: it is none.
    """
    if not LOWEST_FPS <= fps < math.inf:
        raise ConfigError(f"--fps {fps:g}: give frames per second, at least {LOWEST_FPS:g}.")


def _found(videos: Sequence[str]) -> dict[Path | str, Path | str]:
    """Return what arguments mean, by where it is, since a path can be written in many ways."""
    found = {_absolute(given): given for text in videos for given in _expanded(text)}
    _check_images(found)
    return found


def _source(given: Path | str, fps: float) -> FrameSource | LiveSource:
    if isinstance(given, str):
        return LiveFrames(given)
    if given.is_dir():
        return ImageFrames(image_files(given), fps=fps)
    # More threads than one, since no other clip is decoded beside it.
    return VideoFrames(given, thread_count=0)


def _check_names(names: Sequence[str], given: Sequence[Path | str], output: Path) -> None:
    """Refuse inputs that would write one output, which on some systems names do that differ in capitals alone."""
    for folded, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            alike = [place for place, name in zip(given, names, strict=True) if name.casefold() == folded]
            name = names[given.index(alike[0])]
            capitals = "" if names.count(name) == count else ", where capitals do not count"
            raise DataError(
                f"{output / name}: {count} inputs would write this{capitals}: {', '.join(map(str, alike[:5]))}. Give "
                "one of them, or rename one."
            )


def _check_paths(paths: Sequence[Path], given: Path | str, inputs: Collection[Path]) -> None:
    """Refuse outputs that are inputs, or each other, or have names that no file can have."""
    for path, count in Counter(paths).items():
        if len(os.fsencode(path.name)) > _LONGEST_NAME:
            raise DataError(f"{path}: this name is longer than that of a file may be. Rename {given}.")
        if path.resolve() in inputs:
            raise DataError(f"{path}: is an input, and what {given} would write. Give another --output.")
        if count > 1:
            raise ConfigError(f"{path}: {count} writers would write this. Ask for one of them.")


def _expanded(text: str) -> list[Path | str]:
    """Return the clips that an argument means: paths of videos and folders of images, and addresses of streams."""
    if not text.strip():
        raise DataError("VIDEO: an empty name. Give videos, folders, patterns or URLs; the current folder is '.'.")
    if LiveFrames.is_address(text):
        return [text]
    path = str(Path(text).expanduser())
    # Not Path.glob, which refuses absolute patterns.
    paths = [Path(name) for name in glob(escape(path)) or glob(path, recursive=True)]  # noqa: PTH207
    found: list[Path | str] = []
    for one in sorted(paths, key=_by_all_parts):
        found += _clips_in(one) if one.is_dir() else [one]
    if not found:
        what = "no image and no video in this folder" if paths else "no such video, folder or pattern"
        raise DataError(f"{text}: {what}. Give videos, folders of jpg or png, patterns such as 'games/*.mp4', or URLs.")
    return found


def _clips_in(folder: Path) -> list[Path]:
    """Return the videos of a folder, or the folder itself if it is one of images."""
    images = image_files(folder)
    videos = [file for file in folder.iterdir() if _is_video(file)]
    if images and videos:
        raise DataError(
            f"{folder}: holds {len(videos)} videos and {len(images)} images. Give the videos by a pattern, such as "
            f"'{folder / f'*{videos[0].suffix}'}'; images that are a clip need a folder of their own."
        )
    return [folder] if images else sorted(videos, key=_by_all_parts)


def _is_video(file: Path) -> bool:
    """Return whether a folder is taken to hold this video; hidden files are left out, as those of images are."""
    return file.suffix.lower() in VIDEO_SUFFIXES and not file.name.startswith(".") and file.is_file()


def _check_images(found: dict[Path | str, Path | str]) -> None:
    """Refuse the frames of a clip one by one."""
    paths = (given for given in found.values() if isinstance(given, Path) and not given.is_dir())
    folders = Counter(path.parent for path in paths if path.suffix.lower() in IMAGE_SUFFIXES)
    for folder, count in folders.items():
        if count > 1:
            raise DataError(
                f"{folder}: {count} of its images are given one by one. Give the folder, which is one clip."
            )


def _names(places: Sequence[Path | str]) -> list[str]:
    """Return the names of outputs.

    Those of files and folders are their stems; where two share one, all are the paths below the common folder. That of
    a stream is its host and path; where two share it, they are numbered.
    """
    paths = [place for place in places if isinstance(place, Path)]
    are_different = len({_stem(path).casefold() for path in paths}) == len(paths)
    above = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    streams: Counter[str] = Counter()
    names = []
    for place in places:
        if isinstance(place, Path):
            stem = _stem(place)
            names.append(stem if are_different else str(place.relative_to(above).with_name(stem)))
        else:
            name = _stream_name(place)
            streams[name] += 1
            names.append(name if streams[name] == 1 else f"{name}_{streams[name]}")
    return names


def _stem(path: Path) -> str:
    stem = path.name if path.is_dir() else path.stem
    # A stem of nothing but dots would be a folder, whose outputs would lie beside it; the root has no name at all.
    return stem if stem.strip(".") else path.name or "root"


def _stream_name(address: str) -> str:
    """Return host and path as a name of a file, without scheme, password and query."""
    where = re.sub(r"^\w[\w+.-]*:/*([^/@]*@)?", "", address.split("?")[0])
    return re.sub(r"[^\w.-]+", "_", where).strip("_.")[-100:] or "stream"


def _absolute(given: Path | str) -> Path | str:
    """Return a path without ``..``, for it to be below a folder; links stay, whose names the user gave."""
    return given if isinstance(given, str) else Path(os.path.abspath(given))  # noqa: PTH100


def _is_finished(writers: Sequence[Writer], existing: Existing) -> bool:
    """Return whether there is nothing left to do; refuse to replace what nobody said is to be replaced."""
    if existing == "overwrite":
        return False
    paths = [path for writer in writers for path in writer.paths]
    parts = [writer.part for writer in writers if writer.part is not None and writer.part.exists()]
    lasting = [path for writer in writers if writer.part is not None for path in writer.paths] or paths
    if existing == "resume" and all(path.exists() for path in lasting):
        if parts:  # an --overwrite was interrupted: all are to be replaced
            return False
        missing = [path for path in paths if not path.exists()]
        if missing:
            raise DataError(
                f"{missing[0]}: is missing, and {lasting[0]} exists already. They are made together: ask for what is "
                "there alone, or give --overwrite to make all anew."
            )
        return True
    for path in paths:
        if path.exists():
            raise DataError(f"{path}: exists already. Give another --output, or --overwrite to replace it.")
    if existing == "refuse" and parts:
        raise DataError(
            f"{parts[0]}: an interrupted run left this. --resume goes on with it, --overwrite starts afresh."
        )
    return False


def _by_all_parts(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(Path(part)) for part in path.parts]
